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
	o := Options{Recipe: trains(200, 100, 20, 1e-2), Seed: 1}
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
		pupils = append(pupils, optimization.Task{Network: task.Network, Data: &data, Teacher: further.Networks[i].Weights})
		weights[i] = task.Network.Initial(9)
	}
	for _, c := range []struct{ share, mixup float64 }{{0, 0}, {1, 0}, {1, 0.5}} {
		share := c.share
		o.Distillation, o.Mixup = share, optimization.Each{"": c.mixup}
		for _, m := range []Method{Quantized{Bits: 4, Page: 64}, WidthScaled{Factor: 0.5, Page: 64, Scratch: trains(1, 200, 100, 1e-3)}, ProductQuantized{Codewords: 16, Length: 4, Page: 64}} {
			for _, n := range trained(t, m, pupils, weights, o).Networks {
				last := n.History[len(n.History)-1].Validation
				if share == 0 && last > 0.3 || share == 1 && last < 0.8-0.2*c.mixup {
					t.Errorf("%s: %s: accuracy %.3f with share %v of the loss from the teacher, mixup %v", m.Name(), n.Network.Name, last, share, c.mixup)
				}
			}
		}
	}
}

func TestRefusesBadDistillation(t *testing.T) {
	tasks, weights := two(t)
	for want, change := range map[string]func(r *optimization.Recipe){
		"distill 1.5":   func(r *optimization.Recipe) { r.Distillation = 1.5 },
		"temperature 0": func(r *optimization.Recipe) { r.Temperature = 0 },
		"distill NaN":   func(r *optimization.Recipe) { r.Distillation = math.NaN() },
		"batch -1":      func(r *optimization.Recipe) { r.Batch["b"] = -1 },
		"network a has no weights to distil from": func(r *optimization.Recipe) { r.Distillation = 0.5 },
	} {
		o := Options{Recipe: trains(1, 1, 1, 1e-3)}
		change(&o.Recipe)
		_, err := Run(t.Context(), nil, Further{}, tasks, weights, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
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
