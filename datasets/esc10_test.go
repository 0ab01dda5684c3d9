package datasets

import (
	"path"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/features"
)

// esc10Recordings are recordings as they lie below audio, in the order of their names.
// Targets 2 and 49 are of ESC-50 only.
func esc10Recordings() []file {
	return []file{
		{"1-100-A-0.wav", second(300)},
		{"1-100-B-0.wav", second(400)},
		{"1-17367-A-10.wav", second(500)},
		{"1-200-A-2.wav", []byte("not looked at")},
		{"4-300-A-41.wav", wav16(features.LogMelRate,
			tone(features.LogMelRate, 2*features.LogMelRate, 600, 0.5))},
		{"5-400-A-21.wav", second(700)},
		{"5-400-A-49.wav", nil},
	}
}

func TestESC10(t *testing.T) {
	all := append(under("ESC-50-master/audio", esc10Recordings()),
		file{"ESC-50-master/meta/esc50.csv", []byte("filename,fold,target\n")},
		file{"ESC-50-master/esc50.gif", []byte("GIF89a")},
		file{"ESC-50-master/audio/.hidden.wav", []byte("x")})
	folders := map[string]string{
		"unpacked files, master": unpack(t, t.TempDir(), all...),
		"unpacked files, ESC-50": unpack(t, t.TempDir(), under("ESC-50/audio", esc10Recordings())...),
		"unpacked files, audio":  unpack(t, t.TempDir(), under("audio", esc10Recordings())...),
	}
	for _, name := range esc10Archives {
		folders[name] = unpack(t, t.TempDir(), file{name, zipped(t, all...)})
	}
	for name, folder := range folders {
		s, err := loadFresh(t, entryOf("esc10"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// dog, dog, rain, chainsaw and its three segments
		if want := []int32{0, 0, 2, 9, 9, 9}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
			continue
		}
		if want := []int32{6}; !slices.Equal(s.Test.Labels, want) { // sneezing
			t.Errorf("%s: test labels %v, want %v", name, s.Test.Labels, want)
		}
		if want := segmentsOf(t, tone(features.LogMelRate, features.LogMelRate, 500,
			0.5)); !slices.Equal(s.Train.Sample(2), want[0]) {
			t.Errorf("%s: training sample 2 is not the recording of rain", name)
		}
		g, c := s.Train.Groups, s.Train.Clips
		if g[0] != g[1] || g[1] == g[2] || g[2] == g[3] || g[3] != g[5] {
			t.Errorf("%s: groups %v do not tell the sources", name, g)
		}
		if c[0] == c[1] || c[3] != c[4] || c[4] != c[5] || c[2] == c[3] {
			t.Errorf("%s: clips %v do not tell the recordings", name, c)
		}
		source, _, _ := strings.Cut(name, ", ")
		if want := source + ": segments of 5 of 400 recordings"; s.Provenance.Kind != Real ||
			s.Provenance.Source != want {
			t.Errorf("%s: provenance %+v, want the source %q", name, s.Provenance, want)
		}
	}
}

// The class numbers of ESC-50 are those of the classes' names.
func TestESC10Targets(t *testing.T) {
	names := map[int]string{0: "dog", 1: "rooster", 10: "rain", 11: "sea_waves", 12: "crackling_fire",
		20: "crying_baby", 21: "sneezing", 38: "clock_tick", 40: "helicopter", 41: "chainsaw"}
	for label, target := range esc10Targets {
		if got := entryOf("esc10").ClassNames[label]; got != names[target] {
			t.Errorf("class %d, number %d of ESC-50, is %q, want %q", label, target, got, names[target])
		}
	}
}

func TestESC10Errors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"fold 0", "0-100-A-0.wav", nil, "expected a name such as 1-100032-A-0.wav"},
		{"fold 6", "6-100-A-0.wav", nil, "expected a name such as"},
		{"target 50", "1-100-A-50.wav", nil, "expected a name such as"},
		{"no take", "1-100-0.wav", nil, "expected a name such as"},
		{"other name", "dog.wav", nil, "expected a name such as"},
		{"a copy", "1-100-A-0 (1).wav", nil, "expected a name such as"},
		{"cut", "1-101-A-0.wav", second(100)[:20], "1 recordings left out"},
	} {
		dir := t.TempDir()
		unpack(t, dir, under("esc10/audio", append(esc10Recordings(), file{c.file, c.data}))...)
		said := outcome(Open(t.Context(), "esc10", Options{Dir: dir}))
		for _, want := range []string{c.want, path.Base(c.file)} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s, want it with %q", c.name, said, want)
			}
		}
	}
	for want, files := range map[string][]file{
		"found 6 training and 0 test samples": esc10Recordings()[:5],
		"found 0 training and 1 test samples": esc10Recordings()[5:],
		"expected samples, found none":        esc10Recordings()[6:],
	} {
		dir := t.TempDir()
		unpack(t, dir, under("esc10/audio", files)...)
		if _, err := Open(t.Context(), "esc10", Options{Dir: dir}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestESC10LeftOut(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, under("esc10/audio", append(esc10Recordings(), file{"2-1-A-0.wav", adpcm()}))...)
	d, err := Open(t.Context(), "esc10", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := d.Provenance
	if p.Train != 6 || !strings.Contains(p.Note, "1 recordings left out") ||
		!strings.HasSuffix(p.Source, "segments of 5 of 400 recordings") {
		t.Errorf("provenance %+v", p)
	}
}
