package page

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/wslib/npy"
)

// The file of exclusive pages is in their own form, and each kind is gathered by its
// own precision.
func TestExclusiveFileByHand(t *testing.T) {
	dir := t.TempDir()
	s := storedMixed(Int2, Int8, ScaleFloat32)
	copy(s.Networks[0].Exclusive, []float32{-127, 5, 0, 126})
	if _, err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	exclusive, shape, err := npy.Read[int8](filepath.Join(dir, ExclusiveFile))
	if err != nil || !slices.Equal(shape, []int{2, 13}) || !slices.Equal(exclusive[:4], []int8{-127, 5, 0, 126}) {
		t.Errorf("exclusive pages %v %v, %v", shape, exclusive, err)
	}
	shared, shape, err := npy.Read[uint8](filepath.Join(dir, SharedFile))
	if err != nil || !slices.Equal(shape, []int{300, 4}) {
		t.Fatalf("shared pages %v, %v", shape, err)
	}
	weights := make([]float32, 60)
	s.Networks[0].Table.GatherPacked(weights, s.Format(), shared, convert[uint8](exclusive), s.Networks[0].Scales)
	if want := s.Weights(0); !slices.Equal(weights, want) {
		t.Errorf("gathered from the files: %v, want %v", weights, want)
	}
	if scale := float32(0.3); weights[13] != -127*scale || weights[14] != 5*scale { // page 1 is exclusive
		t.Errorf("exclusive page begins %v, want -127 and 5 times %v", weights[13:15], scale)
	}
}

// A manifest of before says nothing of exclusive pages.
func TestFormatJSON(t *testing.T) {
	for text, want := range map[string]Format{
		`{"pageSize":13,"sharedPages":300,"precision":8}`:                         {13, 300, Int8, 0, "", 0},
		`{"pageSize":13,"sharedPages":300,"precision":2,"exclusivePrecision":32}`: {13, 300, Int2, Float32, "", 0},
	} {
		var f Format
		if err := json.Unmarshal([]byte(text), &f); err != nil || f != want {
			t.Errorf("%s read as %+v, %v", text, f, err)
		}
		if raw, err := json.Marshal(want); err != nil || string(raw) != text {
			t.Errorf("%+v written as %s, %v", want, raw, err)
		}
	}
	for _, c := range [][4]Precision{{Int8, 0, Int8, Int8}, {0, 0, 0, 0}, {Int2, Float32, Int2, Float32}, {0, Int4, 0, Int4}} {
		if s, e := (Format{Precision: c[0], ExclusivePrecision: c[1]}).Precisions(); s != c[2] || e != c[3] {
			t.Errorf("precisions of %v are %v and %v", c[:2], s, e)
		}
	}
}
