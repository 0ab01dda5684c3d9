// Package optimization trains pages for all networks that live on them.
//
// Two methods: [Joint] trains the pages themselves on the losses of all networks
// at once; [Alternating] is the paper's, network after network. Both choose by
// validation accuracy, checkpoint as they go, and after an interruption go on to
// the result of an undisturbed run.
package optimization

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Task is one network and the data that it is trained and validated on.
type Task struct {
	Network *network.Network
	Data    *datasets.Dataset
	Teacher []float32 // weights of the separate network whose outputs it follows; needed for distillation only
	Held    bool      // joint training leaves its weights as they are
}

// CheckTeacher returns an error if there are no weights to distil from, or other than the network's.
func (t Task) CheckTeacher() error {
	if len(t.Teacher) == 0 {
		return fmt.Errorf("network %s has no weights to distil from", t.Network.Name)
	}
	return page.CheckWeights("weights to distil "+t.Network.Name+" from", t.Teacher, t.Network.Weights())
}

// Point is one validation of all networks.
type Point struct {
	Step       int       `json:"step"`       // steps done
	Loss       []float64 `json:"loss"`       // training loss of each network, mean since the last point; 0 of one that is held
	Validation []float64 `json:"validation"` // accuracy of each network, 0 to 1
	Mean       float64   `json:"mean"`       // mean validation accuracy
	// Pooled is the share of all networks' validation samples together that are classified
	// correctly: unlike Mean, not at the mercy of those with few. Of joint optimization.
	Pooled float64 `json:"pooled,omitempty"`
}

// Progress is told to the caller as an optimization goes on.
type Progress struct {
	Step, Steps int
	Point       *Point // set after a validation
}

// Result of an optimization.
type Result struct {
	Set      *page.Set // the best by validation
	BestStep int
	History  []Point
}

// DivergedError says which network's loss stopped being a number, and when. The
// last good state is in the checkpoint.
type DivergedError struct {
	Network string
	Step    int
	Loss    float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("network %s diverged at step %d: its loss is %v", e.Network, e.Step, e.Loss)
}

func check(set *page.Set, tasks []Task) error {
	if err := set.Validate(); err != nil {
		return err
	}
	if len(tasks) == 0 || len(tasks) != len(set.Networks) {
		return fmt.Errorf("%d tasks for %d networks", len(tasks), len(set.Networks))
	}
	for i, t := range tasks {
		if t.Network.Name != set.Networks[i].Name || t.Network.Weights() != set.Networks[i].Weights {
			return fmt.Errorf("task %d is network %s of %d weights, the set has %s of %d",
				i, t.Network.Name, t.Network.Weights(), set.Networks[i].Name, set.Networks[i].Weights)
		}
		if err := t.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Check returns an error if the data do not fit the network, or there are none.
func (t Task) Check() error {
	if t.Data.Shape != t.Network.Input || t.Data.Classes != t.Network.Classes() {
		return fmt.Errorf("network %s expects data of shape %v and %d classes, got %v and %d",
			t.Network.Name, t.Network.Input, t.Network.Classes(), t.Data.Shape, t.Data.Classes)
	}
	if t.Data.Train.Len() == 0 || t.Data.Validation.Len() == 0 {
		return fmt.Errorf("network %s: %d training and %d validation samples, want some of each",
			t.Network.Name, t.Data.Train.Len(), t.Data.Validation.Len())
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// validator scores weights on validation data, with one executable a network.
type validator struct {
	tasks       []Task
	classifiers []*network.Classifier // of each network; those of one architecture share theirs
	distinct    []*network.Classifier // the same, each once
	samples     int                   // at most this many per network; 0 all
}

func newValidator(backend compute.Backend, tasks []Task, samples int) (*validator, error) {
	v := &validator{tasks: tasks, samples: samples}
	of := map[string]*network.Classifier{}
	for _, t := range tasks {
		c := of[t.Network.Architecture()]
		if c == nil {
			var err error
			if c, err = network.NewClassifier(backend, t.Network, 100); err != nil {
				v.close()
				return nil, err
			}
			of[t.Network.Architecture()] = c
			v.distinct = append(v.distinct, c)
		}
		v.classifiers = append(v.classifiers, c)
	}
	return v, nil
}

func (v *validator) close() {
	for _, c := range v.distinct {
		c.Close()
	}
}

// pooled is the accuracy on all networks' samples together, given that of each.
func (v *validator) pooled(accuracies []float64) float64 {
	right, all := 0.0, 0.0
	for i, a := range accuracies {
		n := float64(v.split(i).Len())
		right, all = right+a*n, all+n
	}
	return right / all
}

// split is network i's validation data.
func (v *validator) split(i int) *datasets.Split {
	s := v.tasks[i].Data.Validation
	if v.samples > 0 {
		s = s.Slice(v.samples)
	}
	return s
}

// accuracy scores a flat weight vector of network i.
func (v *validator) accuracy(ctx context.Context, i int, weights []float32) (float64, error) {
	w := vector(weights)
	defer free(w)
	return v.classifiers[i].Accuracy(ctx, w, v.split(i))
}
