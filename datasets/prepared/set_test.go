package prepared

import (
	"bytes"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

func TestFloats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "of", "need", "set")
	rare := []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.MaxFloat32}
	s := made(t, dir, Layout{Size: 3}, map[string]int{"answer": 42},
		item{Sample{Name: "c", Label: 7, Part: Test}, []float32{1, 2, 3}},
		item{Sample{Name: "a", Label: 5, Part: Train}, rare},
		item{Sample{Name: "b", Label: 6, Part: Validation}, []float32{0.1, -0.2, 0.3}},
	)
	if want := (Layout{Size: 3}); s.Layout != want {
		t.Errorf("layout %+v, want %+v", s.Layout, want)
	}
	if s.Bytes != nil || s.Moments != nil {
		t.Errorf("bytes %v, moments %v, want none", s.Bytes, s.Moments)
	}
	if want := []int32{5, 6, 7}; !slices.Equal(s.Labels, want) {
		t.Errorf("labels %v, want %v", s.Labels, want)
	}
	if want := []Part{Train, Validation, Test}; !slices.Equal(s.Parts, want) {
		t.Errorf("parts %v, want %v", s.Parts, want)
	}
	for i, want := range [][]float32{rare, {0.1, -0.2, 0.3}, {1, 2, 3}} {
		for k, x := range s.floats(i) { // to the bit: -0 equals 0
			if math.Float32bits(x) != math.Float32bits(want[k]) {
				t.Errorf("sample %d, value %d: %v, want %v", i, k, x, want[k])
			}
		}
	}
	var meta map[string]int
	if err := json.Unmarshal(s.Meta, &meta); err != nil || meta["answer"] != 42 || len(meta) != 1 {
		t.Errorf("meta %s, %v", s.Meta, err)
	}
}

func TestBytes(t *testing.T) {
	var every []float32
	for b := range 256 {
		every = append(every, float32(b))
	}
	dir := filepath.Join(t.TempDir(), "set")
	s := made(t, dir, Layout{Size: 256, Bytes: true}, nil,
		item{Sample{Name: "b"}, slices.Repeat([]float32{9}, 256)},
		item{Sample{Name: "a", Label: 3}, every})
	if s.Floats != nil || len(s.Bytes) != 2*256 || !s.Layout.Bytes {
		t.Fatalf("%d floats, %d bytes, layout %+v", len(s.Floats), len(s.Bytes), s.Layout)
	}
	for b := range 256 {
		if got := s.Bytes[int(s.Rows[0])*256+b]; got != byte(b) {
			t.Fatalf("value %d of a is %d", b, got)
		}
	}
	if b := s.Bytes[int(s.Rows[1])*256:][:256]; !bytes.Equal(b, bytes.Repeat([]byte{9}, 256)) {
		t.Errorf("values of b: %v", b)
	}
}

// A set large enough to be written in parts, by values that differ everywhere.
func TestManySamples(t *testing.T) {
	const n, size = 3000, 120
	var items []item
	for i := range n {
		v := make([]float32, size)
		for k := range v {
			v[k] = float32(i*size + k)
		}
		items = append(items, item{Sample{Label: int32(i)}, v})
	}
	s := made(t, filepath.Join(t.TempDir(), "set"), Layout{Size: size, Period: 1}, nil, items...)
	if len(s.Labels) != n || len(s.Moments) != 2*n {
		t.Fatalf("%d samples, %d moments", len(s.Labels), len(s.Moments))
	}
	for i := range n {
		if s.Labels[i] != int32(i) || !slices.Equal(s.floats(i), items[i].v) {
			t.Fatalf("sample %d: label %d, values %v", i, s.Labels[i], s.floats(i))
		}
	}
}

func TestMeta(t *testing.T) {
	for _, meta := range []any{"text", []int{1, 2}, struct{ A, B string }{"<&>", "\x00ü"}} {
		s := made(t, filepath.Join(t.TempDir(), "set"), Layout{Size: 1}, meta, item{Sample{}, []float32{1}})
		want, err := json.Marshal(meta)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Compact(&got, s.Meta); err != nil || got.String() != string(want) {
			t.Errorf("%v: came back as %s, %v", meta, s.Meta, err)
		}
	}
}
