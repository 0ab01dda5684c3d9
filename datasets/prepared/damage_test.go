package prepared

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
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
	for _, file := range []string{valuesFile, indexFile, momentsFile, setFile} {
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

// Of a changed byte in the values only the header's is noticed: they are not read to
// open a set.
func TestFlipped(t *testing.T) {
	dir, _ := sound(t)
	for _, file := range []string{indexFile, momentsFile, valuesFile} {
		path := filepath.Join(dir, file)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := len(whole)
		if file == valuesFile {
			n = headerSize
		}
		for i := range n {
			b := bytes.Clone(whole)
			b[i] ^= 1 << (i % 8)
			put(t, string(b), path)
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: byte %d changed: error %v", file, i, err)
			}
		}
		put(t, string(whole), path)
	}
	opened(t, dir)
}

// A changed byte of the description must not give another set.
func TestFlippedDescription(t *testing.T) {
	dir, want := sound(t)
	path := filepath.Join(dir, setFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want.Meta = compact(t, want.Meta)
	wrong := 0
	for i := range whole {
		for _, bit := range []byte{1, 4, 0x20} {
			b := bytes.Clone(whole)
			b[i] ^= bit
			put(t, string(b), path)
			got, err := Open(dir)
			if err != nil {
				if !strings.Contains(err.Error(), dir) {
					t.Errorf("byte %d changed: error %v without the directory", i, err)
				}
				continue
			}
			if got.Meta = compact(t, got.Meta); reflect.DeepEqual(got, want) {
				continue
			}
			if wrong++; wrong <= 3 {
				t.Errorf("%q became %q after %q: opened as another set", whole[i], b[i], whole[max(0, i-12):i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d changes of a byte gave another set", wrong)
	}
}

// compact takes out the space between the parts of JSON.
func compact(t *testing.T, text json.RawMessage) json.RawMessage {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sealAnew gives a changed description its checksum.
func sealAnew(t *testing.T, text string) string {
	t.Helper()
	var s sealed
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(text, s.Sum, textSum(s.Set), 1)
}

func TestOtherFormat(t *testing.T) {
	dir, _ := sound(t)
	path := filepath.Join(dir, setFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const now = `"format": 1`
	if !strings.Contains(string(text), now) {
		t.Fatalf("no %s in %s", now, text)
	}
	for _, other := range []string{`"format": 2`, `"format": 0`, `"formal": 1`} {
		put(t, sealAnew(t, strings.Replace(string(text), now, other, 1)), path)
		_, err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), setFile) || !strings.Contains(err.Error(), "format") {
			t.Errorf("%s: error %v", other, err)
		}
	}
}

// Numbers in a description are no reason to allocate.
func TestHugeDescription(t *testing.T) {
	dir, _ := sound(t)
	path := filepath.Join(dir, setFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"samples": 2`, `"samples": 2147483647`},
		{`"samples": 2`, `"samples": -2`},
		{`"samples": 2`, `"samples": 0`},
		{`"size": 3`, `"size": 2147483647`},
		{`"size": 3`, `"size": 0`},
		{`"period": 3`, `"period": 2147483647`},
		{`"period": 3`, `"period": -3`},
	} {
		changed := strings.Replace(string(text), edit[0], edit[1], 1)
		if changed == string(text) {
			t.Fatalf("no %s in %s", edit[0], text)
		}
		put(t, sealAnew(t, changed), path)
		if _, err := Open(dir); err == nil || strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s: error %v", edit[1], err)
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
