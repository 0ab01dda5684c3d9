// Package comparison has the methods that weight separation is compared with, at
// equal bytes and equal training: [Further] (separate networks, the reference),
// [Quantized], [Pruned], [WidthScaled] and [ProductQuantized].
//
// [Run] gives any of them the same further steps on the same samples as the joint
// optimization of pages gets, chooses by validation accuracy of the weights as
// executed, and counts everything that is stored. Test data is not touched.
package comparison

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/gomlx/compute"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
)

// Method is one way to store networks in few bytes.
type Method interface {
	// Name is a word for files and tables that tells the parameters, as in quantized-4.
	Name() string

	// Stored is what the networks take in all. Of [Pruned], where it depends on
	// the weights, it is what they take at most.
	Stored(networks []*network.Network) Stored

	validate() error
	train(ctx context.Context, r *run) (*Result, error)
}

// Options of [Run].
type Options struct {
	optimization.Recipe // but for what concerns pages alone
	Seed                uint64
	Workers             int            // networks at a time; results do not depend on it [2]
	Dir                 string         // where finished networks are kept; "" nowhere
	Progress            func(Progress) // called after each step, never twice at a time
}

// Progress is told to the caller as training goes on.
type Progress struct {
	Network     string // "" for all at once
	Step, Steps int    // steps done of one training; WidthScaled has two
	Point       *Point // set after a validation
}

// Point is one validation of a network.
type Point struct {
	Step       int     `json:"step"`       // steps done
	Loss       float64 `json:"loss"`       // mean training loss since the last point; 0 at step 0
	Validation float64 `json:"validation"` // accuracy of the weights as executed, 0 to 1
}

// Network is the outcome for one network.
type Network struct {
	Network    *network.Network `json:"network"` // the task's; a narrower one from WidthScaled
	Weights    []float32        `json:"-"`       // as executed, [Network.Weights()]
	Stored     Stored           `json:"stored"`  // without what it shares with others
	Validation float64          `json:"validation"`
	BestStep   int              `json:"bestStep"`
	History    []Point          `json:"history"` // of the further steps
}

// Result of [Run].
type Result struct {
	Method   string    `json:"method"`
	Networks []Network `json:"networks"` // in order of the tasks
	Stored   Stored    `json:"stored"`   // all networks, with what they share
}

// Validate reports the first value of a method that cannot work, as [Run] does.
func Validate(m Method) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("comparison: %s: %w", m.Name(), err)
	}
	return nil
}

// Run stores the tasks' networks by a method. weights are those of the separate
// networks, which it starts from, parallel to tasks. With distillation it uses the tasks' Teacher,
// which is of the task's network also where a narrower one is trained; the training of that from
// scratch has neither mixup nor teacher. The best weights by validation accuracy are taken, the
// starting point, stored the same way, being a candidate; the earlier of equals.
//
// With Dir, a finished network is not trained again by a later call with the same
// arguments, which ends in the same result, bit for bit on one machine; files of
// other arguments are an error. A loss that is not finite is an
// [optimization.DivergedError].
func Run(ctx context.Context, backend compute.Backend, m Method, tasks []optimization.Task, weights [][]float32, o Options) (*Result, error) {
	r := &run{Options: o.withDefaults(), backend: backend, method: m, tasks: tasks, weights: weights}
	err := r.check()
	if err != nil {
		return nil, fmt.Errorf("comparison: %s: %w", m.Name(), err)
	}
	result, err := m.train(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("comparison: %s: %w", m.Name(), err)
	}
	result.Method = m.Name()
	return result, nil
}

// run is one call of [Run].
type run struct {
	Options
	backend compute.Backend
	method  Method
	tasks   []optimization.Task
	weights [][]float32
	telling sync.Mutex
}

func (o Options) withDefaults() Options {
	o.Workers = cmp.Or(o.Workers, 2)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// tell serialises the calls of Progress.
func (r *run) tell(p Progress) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.Progress(p)
}

func (r *run) check() error {
	if err := r.method.validate(); err != nil {
		return err
	}
	if len(r.tasks) == 0 || len(r.weights) != len(r.tasks) {
		return fmt.Errorf("%d weight vectors for %d tasks, want one each", len(r.weights), len(r.tasks))
	}
	if err := r.Recipe.Validate(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, t := range r.tasks {
		n := t.Network
		if seen[n.Name] {
			return fmt.Errorf("network %s is there twice", n.Name)
		}
		seen[n.Name] = true
		if err := n.Validate(); err != nil {
			return err
		}
		if err := page.CheckWeights("network "+n.Name, r.weights[i], n.Weights()); err != nil {
			return err
		}
		if r.Distillation > 0 {
			if err := t.CheckTeacher(); err != nil {
				return err
			}
		}
		if err := t.Check(); err != nil {
			return err
		}
	}
	return nil
}
