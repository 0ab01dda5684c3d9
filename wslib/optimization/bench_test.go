package optimization

import (
	"context"
	"fmt"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// A step of joint training in which ten networks take part, of 10 to 400 that are
// packed in proportion, in 2 bits: mnist and hhar by turns, on stand-in data.
func BenchmarkJointStep(b *testing.B) {
	for _, n := range []int{10, 30, 100, 400} {
		b.Run(fmt.Sprint("networks=", n), func(b *testing.B) {
			set, tasks := crowd(b, n)
			o := JointOptions{Steps: 1000, Batch: 32, Seed: 1, Sample: 10, Precision: page.Int2, ExclusivePrecision: page.Int8, ScaleFormat: page.ScaleLog8}
			j, err := newJoint(context.Background(), xlatest.Backend(b), set, tasks, o.withDefaults())
			if err != nil {
				b.Fatal(err)
			}
			defer j.close()
			steps(b, j, max(1, n/10))
		})
	}
}

// A step of a dense network of 9.9 million weights: 19,270 pages on 4,000 shared ones.
func BenchmarkJointStepLarge(b *testing.B) {
	d, err := datasets.Open(context.Background(), "mnist", datasets.Options{MaxTrain: 600, MaxTest: 100})
	if err != nil {
		b.Fatal(err)
	}
	n := &network.Network{Name: "large", Input: [3]int{28, 28, 1}, Dense: []int{784, 3000, 2500, 10}, Activation: network.LeakyActivation}
	p, err := overlapping.New(page.DefaultSize, 4000)
	if err != nil {
		b.Fatal(err)
	}
	p.Doubling = true
	w := n.Initial(1)
	if _, err := p.AddWith(overlapping.Network{Name: n.Name, Weights: w, Fisher: squares(w)}, overlapping.Balanced(1)); err != nil {
		b.Fatal(err)
	}
	set, err := p.StartSet(0)
	if err != nil {
		b.Fatal(err)
	}
	o := JointOptions{Steps: 1000, Batch: 32, Seed: 1, Precision: page.Int2, ScaleFormat: page.ScaleLog8}
	j, err := newJoint(context.Background(), xlatest.Backend(b), set, []Task{{Network: n, Data: d}}, o.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	defer j.close()
	steps(b, j, 1)
}

// steps times steps of joint training, after some in which everything is compiled.
func steps(b *testing.B, j *joint, before int) {
	x, err := j.newVariables(j.state)
	if err != nil {
		b.Fatal(err)
	}
	defer x.free()
	k := 0
	step := func() {
		if _, err := j.step(k, x); err != nil {
			b.Fatal(err)
		}
		k++
	}
	for range before {
		step()
	}
	for b.Loop() {
		step()
	}
}

// crowd are n networks on 30 shared pages each, with three exclusive pages.
func crowd(b *testing.B, n int) (*page.Set, []Task) {
	b.Helper()
	kinds, err := network.Select(network.Ten(), "mnist", "hhar")
	if err != nil {
		b.Fatal(err)
	}
	var data []*datasets.Dataset
	for _, k := range kinds {
		d, err := datasets.Open(context.Background(), k.Name, datasets.Options{MaxTrain: 600, MaxTest: 100})
		if err != nil {
			b.Fatal(err)
		}
		data = append(data, d)
	}
	p, err := overlapping.New(page.DefaultSize, 30*n)
	if err != nil {
		b.Fatal(err)
	}
	p.Doubling = true
	var tasks []Task
	for i := range n {
		k := *kinds[i%2]
		k.Name = fmt.Sprint(k.Name, i)
		w := k.Initial(uint64(i))
		if _, err := p.AddWith(overlapping.Network{Name: k.Name, Weights: w, Fisher: squares(w), Exclusive: []int{0, 1, 2}}, overlapping.Balanced(1)); err != nil {
			b.Fatal(err)
		}
		tasks = append(tasks, Task{Network: &k, Data: data[i%2]})
	}
	set, err := p.StartSet(0)
	if err != nil {
		b.Fatal(err)
	}
	return set, tasks
}

func squares(w []float32) []float32 {
	f := make([]float32, len(w))
	for i, v := range w {
		f[i] = v * v
	}
	return f
}
