package optimization

import (
	"context"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// A step of a dense network of 9.9 million weights: 19,270 pages on 4,000 shared ones.
func BenchmarkJointStepLarge(b *testing.B) {
	d, err := datasets.Open(context.Background(), "mnist", datasets.Options{MaxTrain: 600, MaxTest: 100})
	if err != nil {
		b.Fatal(err)
	}
	n := network.Describe("large", network.Described{Shape: [3]int{28, 28, 1},
		Dense: []int{784, 3000, 2500, 10}, Activation: network.LeakyActivation})
	p, err := overlapping.New(page.DefaultSize, 4000)
	if err != nil {
		b.Fatal(err)
	}
	p.Doubling = true
	w := networktest.Initial(b, n, 1)
	if _, err := p.AddWith(overlapping.Network{Name: n.Name, Weights: w, Fisher: squares(w)},
		overlapping.Balanced(1)); err != nil {
		b.Fatal(err)
	}
	set, err := p.StartSet(0)
	if err != nil {
		b.Fatal(err)
	}
	o := trains(1000, 1000, 32, 2e-3)
	o.Precision, o.ScaleFormat = page.Int2, page.ScaleLog8
	steps(b, o.open(b, set, []Task{{Network: n, Data: d}}), 1)
}

// steps times steps of joint training, after some in which everything is compiled.
func steps(b *testing.B, j *joint, before int) {
	x, err := j.newVariables()
	if err != nil {
		b.Fatal(err)
	}
	k := 0
	step := func() {
		next, _, err := j.step(k, x)
		if err != nil {
			b.Fatal(err)
		}
		network.Free(x...)
		x, k = next, k+1
	}
	for range before {
		step()
	}
	for b.Loop() {
		step()
	}
}

func squares(w []float32) []float32 {
	f := make([]float32, len(w))
	for i, v := range w {
		f[i] = v * v
	}
	return f
}
