package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	want := []string{"cifar10", "mnist", "fmnist", "gtsrb", "svhn", "obs", "gsc", "esc10", "us8k", "hhar"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

func TestCatalog(t *testing.T) {
	for _, e := range catalog() {
		if len(e.ClassNames) != e.Classes {
			t.Errorf("%s: %d class names for %d classes", e.Name, len(e.ClassNames), e.Classes)
		}
		names := slices.Sorted(slices.Values(e.ClassNames))
		if len(slices.Compact(names)) != e.Classes {
			t.Errorf("%s: a class name is there twice", e.Name)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "file")
	write(t, nil, dir, "odd", "cifar10") // a file in place of a folder
	write(t, nil, dir, "odd", "mnist", "readme.txt")
	write(t, nil, dir, "bare", "fmnist", "readme.txt")
	write(t, nil, dir, "bare", "cifar10", "readme.txt")
	for _, c := range []struct {
		name, dataset string
		o             Options
		want          string
	}{
		{"unknown name", "cifar100", Options{}, "unknown dataset: want one of [cifar10 "},
		{"no such directory", "gsc", Options{Dir: filepath.Join(dir, "none")}, "no such file"},
		{"a file", "gsc", Options{Dir: filepath.Join(dir, "file")}, "not a directory"},
		{"nothing known", "gsc", Options{Dir: dir},
			"no folder of a dataset in it: want at least one of cifar10, mnist,"},
		{"nothing known, mnist", "mnist", Options{Dir: dir}, "no folder of a dataset in it"},
		{"folder is a file", "cifar10", Options{Dir: filepath.Join(dir, "odd")}, "cifar10: not a directory"},
		{"folder without files", "fmnist", Options{Dir: filepath.Join(dir, "bare")},
			"expected train-images-idx3-ubyte, "},
		{"folder without archive", "cifar10", Options{Dir: filepath.Join(dir, "bare")},
			"expected " + cifarArchive},
		{"negative limit", "gsc", Options{MaxTest: -1}, "option MaxTest is -1"},
		{"nothing left to validate", "gsc", Options{MaxTrain: 1},
			"option MaxTrain is 1: want 0 or at least 2"},
		{"negative size", "gsc", Options{StandInTrain: -5}, "option StandInTrain is -5"},
	} {
		d, err := Open(t.Context(), c.dataset, c.o)
		if d != nil || err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.HasPrefix(err.Error(), "datasets: "+c.dataset+": ") {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestCheckDir(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "good", "us8k", "anything")
	write(t, nil, dir, "bad", "us8k")
	if err := CheckDir(filepath.Join(dir, "good")); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"bad", "none", filepath.Join("bad", "us8k")} {
		if err := CheckDir(filepath.Join(dir, bad)); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: error %v", bad, err)
		}
	}
}

// A directory that lacks a dataset, or has too little of it, gives its stand-in, and says
// why.
func TestOpenAbsent(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "gsc", "anything")
	write(t, cifarHand(1, 2, 3), dir, "cifar10", "data_batch_1.bin")
	write(t, cifarHand(1, 2, 3), dir, "cifar10", "test_batch.bin")
	o := Options{Dir: dir, MinTrain: 4, StandInTrain: 70, StandInTest: 35}
	for name, why := range map[string]string{
		"fmnist": "generated: no folder fmnist in the data directory",
		"cifar10": "generated: of the real one only 3 training samples were found, at least 4 were " +
			"asked for",
	} {
		d, err := Open(t.Context(), name, o)
		if err != nil {
			t.Fatal(err)
		}
		if p := d.Provenance; p.Kind != StandIn || p.Note != why || p.Train != 70 || p.TrainOf != 70 ||
			p.Test != 35 {
			t.Errorf("%s: provenance %+v, want the note %q", name, p, why)
		}
		if s := d.Provenance.String(); !strings.HasPrefix(s, "stand-in: generated, not "+name) {
			t.Errorf("%s: provenance %q", name, s)
		}
	}
}

func TestOpenLimits(t *testing.T) {
	o := Options{StandInTrain: 400, StandInTest: 100}
	whole, err := Open(t.Context(), "hhar", o)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxTrain, o.MaxTest = 120, 30
	d, err := Open(t.Context(), "hhar", o)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 108 || d.Validation.Len() != 12 || d.Test.Len() != 30 {
		t.Errorf("%d, %d, %d samples, want 108, 12, 30", d.Train.Len(), d.Validation.Len(), d.Test.Len())
	}
	p := d.Provenance
	if p.Train != 120 || p.TrainOf != 400 || p.Test != 30 || p.TestOf != 100 ||
		!strings.Contains(p.Note, "at most 120 training samples") {
		t.Errorf("provenance %+v", p)
	}
	for c, n := range classCounts(d.Test, 6) {
		if n != 5 {
			t.Errorf("%d test samples of class %d, want 5", n, c)
		}
	}
	// What was held out of the whole must not be trained on.
	held := sampleSet(whole.Validation)
	for i := range d.Train.Len() {
		if held[key(d.Train, i)] {
			t.Fatalf("training sample %d is validation data without the limit", i)
		}
	}
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range Names() { // MNIST from its module, stand-ins for the rest
		if _, err := Open(ctx, name, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestProvenanceJSON(t *testing.T) {
	b, err := json.Marshal(Provenance{Kind: StandIn, Source: "s", Train: 1, TrainOf: 2, Test: 3, TestOf: 4})
	if want := `{"kind":"stand-in","source":"s","train":1,"train_of":2,"test":3,"test_of":4}`; err != nil ||
		string(b) != want {
		t.Errorf("%s, %v, want %s", b, err, want)
	}
}
