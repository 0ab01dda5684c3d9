package optimization

import (
	"math"
	"slices"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

// Worked out by hand: columns 1, 3, 5 and 10, 10, 16 have variances of 8/3 and 8.
func TestSpread(t *testing.T) {
	rows := []float32{1, 10, 3, 10, 5, 16}
	s, err := datasets.NewSplit(2, rows, make([]int32, 3))
	if err != nil {
		t.Fatal(err)
	}
	s.Targets = []float32{7, 7, 7} // all the same
	n := *small("a")
	for _, c := range []struct {
		of   network.Objective
		want float64
	}{{network.Classification{}, 1}, {network.Reconstruction{}, 16.0 / 3}, {network.Regression{}, 1}} {
		n.Objective = c.of
		task := Task{Network: &n, Data: &datasets.Dataset{Train: s, Validation: s}}
		if got := task.spread(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", c.of.Name(), got, c.want)
		}
	}
	for _, v := range []float32{1234.567, 0.1} { // whose sums are not exact
		if s, err = datasets.NewSplit(1, slices.Repeat([]float32{v}, 2000), make([]int32, 2000)); err != nil {
			t.Fatal(err)
		}
		n.Objective = network.Reconstruction{}
		task := Task{Network: &n, Data: &datasets.Dataset{Train: s, Validation: s}}
		if got := task.spread(); got != 1 {
			t.Errorf("2,000 times %v: %v, want 1", v, got)
		}
	}
	s = s.Slice(3)
	split := &datasets.Dataset{Validation: s}
	v := &validator{tasks: []Task{{Data: split}, {Data: split}}, spreads: []float64{1, 4}}
	if got := v.pooled([]float64{0.5, -3}); got != (0.5-0.75)/2 {
		t.Errorf("half of one network's samples and an error of 3 in units of 4: %v, want -0.125", got)
	}
}

// The gradient of a network of values is that of its error in shares of the mean target's.
func TestGradientsAreInUnits(t *testing.T) {
	task := problem(t, "a", 1, 300)
	n := *task.Network
	n.Objective, task.Network = network.Regression{}, &n
	for _, s := range []*datasets.Split{task.Data.Train, task.Data.Validation} {
		for i := range s.Len() {
			s.Targets = append(s.Targets, 0, 100*float32(s.Labels[i]), 50)
		}
	}
	tasks := []Task{task}
	set := plan(t, members(t, tasks)).Set(true)
	j := trains(10, 10, 30, 1e-2).open(t, set, tasks)
	theta := vector(j.state.Theta)
	var gradients [2][]float32
	unit := j.validator.spreads[0]
	for k := range gradients {
		out, err := j.gradient(0, 0, theta, theta)
		if err != nil {
			t.Fatal(err)
		}
		gradients[k] = mustCopy(t, out[1])
		j.graphs.close()
		j.validator.spreads[0] = 1
		if err := j.compile(); err != nil {
			t.Fatal(err)
		}
	}
	largest := 0.0
	for i, g := range gradients[1] {
		largest = max(largest, math.Abs(float64(g)))
		if got := unit * float64(gradients[0][i]); math.Abs(got-float64(g)) > 1e-4*math.Abs(float64(g))+1e-3 {
			t.Fatalf("weight %d: %v in units of %v, %v of the error itself", i, gradients[0][i], unit, g)
		}
	}
	if unit < 1000 || largest < 1 {
		t.Errorf("units of %v, gradients up to %v: the test compares nothing", unit, largest)
	}
}
