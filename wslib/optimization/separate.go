package optimization

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/gomlx/compute"

	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// Trained is the outcome of one network of [Separate].
type Trained struct {
	network.Values     // as executed
	Bytes          int // of weights without padding, scales and state; a network by itself needs no table
	BestStep       int
	History        []Point
}

// Separate trains networks apart from each other, each on pages of its own, by the very steps of
// [Joint]: baselines from initial values, teachers from baselines, and the separate networks that
// packing is compared with, which so have the same rounding, learned scales and teachers. In
// float32 there are no scales and pages are the weights.
//
// starts are parallel to tasks. Of the format it takes page size, precision and scale format.
// Checkpoint names a directory: a network whose training was finished there is not trained again.
// The progress is that of one network after another, whose name is told.
func Separate(ctx context.Context, backend compute.Backend, tasks []Task, starts []network.Values,
	as page.Format, r Recipe, o Options, progress func(name string, p Progress)) ([]Trained, error) {
	if len(starts) != len(tasks) {
		return nil, fmt.Errorf("%d starting points for %d networks", len(starts), len(tasks))
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := CheckMemory(backend, tasks, r, o.Workers); err != nil {
		return nil, err
	}
	if o.Checkpoint != "" {
		if err := os.MkdirAll(o.Checkpoint, 0o755); err != nil {
			return nil, err
		}
	}
	trained := make([]Trained, len(tasks))
	var telling sync.Mutex
	return trained, each(o.withDefaults().Workers, len(tasks), func(i int) error {
		t, one := tasks[i], o
		one.Workers, one.Checkpoint = 1, ""
		if o.Checkpoint != "" {
			one.Checkpoint = filepath.Join(o.Checkpoint, t.Network.Name+".npz")
		}
		one.Progress = func(p Progress) {
			telling.Lock()
			defer telling.Unlock()
			if progress != nil {
				progress(t.Network.Name, p)
			}
		}
		if err := page.CheckWeights("network "+t.Network.Name, starts[i].Weights,
			t.Network.Weights()); err != nil {
			return err
		}
		set, err := alone(t, starts[i], as)
		if err != nil {
			return fmt.Errorf("network %s: %w", t.Network.Name, err)
		}
		// What changes nothing is not part of a checkpoint's identity.
		if r.Distillation == 0 {
			t.Teacher = network.Values{}
		}
		format := page.Format{Size: as.Size, Shared: set.Shared}
		if as.Precision.Quantized() {
			format.Precision, format.ExclusivePrecision, format.ScaleFormat = as.Precision, as.ExclusivePrecision,
				as.ScaleFormat
		}
		result, err := Joint(ctx, backend, set, []Task{t}, format, r, one)
		if err != nil {
			return fmt.Errorf("network %s: %w", t.Network.Name, err)
		}
		values := network.Values{Weights: result.Set.Weights(0), State: result.Set.Networks[0].State}
		trained[i] = Trained{values, t.stored(result.Set), result.BestStep, result.History}
		return nil
	})
}

// stored is what a set of the task's network alone takes, in bytes.
func (t Task) stored(set *page.Set) int {
	stored := set.Stored()
	bytes := stored.Scales + stored.State
	shared, own := set.Precisions()
	for b, e := range set.Networks[0].Table.Entries {
		precision := shared
		if int(e) >= set.Shared {
			precision = own
		}
		bytes += precision.Bytes(min(set.Size, t.Network.Weights()-b*set.Size))
	}
	return bytes
}

// alone is a set of the task's network, its exclusive pages and each other on a shared page of its own,
// as the first of a plan.
func alone(t Task, v network.Values, as page.Format) (*page.Set, error) {
	plan, err := overlapping.New(as.Size, max(1, page.Count(len(v.Weights), as.Size)-len(t.Exclusive)))
	if err != nil {
		return nil, err
	}
	member := overlapping.Network{Name: t.Network.Name, Weights: v.Weights, State: v.State,
		Fisher: make([]float32, len(v.Weights)), Exclusive: t.Exclusive}
	if _, err := plan.Add(member); err != nil {
		return nil, err
	}
	if shared, own := as.Precisions(); shared.Quantized() || own.Quantized() {
		return plan.StartSet(0)
	}
	set := plan.Set(false)
	set.Pages = page.PackFloats(page.Form(v.Weights, as.Size))
	return set, nil
}
