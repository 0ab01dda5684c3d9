package cell

import (
	"slices"
	"testing"
)

// Samples are as many as asked for, and the same each time; classes are those of the largest logits.
func TestOwnSamples(t *testing.T) {
	right := func(x, _ float32) bool { return x > 0 }
	s := Points(1, 100, right)
	if ones := Ones(s); len(s.Inputs) != 200 || ones < 20 || ones > 80 {
		t.Errorf("%d inputs, %d ones of 100 points", len(s.Inputs), ones)
	}
	for i, label := range s.Labels {
		if (label == 1) != right(s.Inputs[2*i], 0) {
			t.Errorf("point %d at %v has label %d", i, s.Inputs[2*i], label)
		}
	}
	n, again := Noise(1, 3, 4), Noise(1, 3, 4)
	if len(n.Inputs) != 12 || n.Labels != nil || !slices.Equal(n.Inputs, again.Inputs) {
		t.Errorf("%+v", n)
	}
	if got := Likeliest([]float32{0, 2, 1, 3, -1, -2}, 3); !slices.Equal(got, []int32{1, 0}) {
		t.Errorf("classes %v", got)
	}
}
