package prepared

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Two processes that make the same set at the same time must both end with it.
func TestTwoWriters(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "set")
	a, b := begin(t, dir, Layout{Size: 2}, one), begin(t, dir, Layout{Size: 2}, one)
	if err := a.Commit("first"); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir)
	if err := b.Commit("second"); err != nil {
		t.Fatal(err)
	}
	if got := string(opened(t, dir).Meta); got != `"first"` {
		t.Errorf("the set of the %s writer is there, want the first", got)
	}
	if got := s.floats(0); !slices.Equal(got, one.v) {
		t.Errorf("the set that was open reads %v", got)
	}
	if got := names(t, parent); !slices.Equal(got, []string{"set"}) {
		t.Errorf("files %v, want the set alone", got)
	}
}

// together commits some writers of the same set at the same time.
func together(t *testing.T, dir string) {
	t.Helper()
	var group sync.WaitGroup
	for i := range 4 {
		w := begin(t, dir, Layout{Size: 2}, one)
		group.Go(func() {
			if err := w.Commit(i); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	group.Wait()
	opened(t, dir)
}

func TestManyWriters(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	parent := t.TempDir()
	for round := range 5 {
		together(t, filepath.Join(parent, fmt.Sprint(round)))
	}
	if got := names(t, parent); len(got) != 5 {
		t.Errorf("files %v, want the five sets", got)
	}
}

// What is in the way of a set, but is none, is replaced, whoever comes first.
func TestReplaced(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	parent := t.TempDir()
	for round := range 10 {
		dir := filepath.Join(parent, fmt.Sprint(round))
		put(t, "{}", dir, setFile)
		put(t, "more", dir, "folder", "file")
		together(t, dir)
		if got := names(t, dir); slices.Contains(got, "folder") {
			t.Errorf("files of the set: %v", got)
		}
	}
	if got := names(t, parent); len(got) != 10 {
		t.Errorf("files %v, want the ten sets", got)
	}
}

func TestReplacedFile(t *testing.T) {
	dir := put(t, "a file", t.TempDir(), "set")
	if s := made(t, dir, Layout{Size: 2}, nil, one); len(s.Labels) != 1 {
		t.Errorf("%d samples", len(s.Labels))
	}
}

// A set is read by many at once, and its values stay as long as it is reachable.
func TestManyReaders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	made(t, dir, Layout{Size: 2}, nil, slices.Repeat([]item{one}, 5000)...)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				s, err := Open(dir)
				if err != nil {
					t.Error(err)
					return
				}
				runtime.GC() // unmaps the sets of the rounds before
				for i := range s.Rows {
					if !slices.Equal(s.floats(i), one.v) {
						t.Errorf("sample %d is %v", i, s.floats(i))
						return
					}
				}
				runtime.KeepAlive(s)
			}
		})
	}
	group.Wait()
}
