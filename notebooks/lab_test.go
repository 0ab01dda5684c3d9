package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// JupyterLab works on copies, which keep what was changed in them.
func TestCopyNotebooks(t *testing.T) {
	dir, lab := t.TempDir(), filepath.Join(t.TempDir(), "lab")
	source := filepath.Join(dir, "01_a.ipynb")
	copied := filepath.Join(lab, "01_a.ipynb")
	update := func() (said string) {
		t.Helper()
		var b bytes.Buffer
		if err := copyNotebooks([]string{source}, lab, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	read := func(file string) document {
		t.Helper()
		d, err := readDocument(file)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	save := func(d document) { // as JupyterLab does
		t.Helper()
		b, err := d.bytes()
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, copied, string(b))
	}

	writeNotebook(t, source, codeCell("1"))
	if said := update(); said != "" || read(copied).hash() != read(source).hash() {
		t.Errorf("the first copy: %s", said)
	}
	// It is run, then the checkout changes.
	d := read(copied)
	d.cells()[0]["outputs"] = []any{printedOutput("x")}
	save(d)
	if update(); len(read(copied).cells()[0]["outputs"].([]any)) == 0 {
		t.Error("outputs are lost though the notebook is the same")
	}
	writeNotebook(t, source, codeCell("2"))
	if said := update(); !strings.Contains(said, "replaced") || read(copied).content()[0][1] != "2" {
		t.Errorf("a copy that nobody changed stays old: %s", said)
	}
	// It is changed, then the checkout changes.
	d = read(copied)
	d.cells()[0]["source"] = "mine"
	save(d)
	if said := update(); said != "" || read(copied).content()[0][1] != "mine" {
		t.Errorf("changes are lost: %s", said)
	}
	writeNotebook(t, source, codeCell("3"))
	said := update()
	beside, err := filepath.Glob(filepath.Join(lab, "01_a-*.ipynb"))
	if err != nil || len(beside) != 1 || read(beside[0]).content()[0][1] != "3" ||
		!strings.Contains(said, filepath.Base(beside[0])) || read(copied).content()[0][1] != "mine" {
		t.Errorf("%v, %v: %s", beside, err, said)
	}
	for _, other := range []string{"{half", "null", "[]", ""} {
		writeFile(t, copied, other)
		if said := update(); said != "" {
			t.Errorf("it is said again: %s", said)
		}
		if b, err := os.ReadFile(copied); err != nil || string(b) != other {
			t.Errorf("a file that is no notebook is lost: %s, %v", b, err)
		}
		if err := os.Remove(beside[0]); err != nil {
			t.Fatal(err)
		}
		if said := update(); !strings.Contains(said, filepath.Base(beside[0])) ||
			read(beside[0]).content()[0][1] != "3" {
			t.Errorf("no fresh copy beside %q: %s", other, said)
		}
	}
}
