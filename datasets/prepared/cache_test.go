package prepared

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	a, b, c, d := Name([]byte("a")), Name([]byte("b")), Name([]byte("c")), Name([]byte("d"))
	for name, hours := range map[string]int{d: 1, a: 2, c: 3, b: 4} {
		made(t, filepath.Join(parent, name), Layout{Size: 2}, nil, one)
		aged(t, time.Duration(hours)*time.Hour, parent, name)
	}
	// What is there besides is not of this package.
	others := []string{"hashes.json", "yes", ".git", "00014", a[:23], a + "0", strings.Repeat("g", 24), a + ".d"}
	put(t, "[]", parent, others[0])
	aged(t, 1000*time.Hour, parent, others[0])
	for _, name := range others[1:] {
		put(t, "of the user", parent, name, "file")
		aged(t, 1000*time.Hour, parent, name)
	}
	check := func(sets ...string) {
		t.Helper()
		want := slices.Sorted(slices.Values(slices.Concat(others, sets)))
		if got := names(t, parent); !slices.Equal(got, want) {
			t.Errorf("%v left, want %v", got, want)
		}
	}
	Prune(parent, 4)
	Prune(parent, 100)
	check(a, b, c, d)
	Touch(filepath.Join(parent, b))
	Prune(parent, 2)
	check(b, d) // used just now, and an hour ago
	opened(t, filepath.Join(parent, b))
	Prune(parent, 0)
	check()
	for _, name := range others[1:] {
		if _, err := os.Stat(filepath.Join(parent, name, "file")); err != nil {
			t.Error(err)
		}
	}
}

// Sets being written are not counted; they go when nobody can be writing them any more.
func TestPruneUnfinished(t *testing.T) {
	parent := t.TempDir()
	set := Name([]byte("set"))
	made(t, filepath.Join(parent, set), Layout{Size: 2}, nil, one)
	aged(t, 100*time.Hour, parent, set)
	now := begin(t, filepath.Join(parent, "now"), Layout{Size: 2}, one)
	killed := begin(t, filepath.Join(parent, "killed"), Layout{Size: 2}, one)
	aged(t, 48*time.Hour, killed.temp)

	Prune(parent, 1)
	if got := names(t, parent); len(got) != 2 || !slices.Contains(got, set) {
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
	dir := filepath.Join(parent, Name([]byte("set")))
	s := made(t, dir, Layout{Size: 2}, nil, slices.Repeat([]item{one}, 5000)...)
	if Prune(parent, 0); len(names(t, parent)) > 0 {
		t.Error("the set is still there")
	}
	for i := range s.Rows {
		if !slices.Equal(s.floats(i), one.v) {
			t.Fatalf("sample %d is %v", i, s.floats(i))
		}
	}
}
