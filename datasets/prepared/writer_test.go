package prepared

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var one = item{Sample{Name: "one"}, []float32{1, 2}}

func TestRefused(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		layout Layout
		add    func(w *Writer) error
	}{
		{"NaN", Layout{Size: 2, Period: 1}, func(w *Writer) error {
			return w.Add(Sample{Name: "bad"},
				[]float32{0, nan})
		}},
		{"infinity", Layout{Size: 2, Period: 1},
			func(w *Writer) error { return w.Add(Sample{Name: "bad"}, []float32{inf, 0}) }},
		{"minus infinity", Layout{Size: 2}, func(w *Writer) error {
			return w.Add(Sample{Name: "bad"},
				[]float32{0, -inf})
		}},
		{"too few floats", Layout{Size: 2}, func(w *Writer) error {
			return w.Add(Sample{Name: "bad"},
				[]float32{1})
		}},
		{"too many floats", Layout{Size: 2}, func(w *Writer) error {
			return w.Add(Sample{Name: "bad"},
				make([]float32, 3))
		}},
		{"bytes among floats", Layout{Size: 2},
			func(w *Writer) error { return w.Add(Sample{Name: "bad"}, []byte{1, 2}) }},
		{"floats among bytes", Layout{Size: 2, Bytes: true},
			func(w *Writer) error { return w.Add(Sample{Name: "bad"}, []float32{1, 2}) }},
		{"too few bytes", Layout{Size: 2, Bytes: true},
			func(w *Writer) error { return w.Add(Sample{Name: "bad"}, []byte{1}) }},
	} {
		dir := filepath.Join(t.TempDir(), "set")
		w := begin(t, dir, c.layout, one)
		if err := c.add(w); err == nil || !strings.Contains(err.Error(), "sample bad") {
			t.Errorf("%s: error %v, want one with the sample's name", c.name, err)
		}
		// What was refused must not be in the set.
		if err := w.add(item{Sample{Name: "two"}, []float32{3, 4}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(nil); err != nil {
			t.Fatal(err)
		}
		s := opened(t, dir)
		if len(s.Labels) != 2 || len(s.Moments) != 4*c.layout.Period {
			t.Errorf("%s: %d samples, %d moments", c.name, len(s.Labels), len(s.Moments))
		}
		if !c.layout.Bytes && !slices.Equal(s.floats(1), []float32{3, 4}) {
			t.Errorf("%s: the next sample became %v", c.name, s.floats(1))
		}
	}
}

// A layout that Open refuses must be refused before the work, not after it.
func TestCreateRefuses(t *testing.T) {
	for _, l := range []Layout{
		{}, {Size: -1}, {Size: 3, Period: -1}, {Size: 3, Period: 4}, {Size: math.MaxInt32 + 1},
	} {
		parent := t.TempDir()
		w, err := Create(filepath.Join(parent, "set"), l)
		if err == nil {
			t.Errorf("%+v: no error", l)
			w.Discard()
		}
		if left := names(t, parent); len(left) > 0 {
			t.Errorf("%+v: left %v", l, left)
		}
	}
}

func TestCreateNoParent(t *testing.T) {
	file := put(t, "", t.TempDir(), "file")
	if w, err := Create(filepath.Join(file, "set"), Layout{Size: 1}); err == nil {
		w.Discard()
		t.Error("a set below a file: no error")
	}
}

func TestCommitNothing(t *testing.T) {
	parent := t.TempDir()
	if err := begin(t, filepath.Join(parent, "set"), Layout{Size: 1}).Commit(nil); err == nil {
		t.Error("no error")
	}
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestCommitUnspeakable(t *testing.T) {
	parent := t.TempDir()
	if err := begin(t, filepath.Join(parent, "set"), Layout{Size: 2}, one).Commit(func() {}); err == nil {
		t.Error("no error of a function as meta")
	}
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestDiscard(t *testing.T) {
	parent := t.TempDir()
	w := begin(t, filepath.Join(parent, "set"), Layout{Size: 2}, one)
	w.Discard()
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	w.Discard() // as a deferred one would
	if err := w.Commit(nil); err == nil {
		t.Error("a discarded set was committed")
	}

	dir := filepath.Join(parent, "kept")
	w = begin(t, dir, Layout{Size: 2}, one)
	if err := w.Commit(nil); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	opened(t, dir)
}

// Until Commit there is nothing to open; what a killed process leaves is in the way of
// nobody.
func TestInterrupted(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "set")
	killed := begin(t, dir, Layout{Size: 2}, slices.Repeat([]item{one}, 1000)...)
	if err := killed.values.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Fatal("opened before Commit")
	}
	left := names(t, parent)
	if len(left) != 1 {
		t.Fatalf("files %v, want the unfinished set", left)
	}
	if _, err := Open(filepath.Join(parent, left[0])); err == nil {
		t.Error("the unfinished set can be opened")
	}
	if s := made(t, dir, Layout{Size: 2}, nil, one); len(s.Labels) != 1 {
		t.Errorf("%d samples, want 1", len(s.Labels))
	}
}
