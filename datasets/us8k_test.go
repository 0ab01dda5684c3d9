package datasets

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/features"
)

// second is the tone of a second, which makes one segment; two seconds make three.
func second(hz float64) []byte {
	return wav16(features.LogMelRate, tone(features.LogMelRate, features.LogMelRate, hz, 0.5))
}

// us8kFiles are recordings as they lie below audio, in the order of their names.
func us8kFiles() []file {
	return []file{
		{"fold1/100-3-0-0.wav", second(300)},
		{"fold1/100-3-0-10.wav", second(400)},
		{"fold1/7061-6-0-0.wav", second(500)},
		{"fold2/200-0-0-1.wav", wav16(features.LogMelRate,
			tone(features.LogMelRate, 2*features.LogMelRate, 600, 0.5))},
		{"fold10/300-9-1-2.wav", second(700)},
		{"fold10/300-9-1-3.wav", wav16(features.LogMelRate,
			tone(features.LogMelRate, 2*features.LogMelRate, 800, 0.5))},
	}
}

// segmentsOf computes the segments of a tone of the rate of the features.
func segmentsOf(t *testing.T, v []int16) [][]float32 {
	t.Helper()
	s, err := features.NewLogMel().Segments(floating(v))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUS8K(t *testing.T) {
	other := []file{
		{"UrbanSound8K/metadata/UrbanSound8K.csv", []byte("slice_file_name")},
		{"UrbanSound8K/UrbanSound8K_README.txt", nil},
		{"UrbanSound8K/audio/.DS_Store", []byte("x")},
		{"UrbanSound8K/audio/fold1/.DS_Store", []byte("x")},
	}
	all := append(other, under("UrbanSound8K/audio", us8kFiles())...)
	backward := slices.Clone(all)
	slices.Reverse(backward)
	for name, folder := range map[string]string{
		"archive":                  unpack(t, t.TempDir(), file{us8kArchive, tarGz(t, all...)}),
		"archive in another order": unpack(t, t.TempDir(), file{us8kArchive, tarGz(t, backward...)}),
		"unpacked":                 unpack(t, t.TempDir(), all...),
		"the folder audio alone":   unpack(t, t.TempDir(), under("audio", us8kFiles())...),
	} {
		s, err := loadFresh(t, entryOf("us8k"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []int32{3, 3, 6, 0, 0, 0}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
			continue
		}
		if s.Validation != nil {
			t.Errorf("%s: %d validation samples from the files", name, s.Validation.Len())
		}
		for i, hz := range []float64{300, 400, 500} {
			if want := segmentsOf(t, tone(features.LogMelRate, features.LogMelRate, hz,
				0.5)); !slices.Equal(s.Train.Sample(i), want[0]) {
				t.Errorf("%s: training sample %d is not the recording of %v Hz", name, i, hz)
			}
		}
		for i, want := range segmentsOf(t, tone(features.LogMelRate, 2*features.LogMelRate, 600, 0.5)) {
			if !slices.Equal(s.Train.Sample(3+i), want) {
				t.Errorf("%s: training sample %d is not segment %d of the recording of 600 Hz", name, 3+i, i)
			}
		}
		// Two recordings from the source 100, each a clip of its own.
		g, c := s.Train.Groups, s.Train.Clips
		if g[0] != g[1] || g[1] == g[2] || g[2] == g[3] || g[3] != g[4] || g[4] != g[5] {
			t.Errorf("%s: groups %v do not tell the sources", name, g)
		}
		if c[0] == c[1] || c[1] == c[2] || c[2] == c[3] || c[3] != c[4] || c[4] != c[5] {
			t.Errorf("%s: clips %v do not tell the recordings", name, c)
		}
		if s.Test.Len() != 4 || slices.Min(s.Test.Labels) != 9 || s.Test.Groups[0] != s.Test.Groups[3] {
			t.Errorf("%s: test labels %v, groups %v", name, s.Test.Labels, s.Test.Groups)
		}
		if n := len(slices.Compact(slices.Sorted(slices.Values(s.Test.Clips)))); n != 2 {
			t.Errorf("%s: clips of the test samples %v, want two", name, s.Test.Clips)
		}
		p := s.Provenance
		if p.Kind != Real || !strings.HasSuffix(p.Source, "segments of 6 of 8732 recordings") ||
			p.Note != "" {
			t.Errorf("%s: provenance %+v", name, p)
		}
		if strings.HasPrefix(p.Source, us8kArchive) != strings.HasPrefix(name, "archive") {
			t.Errorf("%s: source %q", name, p.Source)
		}
	}
}

// Whatever the rate, channels and width of a recording, the sound is the same.
func TestUS8KEncodings(t *testing.T) {
	const hz = 1000
	stereo := func(rate, bits int) []byte {
		full := float64(int(1) << (bits - 1))
		var data []int
		for i := range rate {
			v := full * 0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
			data = append(data, int(math.Round(1.2*v)), int(math.Round(0.8*v))) // of the mean v
		}
		return encode(t, rate, bits, 2, data)
	}
	files := under("audio", []file{
		{"fold1/1-0-0-0.wav", second(hz)},
		{"fold1/2-0-0-0.wav", stereo(44100, 16)},
		{"fold1/3-0-0-0.wav", stereo(44100, 24)},
		{"fold1/4-0-0-0.wav", stereo(48000, 24)},
		{"fold1/5-0-0-0.wav", stereo(48000, 32)},
		{"fold1/6-0-0-0.wav", stereo(96000, 16)},
		{"fold1/7-0-0-0.wav", stereo(11025, 16)},
		{"fold10/8-0-0-0.wav", second(hz)},
	})
	s, err := loadFresh(t, entryOf("us8k"), unpack(t, t.TempDir(), files...))
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 7 {
		t.Fatalf("%d samples, want 7", s.Train.Len())
	}
	want := s.Train.Sample(0)
	loudest := 0 // log-mel energy of the middle frame
	at := func(band int) int { return (band*features.SegmentFrames + 20) * 2 }
	for band := range features.LogMelBands {
		if want[at(band)] > want[at(loudest)] {
			loudest = band
		}
	}
	for i := range 7 {
		v := s.Train.Sample(i)
		for band := max(0, loudest-1); band <= loudest+1; band++ {
			if d := math.Abs(float64(v[at(band)] - want[at(band)])); d > 0.02 {
				t.Errorf("%s: band %d differs by %.3f", files[i].name, band, d)
			}
		}
		for band := range features.LogMelBands {
			if v[at(band)] > v[at(loudest)] {
				t.Errorf("%s: band %d is louder than band %d", files[i].name, band, loudest)
			}
		}
	}
}

// Some originals are compressed: they are left out, and counted.
func TestUS8KLeftOut(t *testing.T) {
	files := append(us8kFiles(), file{"fold3/400-1-0-0.wav", adpcm()}, file{"fold10/500-2-0-0.wav", adpcm()})
	dir := t.TempDir()
	unpack(t, dir, under("us8k/audio", files)...)
	d, err := Open(t.Context(), "us8k", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := d.Provenance
	if p.Train != 6 || p.Test != 4 || !strings.Contains(p.Note, "2 recordings left out") ||
		!strings.HasSuffix(p.Source, "segments of 6 of 8732 recordings") {
		t.Errorf("provenance %+v", p)
	}
}

func TestUS8KErrors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		data       []byte
		want       string // in the error or the provenance, beside the file's name
	}{
		{"no fold", "100-3-0-0.wav", nil, "expected a name such as fold1/101415-3-0-2.wav"},
		{"fold 0", "fold0/100-3-0-0.wav", nil, "expected a name such as"},
		{"fold 11", "fold11/100-3-0-0.wav", nil, "expected a name such as"},
		{"other folder", "folder/100-3-0-0.wav", nil, "expected a name such as"},
		{"fold and more", "fold1x/100-3-0-0.wav", nil, "expected a name such as"},
		{"three numbers", "fold1/100-3-0.wav", nil, "expected a name such as"},
		{"five numbers", "fold1/100-3-0-0-0.wav", nil, "expected a name such as"},
		{"no number", "fold1/a-3-0-0.wav", nil, "expected a name such as"},
		{"a copy", "fold1/100-3-0-0 (1).wav", nil, "expected a name such as"},
		{"class 10", "fold1/100-10-0-0.wav", second(100), "expected 0 to 9, found 10"},
		{"class beyond 32 bits", "fold1/100-4294967299-0-0.wav", second(100), "expected"},
		{"cut", "fold1/101-3-0-0.wav", second(100)[:20], "1 recordings left out"},
		{"no sound", "fold1/101-3-0-0.wav", []byte("<html>"), "1 recordings left out"},
		{"a minute and more", "fold1/101-3-0-0.wav", wav16(100, make([]int16, 6100)), "too long"},
	} {
		dir := t.TempDir()
		unpack(t, dir, under("us8k/audio", append(us8kFiles()[2:5], file{c.file, c.data}))...)
		said := outcome(Open(t.Context(), "us8k", Options{Dir: dir}))
		for _, want := range []string{c.want, path.Base(c.file)} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s, want it with %q", c.name, said, want)
			}
		}
	}
}

