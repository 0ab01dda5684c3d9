package comparison

import (
	"math"
	"strings"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
)

// Labels are all wrong, the teacher is right: who follows the teacher alone is right.
func TestFollowsTheTeacher(t *testing.T) {
	teachers, weights := two(t)
	o := Options{Schedule: Schedule{Steps: 200, Batch: 20, LearningRate: 1e-2, ValidateEvery: 100, Seed: 1}}
	further := trained(t, Further{}, teachers, weights, o)
	var pupils []optimization.Task
	for i, task := range teachers {
		train := *task.Data.Train
		train.Labels = append([]int32(nil), train.Labels...)
		for k := range train.Labels {
			train.Labels[k] = (train.Labels[k] + 1) % 3
		}
		data := *task.Data
		data.Train = &train
		pupils = append(pupils, optimization.Task{Network: task.Network, Data: &data, Teachers: [][]float32{further.Networks[i].Weights}})
		weights[i] = task.Network.Initial(9)
	}
	for _, c := range []struct{ share, mixup float64 }{{0, 0}, {1, 0}, {1, 0.5}} {
		share := c.share
		for i := range pupils {
			pupils[i].Mixup = c.mixup
		}
		o.Distillation = network.Distillation{Share: share, Temperature: 2}
		for _, n := range trained(t, Quantized{Bits: 4, Page: 64}, pupils, weights, o).Networks {
			last := n.History[len(n.History)-1].Validation
			if share == 0 && last > 0.3 || share == 1 && last < 0.8-0.2*c.mixup {
				t.Errorf("%s: accuracy %.3f with share %v of the loss from the teacher, mixup %v", n.Network.Name, last, share, c.mixup)
			}
		}
	}
}

func TestRefusesBadDistillation(t *testing.T) {
	tasks, weights := two(t)
	for _, c := range []struct {
		d    network.Distillation
		want string
	}{
		{network.Distillation{Share: 1.5, Temperature: 1}, "share of 0 to 1"},
		{network.Distillation{Share: 0.5}, "temperature above 0"},
		{network.Distillation{Share: math.NaN(), Temperature: 1}, "share of 0 to 1"},
		{network.Distillation{Share: 0.5, Temperature: 1}, "network a has no weights to distil from"},
	} {
		_, err := Run(t.Context(), nil, Further{}, tasks, weights, Options{Schedule: Schedule{Distillation: c.d}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.d, err, c.want)
		}
	}
}

// The layers of a network whose weights lie in another order are groups of the same
// sizes.
func TestLayersInAnotherOrder(t *testing.T) {
	n := small("a").WithOrder(network.BiasesFirst)
	g := layerGroups(n)
	sizes := map[int]int{}
	for _, l := range n.Layers() {
		sizes[l.Offset] = l.Size()
	}
	for i := range g.len() {
		if size := g.bounds[i+1] - g.bounds[i]; sizes[g.bounds[i]] != size || size == 0 {
			t.Errorf("group %d at %d has %d weights, the layer there %d", i, g.bounds[i], size, sizes[g.bounds[i]])
		}
	}
	if g.weights() != n.Weights() {
		t.Errorf("groups end at %d of %d weights", g.weights(), n.Weights())
	}
}
