package grid

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// made is a cell of one network and its vectors.
func made(c Cell, seed uint64, right ...uint8) (Record, *results) {
	r := Record{Cell: c, Seed: seed, Bytes: 2, Level1: 1, Separate: 6,
		Networks: []NetworkRecord{{Name: "a", Data: "real"}}}
	return r, &results{right: map[string][]uint8{r.vectorName("a"): right},
		groups: map[string][]int32{"a": {-1, 70000, 70000, -1}}}
}

// Cells that several processes finish at a time are all there, and nothing of others is lost.
func TestAddKeepsTheOthers(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	for seed := range uint64(12) {
		group.Go(func() {
			record, vectors := made(Cell{Method: Joint, Ratio: 32}, seed+1, 1, 1, uint8(seed%2), 0)
			if err := add(t.Context(), dir, record, vectors); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	r, err := readResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.records) != 12 || len(r.right) != 12 || len(r.groups) != 1 {
		t.Fatalf("%d cells, %d vectors and %d groups, want 12, 12 and 1", len(r.records), len(r.right),
			len(r.groups))
	}
	for seed := range uint64(12) {
		want, vectors := made(Cell{Method: Joint, Ratio: 32}, seed+1, 1, 1, uint8(seed%2), 0)
		if !slices.ContainsFunc(r.records, func(got Record) bool { return reflect.DeepEqual(got, want) }) {
			t.Errorf("no %+v", want)
		}
		for name, v := range vectors.right {
			if !slices.Equal(r.right[name], v) || !slices.Equal(r.groups["a"], vectors.groups["a"]) {
				t.Errorf("%s is %v of groups %v, want %v", name, r.right[name], r.groups["a"], vectors)
			}
		}
	}
}

// A process that ends between the two files has not finished the cell; the next one does.
func TestVectorsWithoutRecord(t *testing.T) {
	dir := t.TempDir()
	one, vectors := made(Cell{Method: Further}, 1, 1, 1, 1, 0)
	if err := add(t.Context(), dir, one, vectors); err != nil {
		t.Fatal(err)
	}
	records, err := os.ReadFile(filepath.Join(dir, recordsFile))
	if err != nil {
		t.Fatal(err)
	}
	two, vectors := made(Cell{Method: Quantized, Bits: 2}, 1, 0, 0, 0, 0)
	if err := add(t.Context(), dir, two, vectors); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, recordsFile), records, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, rows := tabled(t, dir); len(rows) != 1 {
		t.Errorf("%d rows, want that of the finished cell", len(rows))
	}
	vectors.right[two.vectorName("a")] = []uint8{1, 0, 0, 0}
	if err := add(t.Context(), dir, two, vectors); err != nil {
		t.Fatal(err)
	}
	if _, rows := tabled(t, dir); len(rows) != 2 || rows[1].all.Change != -50 {
		t.Errorf("%+v, want a second row of 1 right instead of 3 of 4", rows)
	}
}

func TestRefusesWhatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	refused := func(what, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", what, err, want)
		}
	}
	_, err := Report(context.Background(), dir)
	refused("an empty directory", "no cell is finished", err)
	one, vectors := made(Cell{Method: Further}, 1, 1, 1, 1, 0)
	if err := add(t.Context(), dir, one, vectors); err != nil {
		t.Fatal(err)
	}
	refused("a cell that is there", "another process", add(t.Context(), dir, one, vectors))
	two, vectors := made(Cell{Method: Quantized, Bits: 2}, 1, 1, 1, 1, 0)
	vectors.groups["a"] = []int32{0, 0, 1, 1}
	refused("other groups", "groups of a of other cells", add(t.Context(), dir, two, vectors))
	two, vectors = made(two.Cell, 1, 1, 1, 1)
	if err := add(t.Context(), dir, two, vectors); err != nil {
		t.Fatal(err)
	}
	_, err = Report(context.Background(), dir)
	refused("a sample less than the reference", "network \"a\": seed 0: 4 samples before and 3 after", err)
	path := filepath.Join(dir, rightFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string][]byte{"half a file": raw[:len(raw)/2],
		"a changed byte": changed(raw, 60)} {
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = Report(context.Background(), dir)
		refused(what, rightFile, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = Report(context.Background(), dir)
	refused("no vectors", rightFile, err)
}

func changed(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// Rows of two seeds by hand; a seed without a reference does not count.
func TestTableByHand(t *testing.T) {
	r := newResults()
	for _, c := range []struct {
		cell  Cell
		seed  uint64
		right []uint8
	}{
		{Cell{Method: Further}, 2, []uint8{1, 1, 0, 0}},
		{Cell{Method: Joint, Ratio: 3}, 3, []uint8{0, 0, 0, 0}},
		{Cell{Method: Joint, Ratio: 3}, 2, []uint8{1, 1, 1, 1}},
		{Cell{Method: Joint, Ratio: 3}, 1, []uint8{1, 0, 0, 0}},
		{Cell{Method: Further}, 1, []uint8{1, 1, 1, 0}},
	} {
		record, vectors := made(c.cell, c.seed, c.right...)
		record.Pages = fmt.Sprint("of seed ", c.seed)
		r.records = append(r.records, record)
		maps.Copy(r.right, vectors.right)
		maps.Copy(r.groups, vectors.groups)
	}
	rows, err := r.table(context.Background())
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows (%v), want two", len(rows), err)
	}
	// From 2 right to 4 of 4 with seed 2, from 3 to 1 with seed 1.
	if x := rows[1]; x.seeds() != "1 2" || x.pages() != "of seed 1; of seed 2" || x.ratio() != 3 ||
		x.level1() != 6 ||
		math.Abs(x.all.Change) > 1e-9 || x.real != x.all || x.all.Low >= 0 ||
		x.all.High <= 0 {
		t.Errorf("%+v", x)
	}
}

// A documented grid gives its tables again, to the byte.
func TestDocumentedTables(t *testing.T) {
	documented, dir := filepath.Join("..", "..", "results", "packing-real-8"), t.TempDir()
	for name, content := range contents(t, documented) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Report(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"table.csv", "table.md"} {
		want, err := os.ReadFile(filepath.Join(documented, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s (%v):\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

// Group numbers say no more than which samples are related.
func TestRenumbered(t *testing.T) {
	got := renumbered([]int32{70000, -1, 5, 70000, 0, -1, 5})
	if want := []int32{0, -1, 1, 0, 2, -1, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
