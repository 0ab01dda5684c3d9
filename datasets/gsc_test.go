package datasets

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/features"
)

// spoken is a recording of the fixture: a tone in place of a word.
type spoken struct {
	name string
	v    []int16
}

// gscSpoken are recordings in the order of their names, two of them shorter and one
// longer than a second.
var gscSpoken = []spoken{
	{"bed/aaaa_nohash_0.wav", tone(gscRate, 16000, 200, 0.5)},
	{"bed/bbbb_nohash_0.wav", tone(gscRate, 16000, 300, 0.5)},
	{"bed/bbbb_nohash_1.wav", tone(gscRate, 5000, 400, 0.5)},
	{"cat/aaaa_nohash_0.wav", tone(gscRate, 20000, 500, 0.5)},
	{"cat/cccc_nohash_0.wav", tone(gscRate, 16000, 600, 0.5)},
	{"zero/dddd_nohash_7.wav", tone(gscRate, 12345, 700, 0.5)},
	{"zero/eeee_nohash_0.wav", tone(gscRate, 16000, 800, 0.5)},
}

// gscFiles returns recordings and lists as they lie in the archive.
func gscFiles(all []spoken, testing, validation string) (recordings, lists []file) {
	for _, s := range all {
		recordings = append(recordings, file{s.name, wav16(gscRate, s.v)})
	}
	return recordings, []file{{gscTesting, []byte(testing)}, {gscValidation, []byte(validation)}}
}

// gscClass returns the label of a word.
func gscClass(word string) int32 { return int32(slices.Index(gscWords, word)) }

