package optimization

import (
	"errors"
	"testing"

	"weightsep/wslib/network"
)

func TestChoice(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		accuracies []float64 // below 0: an error
		want       int       // -1: none
	}{
		{[]float64{0.5}, -1},
		{[]float64{0.5, 0.4, 0.5}, -1},
		{[]float64{0.5, 0.6, 0.7, 0.7, 0.6}, 2},
		{[]float64{0, 0, 0.1}, 2},
		{[]float64{0.5, 0.6, -1}, -2},
		{[]float64{-1, 0.6, 0.7}, -2},
	} {
		ch := &choice{score: func(v network.Values) (float64, error) {
			if a := c.accuracies[int(v.Weights[0])]; a >= 0 {
				return a, nil
			}
			return 0, broken
		}}
		var err error
		for k := range c.accuracies {
			if err = ch.offer(network.Values{Weights: []float32{float32(k)}}); err != nil {
				break
			}
		}
		if err == nil {
			err = ch.settle()
		}
		if c.want == -2 {
			if !errors.Is(err, broken) {
				t.Errorf("%v: error %v", c.accuracies, err)
			}
			continue
		}
		got := -1
		if ch.best.Weights != nil {
			got = int(ch.best.Weights[0])
		}
		if err != nil || got != c.want {
			t.Errorf("%v: %d is chosen (%v), want %d", c.accuracies, got, err, c.want)
		}
	}
}
