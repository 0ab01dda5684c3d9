package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/datasets/npy"
	"weightsep/wslib/pipeline"
)

// Networks a and b of package overlapping's hand-worked example, page size 1.
func TestOverlapPrintsJSON(t *testing.T) {
	dir := t.TempDir()
	for name, v := range map[string][]float32{"a": {5, 2}, "a_fisher": {4, 1}, "b": {1, 5},
		"b_fisher": {2, 3}} {
		if err := npy.Write(filepath.Join(dir, name+".npy"), v); err != nil {
			t.Fatal(err)
		}
	}
	// What macOS leaves beside a.npy is no network.
	if err := os.WriteFile(filepath.Join(dir, "._a.npy"), []byte("Mac OS X"), 0o666); err != nil {
		t.Fatal(err)
	}
	// A margin of 1 takes the densest page of each: a0 and b1; a1 and b0 meet.
	code, out, stderr := call(t, "overlap", "-dir", dir, "-page", "1", "-shared", "2", "-margin", "1")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var got pipeline.Overlapped
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.PageSize != 1 || got.SharedPages != 2 || len(got.Networks) != 2 {
		t.Fatalf("%+v", got)
	}
	a, b := got.Networks[0], got.Networks[1]
	if a.Name != "a" || !slices.Equal(a.Table, []int32{2, 0}) || !slices.Equal(a.Exclusive, []int{0}) {
		t.Errorf("a: %+v", a)
	}
	// b0 goes to the empty page 1, which costs nothing.
	if b.Weights != 2 || b.Pages != 2 || !slices.Equal(b.Table, []int32{1, 2}) || b.Cost != 0 ||
		got.TotalCost != 0 {
		t.Errorf("b: %+v, total %v", b, got.TotalCost)
	}
	// One shared page: they must meet, and the order decides who is first.
	code, out, _ = call(t, "overlap", "-dir", dir, "-order", "b,a", "-page", "1", "-shared", "1",
		"-margin", "1")
	if json.Unmarshal([]byte(out), &got); code != 0 || got.Networks[0].Name != "b" ||
		got.TotalCost != (2+1)*(1-2)*(1-2) {
		t.Errorf("exit %d: %s", code, out)
	}
}