// Without the tenth fold there is no test split, and without others none to train on.
func TestUS8KFolds(t *testing.T) {
	for name, files := range map[string][]file{
		"found 6 training and 0 test samples": us8kFiles()[:4],
		"found 0 training and 4 test samples": us8kFiles()[4:],
	} {
		dir := t.TempDir()
		unpack(t, dir, under("us8k/audio", files)...)
		if _, err := Open(t.Context(), "us8k", Options{Dir: dir}); err == nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
}

// Segments of one source never part, as near to a tenth as it may be.
func TestUS8KHoldsOutSources(t *testing.T) {
	var files []file
	for i := range 24 {
		for slice := range 2 {
			files = append(files, file{fmt.Sprintf("fold%d/%d-%d-0-%d.wav", 1+i%9, 1000+i, i%2, slice),
				second(float64(200 + 50*i + 9*slice))})
		}
	}
	files = append(files, us8kFiles()[4:]...)
	dir := t.TempDir()
	unpack(t, dir, under("us8k/audio", files)...)
	d, err := Open(t.Context(), "us8k", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if n := d.Validation.Len(); n < 4 || n > 6 || d.Train.Len() != 48-n {
		t.Errorf("%d validation and %d training samples, want about 5 of 48", n, d.Train.Len())
	}
	checkGroups(t, "us8k", d)
}
