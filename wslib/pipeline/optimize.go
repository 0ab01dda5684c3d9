package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/setfiles"
)

const (
	historyFile   = "history.json"
	overlapFile   = "overlap.json" // of the pages that were optimized
	setFile       = "pages.json"   // how they are stored
	checkpointDir = "optimization" // while it runs
)

// Optimize trains the pages. Interrupted, it goes on from its last checkpoint.
func (r *Run) Optimize(ctx context.Context) error {
	if err := r.done(stageOptimize); !errors.Is(err, ErrNotDone) {
		return err
	}
	if err := r.Overlap(ctx); err != nil {
		return err
	}
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	id, err := r.id(stageOptimize)
	if err != nil {
		return err
	}
	err = r.stage(stageOptimize, func() ([]string, error) {
		if err := os.MkdirAll(r.Dir.File(checkpointDir), 0o755); err != nil {
			return nil, err
		}
		// Named by what is optimized: with another configuration there is nothing to go on from.
		result, plan, err := r.optimize(ctx, r.Dir.File(checkpointDir, id+".npz"))
		if err != nil {
			return nil, err
		}
		files, err := setfiles.Save(result.Set, r.Dir.Path)
		if err != nil {
			return nil, err
		}
		if err := r.Dir.WriteJSON(setFile, recordSet(result.Set)); err != nil {
			return nil, err
		}
		h := History{Method: r.config.Optimization.Method, Networks: r.config.Networks,
			BestStep: result.BestStep, Points: result.History}
		if err := r.Dir.WriteJSON(overlapFile, OverlapRecord(plan)); err != nil {
			return nil, err
		}
		return append(files, setFile, historyFile, overlapFile), r.Dir.WriteJSON(historyFile, h)
	})
	if err != nil {
		return err
	}
	if err := os.Remove(r.Dir.File(checkpointDir, id+".npz")); err != nil &&
		!errors.Is(err, fs.ErrNotExist) {
		return err
	}
	os.Remove(r.Dir.File(checkpointDir)) // unless another configuration's checkpoint is in it
	return nil
}

// History is the course of an optimization.
type History struct {
	Method   string               `json:"method"`
	Networks []string             `json:"networks"`
	BestStep int                  `json:"bestStep"`
	Points   []optimization.Point `json:"points"`
}

// Tasks are the run's networks with their data, and what they are distilled from.
func (r *Run) Tasks(ctx context.Context) ([]optimization.Task, error) {
	var tasks []optimization.Task
	for _, n := range r.Networks() {
		t, err := r.task(ctx, n)
		if err != nil {
			return nil, err
		}
		if t.Held, err = r.held(n.Name); err != nil {
			return nil, err
		}
		if !t.Held {
			if t.Teacher, err = r.teacherValues(n); err != nil {
				return nil, err
			}
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// task is a network with its data, without weights.
func (r *Run) task(ctx context.Context, n *network.Network) (optimization.Task, error) {
	d, err := r.Data(ctx, n.Name)
	return optimization.Task{Network: n, Data: d}, err
}

func (r *Run) optimize(
	ctx context.Context, checkpoint string,
) (*optimization.Result, *overlapping.Plan, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, nil, err
	}
	format, recipe := page.Format(r.config.Pages.Format), r.config.Optimization
	o := optimization.Options{Seed: r.config.Seed, Checkpoint: checkpoint,
		Progress: func(p optimization.Progress) {
			note := ""
			if p.Point != nil {
				note = fmt.Sprintf("mean validation %.2f %%", 100*p.Point.Mean)
			}
			r.options.Progress(stageOptimize, p.Step, p.Steps, note)
		}}
	if recipe.Method == optimization.AlternatingMethod {
		var networks []overlapping.Network
		for _, n := range r.Networks() {
			m, err := r.Separate(n)
			if err != nil {
				return nil, nil, err
			}
			networks = append(networks, m)
		}
		return optimization.Alternating(ctx, backend, networks, tasks, format, recipe, o)
	}
	plan, err := r.Plan()
	if err != nil {
		return nil, nil, err
	}
	went, err := r.earlier()
	if err != nil {
		return nil, nil, err
	}
	var set *page.Set
	keys := r.config.Pages.KeyPrecision
	switch {
	case r.config.Untrained():
		set, err = optimization.Untrained(plan, format)
		return &optimization.Result{Set: set}, plan, err
	case r.config.Hold:
		set, err = plan.Extend(went.set, keys)
	case went != nil:
		set, err = plan.Continue(went.set, keys)
	default:
		set, err = plan.StartSet(keys)
	}
	if err != nil {
		return nil, nil, err
	}
	result, err := optimization.Joint(ctx, backend, set, tasks, format, recipe, o)
	return result, plan, err
}

// setRecord is what the run keeps of its optimized set beside the pages: how they are stored, and
// where each network's exclusive pages lie in the file of all exclusive pages.
type setRecord struct {
	page.Format
	Networks []setEntry `json:"networks"`
}

type setEntry struct {
	setfiles.Shape
	Pages     int `json:"pages"`
	Exclusive int `json:"exclusivePages"`
	Offset    int `json:"exclusiveOffset"` // its first page in the file of exclusive pages
}

func recordSet(s *page.Set) setRecord {
	r := setRecord{Format: s.Format}
	offset := 0
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		r.Networks = append(r.Networks, setEntry{setfiles.ShapeOf(m), len(m.Table.Entries), own, offset})
		offset += own
	}
	return r
}

// Set is the optimized set of pages.
func (r *Run) Set() (*page.Set, error) {
	if err := r.done(stageOptimize); err != nil {
		return nil, err
	}
	var record setRecord
	if err := r.Dir.ReadJSON(setFile, &record); err != nil {
		return nil, err
	}
	var shapes []setfiles.Shape
	for _, n := range record.Networks {
		shapes = append(shapes, n.Shape)
	}
	return setfiles.Load(r.Dir.Path, record.Format, shapes)
}

// OverlappedSet is the set of pages before optimization.
func (r *Run) OverlappedSet() (*page.Set, error) {
	if err := r.done(stageOverlap); err != nil {
		return nil, err
	}
	var shapes []setfiles.Shape
	for _, n := range r.Networks() {
		shapes = append(shapes, setfiles.Shape{Name: n.Name, Weights: n.Weights(), State: n.StateSize()})
	}
	return setfiles.Load(r.Dir.File("overlap"),
		page.Format{Size: r.config.Pages.Size, Shared: r.config.Pages.Shared}, shapes)
}

// Overlapped is what overlapping decided: for the optimized pages if there are
// any, else as the overlap stage left it. The two differ with the alternating
// method, which overlaps onto pages that are trained already.
func (r *Run) Overlapped() (Overlapped, error) {
	var o Overlapped
	if err := r.done(stageOptimize); err == nil {
		return o, r.Dir.ReadJSON(overlapFile, &o)
	} else if !errors.Is(err, ErrNotDone) {
		return o, err
	}
	if err := r.done(stageOverlap); err != nil {
		return o, err
	}
	return o, r.Dir.ReadJSON("overlap/"+overlapFile, &o)
}

// History is the course of the run's optimization.
func (r *Run) History() (History, error) {
	var h History
	if err := r.done(stageOptimize); err != nil {
		return h, err
	}
	return h, r.Dir.ReadJSON(historyFile, &h)
}
