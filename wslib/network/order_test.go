package network

import (
	"slices"
	"testing"
)

// Biases come first, then kernels; there and back is the same vector.
func TestOrderByHand(t *testing.T) {
	n := Describe("n", Described{Shape: [3]int{4, 4, 1}, Convs: []Conv{{3, 3, 1, 2}}, Dense: []int{2, 3},
		Activation: LeakyActivation})
	// 18 weights and 2 biases, 6 weights and 3 biases.
	v := make([]float32, 29)
	for i := range v {
		v[i] = float32(i)
	}
	b := n.WithOrder(BiasesFirst)
	got := b.FromLayerOrder(v)
	want := []float32{18, 19, 26, 27, 28}
	for i := range 18 {
		want = append(want, float32(i))
	}
	want = append(want, 20, 21, 22, 23, 24, 25)
	if !slices.Equal(got, want) {
		t.Errorf("biases first: %v, want %v", got, want)
	}
	if back := b.ToLayerOrder(got); !slices.Equal(back, v) {
		t.Errorf("back: %v", back)
	}
	if !slices.Equal(n.FromLayerOrder(v), v) {
		t.Error("layer order changes something")
	}
	if b.Weights() != 29 || !slices.Equal(initial(b, 3), b.FromLayerOrder(initial(n, 3))) {
		t.Error("initial values depend on the order")
	}
	if err := n.WithOrder("backwards").Validate(); err == nil {
		t.Error("an unknown order is accepted")
	}
}