// mfcc computes the coefficients of a recording.
func mfcc(t *testing.T, v []int16) []float32 {
	t.Helper()
	dst, err := features.NewMFCC().Extract(floating(v))
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestGSC(t *testing.T) {
	recordings, lists := gscFiles(gscSpoken,
		"bed/bbbb_nohash_0.wav\nbed/bbbb_nohash_1.wav\n\nzero/absent_nohash_0.wav\n",
		"zero/dddd_nohash_7.wav\r\ncat/cccc_nohash_0.wav") // Windows, and no last line feed
	other := []file{
		{"README.md", []byte("words")},
		{"_background_noise_/pink_noise.wav", []byte("not read")},
		{"_background_noise_/README.md", nil},
		{"bed/.DS_Store", []byte("x")},
	}
	all := slices.Concat(other, recordings, lists)
	backward := slices.Clone(recordings)
	slices.Reverse(backward)

	for name, folder := range map[string]string{
		"archive, lists last": unpack(t, t.TempDir(), file{gscArchive, tarGz(t, all...)}),
		"archive, lists first": unpack(t, t.TempDir(),
			file{gscArchive, tarGz(t, slices.Concat(lists, backward, other)...)}),
		"archive, dots":        unpack(t, t.TempDir(), file{gscArchive, tarGz(t, under(".", all)...)}),
		"unpacked":             unpack(t, t.TempDir(), all...),
		"unpacked in a folder": unpack(t, t.TempDir(), under("speech_commands_v0.02", all)...),
	} {
		s, err := loadFresh(t, entryOf("gsc"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Training and validation samples are in the order of their names.
		bed, cat, zero := gscClass("bed"), gscClass("cat"), gscClass("zero")
		if want := []int32{bed, cat, zero}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
			continue
		}
		if want := []int32{cat, zero}; s.Validation == nil || !slices.Equal(s.Validation.Labels, want) {
			t.Errorf("%s: validation %+v, want the labels %v", name, s.Validation, want)
			continue
		}
		for i, at := range []int{0, 3, 6} {
			if !slices.Equal(s.Train.Sample(i), mfcc(t, gscSpoken[at].v)) {
				t.Errorf("%s: training sample %d is not %s", name, i, gscSpoken[at].name)
			}
		}
		for i, at := range []int{4, 5} {
			if !slices.Equal(s.Validation.Sample(i), mfcc(t, gscSpoken[at].v)) {
				t.Errorf("%s: validation sample %d is not %s", name, i, gscSpoken[at].name)
			}
		}
		found := sampleSet(s.Test)
		if s.Test.Len() != 2 || !found[fmt.Sprint(mfcc(t, gscSpoken[1].v))] ||
			!found[fmt.Sprint(mfcc(t, gscSpoken[2].v))] ||
			!slices.Equal(s.Test.Labels, []int32{bed, bed}) {
			t.Errorf("%s: test labels %v, want both recordings of bbbb", name, s.Test.Labels)
		}
		// Speakers: aaaa, aaaa, eeee; cccc, dddd; bbbb, bbbb.
		a, v, b := s.Train.Groups, s.Validation.Groups, s.Test.Groups
		if a[0] != a[1] || b[0] != b[1] || len(slices.Compact(slices.Sorted(slices.Values([]int32{a[0], a[2],
			v[0], v[1], b[0]})))) != 5 {
			t.Errorf("%s: groups %v, %v, %v do not tell the speakers", name, a, v, b)
		}
		p := s.Provenance
		if p.Kind != Real || !strings.HasSuffix(p.Source, ": 3 of 35 words") || p.TrainOf != 94824 ||
			p.TestOf != 11005 {
			t.Errorf("%s: provenance %+v", name, p)
		}
		if strings.HasPrefix(p.Source, gscArchive) != strings.HasPrefix(name, "archive") {
			t.Errorf("%s: source %q", name, p.Source)
		}
	}
}

// Of the archive only, as it is sometimes packed, the folder may hold other things too.
func TestGSCArchiveComesFirst(t *testing.T) {
	recordings, lists := gscFiles(gscSpoken, gscSpoken[0].name, "")
	folder := unpack(t, t.TempDir(), file{gscArchive, tarGz(t, append(recordings, lists...)...)})
	unpack(t, folder, recordings[:2]...)
	unpack(t, folder, lists...)
	s, err := loadFresh(t, entryOf("gsc"), folder)
	if err != nil || s.Train.Len() != len(gscSpoken)-1 || s.Test.Len() != 1 {
		t.Errorf("%+v, %v, want the samples of the archive", s, err)
	}
}

func TestGSCErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(files map[string][]byte)
		want []string // in the error or the provenance, beside the archive
	}{
		{"no lists", func(f map[string][]byte) { delete(f, gscTesting); delete(f, gscValidation) },
			[]string{"expected testing_list.txt and validation_list.txt, found 0"}},
		{"one list", func(f map[string][]byte) { delete(f, gscValidation) },
			[]string{"expected testing_list.txt and validation_list.txt, found 1"}},
		{"no test samples", func(f map[string][]byte) { f[gscTesting] = nil },
			[]string{"found 6 training and 0 test samples"}},
		{"unknown word", func(f map[string][]byte) { f["hello/aaaa_nohash_0.wav"] = f[gscSpoken[0].name] },
			[]string{"hello/aaaa_nohash_0.wav", `folder "hello": expected one of the 35 words`}},
		{"no word", func(f map[string][]byte) { f["aaaa_nohash_0.wav"] = f[gscSpoken[0].name] },
			[]string{"aaaa_nohash_0.wav", "expected one of the 35 words"}},
		{"no speaker", func(f map[string][]byte) { f["bed/aaaa.wav"] = f[gscSpoken[0].name] },
			[]string{"bed/aaaa.wav", "expected a name such as 0f250098_nohash_0.wav"}},
		{"other rate", func(f map[string][]byte) {
			f["bed/a_nohash_0.wav"] = wav16(8000,
				tone(8000, 8000, 100, 1))
		},
			[]string{"1 recordings left out: bed/a_nohash_0.wav", "expected 16000 samples a second"}},
		{"cut", func(f map[string][]byte) { f["bed/aaaa_nohash_0.wav"] = f["bed/aaaa_nohash_0.wav"][:20] },
			[]string{"1 recordings left out: bed/aaaa_nohash_0.wav", `ends in the chunk "fmt "`}},
		{"empty", func(f map[string][]byte) { f["bed/aaaa_nohash_0.wav"] = nil },
			[]string{"1 recordings left out: bed/aaaa_nohash_0.wav", "expected a WAV file"}},
		{"no samples", func(f map[string][]byte) { f["bed/aaaa_nohash_0.wav"] = wav16(gscRate, nil) },
			[]string{"1 recordings left out: bed/aaaa_nohash_0.wav", "no samples"}},
		{"eleven seconds", func(f map[string][]byte) {
			f["bed/aaaa_nohash_0.wav"] = wav16(gscRate,
				make([]int16, 11*gscRate))
		},
			[]string{"1 recordings left out: bed/aaaa_nohash_0.wav", "too long"}},
		{"only other encodings", func(f map[string][]byte) {
			for name := range f {
				if path.Ext(name) == ".wav" {
					f[name] = adpcm()
				}
			}
		}, []string{"7 of 7 recordings cannot be read, too many to leave out: bed/aaaa_nohash_0.wav ("}},
		{"list of folders", func(f map[string][]byte) { f[gscTesting] = []byte("bed/aaaa_nohash_0.wav\nbed\n") },
			[]string{gscTesting, "line 2", `found "bed"`}},
		{"list leads out", func(f map[string][]byte) { f[gscValidation] = []byte("../bed/aaaa_nohash_0.wav\n") },
			[]string{gscValidation, "line 1", "../bed"}},
		{"list with empty lines", func(f map[string][]byte) {
			f[gscTesting] = []byte("\n\nbed/a.wav\nbed/a.wav\nbed\n")
		},
			[]string{gscTesting, "line 5"}},
		{"list without lines", func(f map[string][]byte) { f[gscTesting] = make([]byte, 1<<20) },
			[]string{gscTesting, "too long"}},
	} {
		recordings, lists := gscFiles(gscSpoken, "bed/bbbb_nohash_0.wav\n", "cat/cccc_nohash_0.wav\n")
		files := map[string][]byte{}
		for _, f := range append(recordings, lists...) {
			files[f.name] = f.data
		}
		c.edit(files)
		var all []file
		for name, b := range files {
			all = append(all, file{name, b})
		}
		dir := t.TempDir()
		write(t, tarGz(t, all...), dir, "gsc", gscArchive)
		said := outcome(Open(t.Context(), "gsc", Options{Dir: dir}))
		for _, want := range append(c.want, gscArchive) {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s, want it with %q", c.name, said, want)
			}
		}
	}
}

