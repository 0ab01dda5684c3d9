package page

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/npy"
)

func example() *Set {
	return &Set{Size: 2, Shared: 2, Pages: []float32{1, 2, 3, 4}, Networks: []Member{
		{Name: "a", Weights: 3, Table: Table{2, []int32{1, 0}}, Exclusive: []float32{}, Scales: []float32{2, 1}},
		{Name: "b", Weights: 5, Table: Table{2, []int32{2, 0, 3}}, Exclusive: []float32{5, 6, 7, 8}},
	}}
}

func TestSetWeightsAndBytesByHand(t *testing.T) {
	s := example()
	if got := s.Weights(0); !slices.Equal(got, []float32{6, 8, 1}) {
		t.Errorf("a: %v", got)
	}
	if got := s.Weights(1); !slices.Equal(got, []float32{5, 6, 1, 2, 7}) {
		t.Errorf("b: %v", got)
	}
	// 4 shared and 4 exclusive weights, 5 table entries of a byte, 2 scales; 8 weights separately.
	b := s.Stored()
	if b.Shared != 16 || b.Exclusive != 16 || b.Tables != 5 || b.Scales != 8 || b.Total != 45 || b.Separate != 32 {
		t.Errorf("%+v", b)
	}
	if b.RatioWeights != 1 || b.RatioBytes != 32.0/45 || b.RatioLevel1 != 32.0/29 {
		t.Errorf("%+v", b)
	}
}

func TestSetSaveLoad(t *testing.T) {
	dir := t.TempDir()
	s := example()
	files, err := s.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			t.Error(err)
		}
	}
	shapes := []Shape{{Name: "a", Weights: 3, Scales: true}, {Name: "b", Weights: 5}}
	got, err := LoadSet(dir, 2, 2, shapes)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Fatalf("loaded %+v, %v", got, err)
	}
	npy.Write(filepath.Join(dir, ExclusiveFile), []float32{5, 6}, 1, 2)
	if _, err := LoadSet(dir, 2, 2, shapes); err == nil || !strings.Contains(err.Error(), ExclusiveFile) {
		t.Errorf("missing exclusive page: %v", err)
	}
	npy.Write(filepath.Join(dir, ExclusiveFile), make([]float32, 6), 3, 2)
	if _, err := LoadSet(dir, 2, 2, shapes); err == nil || !strings.Contains(err.Error(), "3 pages, the page tables name 2") {
		t.Errorf("exclusive page too many: %v", err)
	}
	npy.Write(filepath.Join(dir, TableFile("b")), []int32{2, 7, 3})
	if _, err := LoadSet(dir, 2, 2, shapes); err == nil || !strings.Contains(err.Error(), "entry 1 is 7") {
		t.Errorf("table that points outside: %v", err)
	}
	if _, err := LoadSet(dir, 2, 3, shapes); err == nil || !strings.Contains(err.Error(), "want [3 2]") {
		t.Errorf("wrong number of shared pages: %v", err)
	}
}
