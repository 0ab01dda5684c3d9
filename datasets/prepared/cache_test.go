package prepared

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// aged makes the time of last use of a file or directory lie in the past.
func aged(t testing.TB, age time.Duration, path ...string) {
	t.Helper()
	then := time.Now().Add(-age)
	if err := os.Chtimes(filepath.Join(path...), then, then); err != nil {
		t.Fatal(err)
	}
}

func TestPrune(t *testing.T) {
	parent := t.TempDir()
	for name, hours := range map[string]int{"d": 1, "a": 2, "c": 3, "b": 4} {
		made(t, filepath.Join(parent, name), Layout{Size: 2}, nil, one)
		aged(t, time.Duration(hours)*time.Hour, parent, name)
	}
	put(t, "[]", parent, "hashes.json")
	aged(t, 1000*time.Hour, parent, "hashes.json")

	Prune(parent, 4)
	Prune(parent, 100)
	if got := names(t, parent); !slices.Equal(got, []string{"a", "b", "c", "d", "hashes.json"}) {
		t.Errorf("%v left, want all", got)
	}
	Touch(filepath.Join(parent, "b"))
	Prune(parent, 2)
	if got := names(t, parent); !slices.Equal(got, []string{"b", "d", "hashes.json"}) {
		t.Errorf("%v left, want b, used just now, and d, used an hour ago", got)
	}
	opened(t, filepath.Join(parent, "b"))
	Prune(parent, 0)
	if got := names(t, parent); !slices.Equal(got, []string{"hashes.json"}) {
		t.Errorf("%v left, want no set", got)
	}
}

// Sets being written are not counted; they go when nobody can be writing them any more.
func TestPruneUnfinished(t *testing.T) {
	parent := t.TempDir()
	made(t, filepath.Join(parent, "set"), Layout{Size: 2}, nil, one)
	aged(t, 100*time.Hour, parent, "set")
	now := begin(t, filepath.Join(parent, "now"), Layout{Size: 2}, one)
	killed := begin(t, filepath.Join(parent, "killed"), Layout{Size: 2}, one)
	aged(t, 48*time.Hour, killed.temp)

	Prune(parent, 1)
	if got := names(t, parent); len(got) != 2 || !slices.Contains(got, "set") {
		t.Errorf("%v left, want the set and the one being written", got)
	}
	if err := now.Commit(nil); err != nil {
		t.Errorf("the set being written: %v", err)
	}
}

func TestPruneNothing(t *testing.T) {
	parent := t.TempDir()
	Prune(filepath.Join(parent, "none"), 1)
	Touch(filepath.Join(parent, "none"))
	if got := names(t, parent); len(got) > 0 {
		t.Errorf("made %v", got)
	}
}

// A set that is pruned while it is open stays readable.
func TestPruneOpen(t *testing.T) {
	parent := t.TempDir()
	s := made(t, filepath.Join(parent, "set"), Layout{Size: 2}, nil, slices.Repeat([]item{one}, 5000)...)
	Prune(parent, 0)
	for i := range s.Rows {
		if !slices.Equal(s.floats(i), one.v) {
			t.Fatalf("sample %d is %v", i, s.floats(i))
		}
	}
}
