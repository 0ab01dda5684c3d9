package prepared

import (
	"os"
	"path/filepath"
	"testing"
)

// item is a sample and its values, those of a layout of bytes as whole numbers.
type item struct {
	Sample
	v []float32
}

// begin creates a writer and adds samples to it.
func begin(t testing.TB, dir string, l Layout, items ...item) *Writer {
	t.Helper()
	w, err := Create(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Discard)
	for _, i := range items {
		if err := w.add(i); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *Writer) add(i item) error {
	if !w.layout.Bytes {
		return w.Add(i.Sample, i.v)
	}
	b := make([]byte, len(i.v))
	for k, x := range i.v {
		b[k] = byte(x)
	}
	return w.Add(i.Sample, b)
}

// made writes a set and opens it.
func made(t testing.TB, dir string, l Layout, meta any, items ...item) *Set {
	t.Helper()
	if err := begin(t, dir, l, items...).Commit(meta); err != nil {
		t.Fatal(err)
	}
	return opened(t, dir)
}

func opened(t testing.TB, dir string) *Set {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// floats returns the values of sample i of a layout of float32.
func (s *Set) floats(i int) []float32 {
	at := int(s.Rows[i]) * s.Layout.Size
	return s.Floats[at : at+s.Layout.Size]
}

// names returns what is in a directory, hidden or not.
func names(t testing.TB, dir string) (all []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		all = append(all, e.Name())
	}
	return all
}

// put writes a file and its folders.
func put(t testing.TB, content string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}
