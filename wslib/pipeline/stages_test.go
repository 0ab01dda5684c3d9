package pipeline

import (
	"path/filepath"
	"slices"
	"testing"

	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// Squares of weights are in proportion to the largest, whatever that is.
func TestMagnitudes(t *testing.T) {
	ordinary := []float32{0.1, -0.7, 0.3, 1e-3, -2.9}
	squares := make([]float32, len(ordinary))
	for i, w := range ordinary {
		squares[i] = w * w
	}
	fisher.Scale(squares)
	for _, c := range []struct{ weights, want []float32 }{
		{[]float32{0, -3.4e38, 1, 1.7e38}, []float32{0, 1, 0, 0.25}},
		{[]float32{0, 1e-44, -2e-44}, []float32{0, 0.25, 1}},
		{[]float32{0, 0}, []float32{0, 0}},
		{ordinary, squares},
	} {
		if got := magnitudes(c.weights); !slices.Equal(got, c.want) {
			t.Errorf("of %v: %v, want %v", c.weights, got, c.want)
		}
	}
}

// A network with the -3.4e38 of an attention mask among its weights is placed without samples.
func TestEnormousWeightIsPlaced(t *testing.T) {
	backend := xlatest.Backend(t)
	own, c := tinyOwn(t, backend)
	for i := range own {
		weights, _, err := own[i].Network.Initial(1)
		if err != nil {
			t.Fatal(err)
		}
		weights[5] = -3.4e38
		own[i].Values, own[i].Data = &network.Values{Weights: weights}, nil
	}
	c.Own = OwnHashes(own)
	if _, err := c.ForOwn(own); err != nil {
		t.Fatal(err)
	}
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{Own: own, Opened: &Opened{Backend: backend}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Overlap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OverlappedSet(); err != nil {
		t.Error(err)
	}
}