func TestGSCTwice(t *testing.T) {
	recordings, lists := gscFiles(gscSpoken, "bed/bbbb_nohash_0.wav\n", "")
	all := slices.Concat(recordings, lists, recordings[2:3])
	folder := unpack(t, t.TempDir(), file{gscArchive, tarGz(t, all...)})
	if _, err := loadFresh(t, entryOf("gsc"), folder); err == nil ||
		!strings.Contains(err.Error(), "bed/bbbb_nohash_1.wav") ||
		!strings.Contains(err.Error(), "found twice") {
		t.Errorf("error %v", err)
	}
}

func TestGSCCutArchive(t *testing.T) {
	recordings, lists := gscFiles(gscSpoken, "bed/bbbb_nohash_0.wav\n", "")
	b := tarGz(t, append(lists, recordings...)...)
	for _, n := range []int{len(b) - 1, len(b) - 9, len(b) / 2, 5} {
		folder := unpack(t, t.TempDir(), file{gscArchive, b[:n]})
		if _, err := loadFresh(t, entryOf("gsc"), folder); err == nil ||
			!strings.Contains(err.Error(), "EOF") {
			t.Errorf("cut to %d of %d bytes: error %v", n, len(b), err)
		}
	}
}

func TestGSCNoFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, wav16(gscRate, gscSpoken[0].v), dir, "gsc", "bed", "aaaa_nohash_0.wav") // but no list
	_, err := Open(t.Context(), "gsc", Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "expected "+gscArchive) ||
		!strings.Contains(err.Error(), gscTesting) {
		t.Errorf("error %v", err)
	}
}
