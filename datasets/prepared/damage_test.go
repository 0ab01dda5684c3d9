package prepared

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound makes a set to be damaged.
func sound(t *testing.T) (dir string, s *Set) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "set")
	s = made(t, dir, Layout{Size: 3, Period: 3}, map[string]any{"source": "files", "train_of": 94824},
		item{Sample{Name: "b", Label: 1, Part: Test, Group: "g", Clip: "c"}, []float32{1, 2, 3}},
		item{Sample{Name: "a", Label: 2}, []float32{4, 5, 6}},
	)
	return dir, s
}

// A damaged set must not be opened, and the error must say which file is to blame.
func TestDamaged(t *testing.T) {
	change := func(edit func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			put(t, string(edit(b)), path)
		}
	}
	for _, file := range []string{valuesFile, setFile} {
		for _, c := range []struct {
			name string
			do   func(t *testing.T, path string)
		}{
			{"missing", func(t *testing.T, path string) {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}},
			{"empty", change(func(b []byte) []byte { return nil })},
			{"half", change(func(b []byte) []byte { return b[:len(b)/2] })},
			{"a byte short", change(func(b []byte) []byte { return b[:len(b)-1] })},
			{"a byte too long", change(func(b []byte) []byte { return append(b, '0') })},
			{"twice", change(func(b []byte) []byte { return append(b, b...) })},
			{"all zero", change(func(b []byte) []byte { return make([]byte, len(b)) })},
		} {
			dir, _ := sound(t)
			c.do(t, filepath.Join(dir, file))
			_, err := Open(dir)
			if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), file) {
				t.Errorf("%s, %s: error %v, want one with the directory and the file", file, c.name, err)
			}
		}
	}
}

// A changed byte is noticed, in the values too.
func TestFlipped(t *testing.T) {
	for _, file := range []string{setFile, valuesFile} {
		checkFlipped(t, file)
	}
}

func checkFlipped(t *testing.T, file string) {
	dir, _ := sound(t)
	path := filepath.Join(dir, file)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for _, bit := range []byte{1, 4, 0x20} {
			b := bytes.Clone(whole)
			b[i] ^= bit
			put(t, string(b), path)
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) ||
				!strings.Contains(err.Error(), file) {
				t.Errorf("byte %d changed: error %v", i, err)
			}
		}
	}
	put(t, string(whole), path)
	opened(t, dir)
}

// With a right checksum too, another format and numbers that lie are errors, and no
// reason to allocate.
func TestSealedNonsense(t *testing.T) {
	dir, _ := sound(t)
	path := filepath.Join(dir, setFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][3]string{
		{`"format":3`, `"format":2`, "format"},
		{`"format":3`, `"formal":3`, "format"},
		{`"format"`, `format`, "invalid character"},
		{`"samples":2`, `"samples":2147483647`, "samples"},
		{`"samples":2`, `"samples":9223372036854775807`, "samples"},
		{`"samples":2`, `"samples":-2`, "samples"},
		{`"samples":2`, `"samples":0`, "samples"},
		{`"size":3`, `"size":2147483647`, "values"},
		{`"size":3`, `"size":0`, "layout"},
		{`"period":3`, `"period":2147483647`, "layout"},
		{`"period":3`, `"period":-3`, "layout"},
		{`"period":3`, `"period":2`, "layout"},
		{"\n\x01\x00\x00\x00", "\n\x02\x00\x00\x00", "row 2 of 2"},
	} {
		changed := strings.Replace(string(text[:len(text)-4]), edit[0], edit[1], 1)
		if changed == string(text[:len(text)-4]) {
			t.Fatalf("no %q in %q", edit[0], text)
		}
		put(t, string(seal([]byte(changed))), path)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), edit[2]) {
			t.Errorf("%q: error %v", edit[1], err)
		}
	}
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none"), put(t, "x", dir, "file")} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
