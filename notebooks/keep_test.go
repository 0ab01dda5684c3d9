package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// remake is the command that writes the copies.
const remake = "go run ./notebooks -profile quick -keep makes them again"

// The copies in the checkout are those of its notebooks.
func TestKeptCopies(t *testing.T) {
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	copies, err := filepath.Glob(filepath.Join(root, keptDir, "*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if len(copies) == 0 {
		t.Skipf("none in %s; %s", keptDir, remake)
	}
	sources, err := findNotebooks(filepath.Join(root, "notebooks"))
	if err != nil {
		t.Fatal(err)
	}
	if len(copies) != len(sources) {
		t.Errorf("%d copies of %d notebooks: %s", len(copies), len(sources), remake)
	}
	for _, source := range sources {
		if err := isCopy(filepath.Join(root, keptDir, filepath.Base(source)), source); err != nil {
			t.Errorf("%v: %s", err, remake)
		}
	}
}

// The copy of a notebook has its cells and outputs, the same from every run that gives the same results, in
// any place; another notebook's outputs it does not get.
func TestKeep(t *testing.T) {
	var copies [2]string
	for i := range copies {
		root := t.TempDir()
		j := job{source: filepath.Join(root, "notebooks", "01_a.ipynb"),
			executed: filepath.Join(root, "run", "01_a.ipynb")}
		text := mdCell("See [a](../results/a.md) and [b](02_b.ipynb), from go run ./data/fetch.")
		outputs := []map[string]any{printedOutput(fmt.Sprintf("bench 1/1 done in %d.0 s\n", i)),
			printedOutput("<42> in " + filepath.Join(root, "run", "x.json") + "\n"),
			{"output_type": "execute_result", "execution_count": 7 + i, "metadata": map[string]any{},
				"data": map[string]any{"text/plain": "of " + root + "/wslib"}}}
		writeNotebook(t, j.source, text, codeCell("f()"))
		ran := codeCell("f()", outputs...)
		ran["execution_count"], ran["id"] = i, t.Name()+string(rune('a'+i))
		writeNotebook(t, j.executed, text, ran)
		old := filepath.Join(root, keptDir, "00_gone.ipynb")
		writeFile(t, old, "{}")
		opts := &options{profile: "quick", runDir: filepath.Join(root, "run"), data: "/data"}
		if err := keep(root, opts, []job{j}, quiet(t)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, keptDir, "01_a.ipynb")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copies[i] = string(b)
		if err := isCopy(file, j.source); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(old); err == nil {
			t.Error("the copy of a notebook that is no more is kept")
		}

		writeNotebook(t, j.source, text, codeCell("g()"))
		if err := isCopy(file, j.source); err == nil {
			t.Error("a copy of other cells passes")
		}
		if err := keep(root, opts, []job{j}, quiet(t)); err == nil {
			t.Error("outputs of other cells are kept")
		}
		writeNotebook(t, j.source, text, codeCell("f()"))
		writeNotebook(t, j.executed, text, codeCell("f()", printedOutput("/opt/x\n")))
		err = keep(root, opts, []job{j}, quiet(t))
		if err == nil || !strings.Contains(err.Error(), "/opt/x") {
			t.Errorf("a path of the machine: %v", err)
		}
	}
	if copies[0] != copies[1] {
		t.Errorf("two runs give\n%s\nand\n%s", copies[0], copies[1])
	}
	for _, want := range []string{"<42> in RUN/x.json", "of ./wslib", "[a](../../results/a.md)",
		"[b](02_b.ipynb), from go run ./data/fetch"} {
		if !strings.Contains(copies[0], want) {
			t.Errorf("no %s in\n%s", want, copies[0])
		}
	}
}

// isCopy returns an error if the file is no copy, in the quick profile, of the source as it is now.
func isCopy(file, source string) error {
	have, err := readDocument(file)
	if err != nil {
		return err
	}
	want, err := readDocument(source)
	if err != nil {
		return err
	}
	kept, err := have.bytes()
	if err != nil {
		return err
	}
	if m := ofMachine.Find(kept); m != nil {
		return fmt.Errorf("%s tells of the machine that it is from: %s", file, m)
	}
	for _, c := range have.cells() {
		if c["cell_type"] == "code" {
			c["outputs"] = []any{}
		}
	}
	want.toKeep("quick")
	cells, err := have.bytes()
	if err != nil {
		return err
	}
	if of, err := want.bytes(); err != nil || !bytes.Equal(cells, of) {
		return errors.Join(err, fmt.Errorf("%s is no copy of %s in the quick profile", file, source))
	}
	return nil
}
