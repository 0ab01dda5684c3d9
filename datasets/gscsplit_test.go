package datasets

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// manySpoken returns recordings of some speakers, each of whom says two words.
func manySpoken(speakers int) (all []spoken) {
	for i := range speakers {
		for w, word := range []string{"no", "yes"} {
			hz := float64(200 + 40*i + 13*w)
			all = append(all, spoken{fmt.Sprintf("%s/%04x_nohash_0.wav", word, i),
				tone(gscRate, 3000, hz, 0.5)})
		}
	}
	return all
}

// Without official validation samples here, a tenth of the speakers is held out.
func TestGSCHoldsOutSpeakers(t *testing.T) {
	recordings, lists := gscFiles(manySpoken(21), "no/0000_nohash_0.wav\nyes/0000_nohash_0.wav\n",
		"no/ffff_nohash_0.wav\n")
	dir := t.TempDir()
	unpack(t, dir, under("gsc", append(recordings, lists...))...)
	d, err := Open(t.Context(), "gsc", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 36 || d.Validation.Len() != 4 || d.Test.Len() != 2 {
		t.Errorf("%d, %d and %d samples, want 36, 4 and 2", d.Train.Len(), d.Validation.Len(), d.Test.Len())
	}
	checkGroups(t, "gsc", d)
	if n := classCounts(d.Validation, len(gscWords)); n[gscClass("no")] != 2 || n[gscClass("yes")] != 2 {
		t.Errorf("%v validation samples of the words, want two of both", n)
	}
	if p := d.Provenance; p.Train != 40 || p.Test != 2 || strings.Contains(p.Note, "too few groups") {
		t.Errorf("provenance %+v", p)
	}
	if want := "1 of 1 names in validation_list.txt match no recording; " +
		"33 of 35 classes have no training samples"; d.Provenance.Note != want {
		t.Errorf("note %q, want %q", d.Provenance.Note, want)
	}
}

// The official validation samples are taken as they are.
func TestGSCOfficialValidation(t *testing.T) {
	recordings, lists := gscFiles(manySpoken(6), "no/0000_nohash_0.wav\n",
		"no/0001_nohash_0.wav\nyes/0001_nohash_0.wav\nno/0002_nohash_0.wav\n")
	dir := t.TempDir()
	unpack(t, dir, under("gsc", append(recordings, lists...))...)
	var first *Dataset
	for seed := range uint64(4) {
		d, err := Open(t.Context(), "gsc", Options{Dir: dir, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if d.Train.Len() != 8 || d.Validation.Len() != 3 || d.Test.Len() != 1 {
			t.Errorf("%d, %d and %d samples, want 8, 3 and 1", d.Train.Len(), d.Validation.Len(),
				d.Test.Len())
		}
		if first == nil {
			first = d
		} else if slices.Equal(d.Train.rows, first.Train.rows) {
			t.Errorf("seed %d: the training samples are in the same order", seed)
		}
		if !slices.Equal(slices.Sorted(slices.Values(d.Validation.rows)),
			slices.Sorted(slices.Values(first.Validation.rows))) {
			t.Errorf("seed %d: other validation samples", seed)
		}
	}
}

// One speaker cannot be held out: then samples are, and the note says so.
func TestGSCOneSpeaker(t *testing.T) {
	var all []spoken
	for i := range 24 {
		all = append(all, spoken{fmt.Sprintf("go/aaaa_nohash_%d.wav", i),
			tone(gscRate, 3000, float64(200+50*i), 0.5)})
	}
	recordings, lists := gscFiles(all, "go/aaaa_nohash_0.wav\n", "")
	dir := t.TempDir()
	unpack(t, dir, under("gsc", append(recordings, lists...))...)
	d, err := Open(t.Context(), "gsc", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 21 || d.Validation.Len() != 2 {
		t.Errorf("%d and %d samples, want 21 and 2", d.Train.Len(), d.Validation.Len())
	}
	if !strings.Contains(d.Provenance.Note, "too few groups of related samples") {
		t.Errorf("note %q", d.Provenance.Note)
	}
}

// A recording in both lists cannot be in a part at random.
func TestGSCInBothLists(t *testing.T) {
	const both = "no/0001_nohash_0.wav\n"
	recordings, lists := gscFiles(manySpoken(3), "no/0000_nohash_0.wav\n"+both,
		"yes/0000_nohash_0.wav\n"+both)
	folder := unpack(t, t.TempDir(), append(recordings, lists...)...)
	tests := map[int]int{} // number of test samples
	for range 12 {
		s, err := loadFresh(t, entryOf("gsc"), folder)
		if err != nil {
			tests[-1]++
			continue
		}
		tests[s.Test.Len()]++
	}
	if len(tests) != 1 || tests[1] > 0 {
		t.Errorf("test samples, and how often: %v: want always 2, or an error", tests)
	}
}

// checkGroups checks that related samples, and segments of a recording, are not parted.
func checkGroups(t *testing.T, name string, d *Dataset) {
	t.Helper()
	for what, of := range map[string]func(*Split) []int32{
		"group": func(s *Split) []int32 { return s.Groups },
		"clip":  func(s *Split) []int32 { return s.Clips },
	} {
		in := map[int32]string{}
		for part, s := range map[string]*Split{"training": d.Train, "validation": d.Validation,
			"test": d.Test} {
			for _, g := range of(s) {
				if other, ok := in[g]; ok && other != part && g >= 0 {
					t.Errorf("%s: %s %d is in the %s and the %s samples", name, what, g, other, part)
					return
				}
				in[g] = part
			}
		}
	}
}
