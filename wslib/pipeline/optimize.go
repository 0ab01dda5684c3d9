package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

const (
	historyFile = "history.json"
	overlapFile = "overlap.json" // of the pages that were optimized
	pagesFile   = "pages.safetensors"
	overlapDir  = "overlap" // before that

	checkpointDir = "optimization" // while it runs
	baselinesDir  = checkpointDir + "/baselines"
	teachersDir   = checkpointDir + "/teachers"
)

// Optimize trains the pages. Interrupted, it goes on from its last checkpoint.
func (r *Run) Optimize(ctx context.Context) error {
	complete, err := r.complete(stageOptimize)
	if err != nil {
		return err
	}
	if !complete {
		if err := r.optimized(ctx); err != nil {
			return err
		}
	}
	checkpoint, err := r.checkpoint()
	if err != nil {
		return err
	}
	return r.tidy(checkpoint, teachersDir)
}

// tidy removes files that are no stage's, and the directory of checkpoints, unless another
// configuration's is in it.
func (r *Run) tidy(scratch ...string) error {
	if r.Dir.ReadOnly() {
		return nil
	}
	for _, name := range scratch {
		if err := r.Dir.Remove(name); err != nil {
			return err
		}
	}
	r.Dir.RemoveEmpty(checkpointDir)
	return nil
}

// checkpoint is the file of the optimization's checkpoint, named by what is optimized: with another
// configuration there is nothing to go on from.
func (r *Run) checkpoint() (string, error) {
	id, err := r.id(stageOptimize)
	return filepath.Join(checkpointDir, id+".npz"), err
}

// checkpointsIn is the directory for checkpoints of separate networks: the one that is given, or else that of
// the run.
func (r *Run) checkpointsIn(given, ofRun string) (string, error) {
	if given != "" {
		return given, nil
	}
	return r.Dir.Mkdir(ofRun)
}

func (r *Run) optimized(ctx context.Context) error {
	if err := r.Overlap(ctx); err != nil {
		return err
	}
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	checkpoint, err := r.checkpoint()
	if err != nil {
		return err
	}
	return r.stage(stageOptimize, func() ([]string, error) {
		if _, err := r.Dir.Mkdir(checkpointDir); err != nil {
			return nil, err
		}
		result, plan, err := r.optimize(ctx, r.Dir.File(checkpoint))
		if err != nil {
			return nil, err
		}
		if err := r.writeSet(pagesFile, result.Set); err != nil {
			return nil, err
		}
		h := History{Method: r.config.Optimization.Method, Networks: r.config.Networks,
			BestStep: result.BestStep, Points: result.History}
		r.warn("optimization", h.Points)
		if err := r.Dir.WriteJSON(overlapFile, OverlapRecord(plan)); err != nil {
			return nil, err
		}
		return []string{pagesFile, historyFile, overlapFile}, r.Dir.WriteJSON(historyFile, h)
	})
}

// warn says if a training gained nothing.
func (r *Run) warn(what string, points []optimization.Point) {
	if !optimization.Gained(points) {
		fmt.Fprintf(r.options.Log, "warning: %s: %s\n", what, optimization.NothingGained)
	}
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
			r.options.Progress(stageOptimize, p.Step, p.Steps, p.Note())
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
		var held *page.Set
		if went != nil {
			held = went.set
		}
		set, err = optimization.Untrained(plan, held, format)
		return &optimization.Result{Set: set}, plan, err
	case went != nil:
		set, err = plan.Extend(went.set, keys)
	default:
		set, err = plan.StartSet(keys)
	}
	if err != nil {
		return nil, nil, err
	}
	result, err := optimization.Joint(ctx, backend, set, tasks, format, recipe, o)
	return result, plan, err
}

// Set is the optimized set of pages.
func (r *Run) Set() (*page.Set, error) {
	if err := r.done(stageOptimize); err != nil {
		return nil, err
	}
	return r.readSet(stageOptimize, pagesFile)
}

// writeSet writes a set of pages of the run's networks, as a pack.
func (r *Run) writeSet(file string, s *page.Set) error {
	f := &pack.File{Set: s, Networks: make([]pack.Network, len(s.Networks))}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return err
	}
	return r.Dir.Write(file, b.Bytes())
}

// readSet reads what a stage wrote so.
func (r *Run) readSet(stage, file string) (*page.Set, error) {
	raw, err := r.Dir.Read(stage, file)
	if err != nil {
		return nil, err
	}
	f, err := pack.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Dir.File(file), err)
	}
	nets := r.Networks()
	if len(f.Set.Networks) != len(nets) {
		return nil, fmt.Errorf("%s: %d networks, want %d", r.Dir.File(file), len(f.Set.Networks), len(nets))
	}
	for i, m := range f.Set.Networks {
		if n := nets[i]; m.Name != n.Name || m.Weights != n.Weights() || len(m.State) != n.StateSize() {
			return nil, fmt.Errorf("%s: network %d is %s of %d weights, want %s of %d", r.Dir.File(file), i,
				m.Name, m.Weights, n.Name, n.Weights())
		}
	}
	return f.Set, nil
}

// OverlappedSet is the set of pages before optimization.
func (r *Run) OverlappedSet() (*page.Set, error) {
	if err := r.done(stageOverlap); err != nil {
		return nil, err
	}
	return r.readSet(stageOverlap, filepath.Join(overlapDir, pagesFile))
}

// Overlapped is what overlapping decided: for the optimized pages if there are
// any, else as the overlap stage left it. The two differ with the alternating
// method, which overlaps onto pages that are trained already.
func (r *Run) Overlapped() (Overlapped, error) {
	var o Overlapped
	if err := r.done(stageOptimize); err == nil {
		return o, r.Dir.ReadJSON(stageOptimize, overlapFile, &o)
	} else if !errors.Is(err, ErrNotDone) {
		return o, err
	}
	if err := r.done(stageOverlap); err != nil {
		return o, err
	}
	return o, r.Dir.ReadJSON(stageOverlap, filepath.Join(overlapDir, overlapFile), &o)
}

// History is the course of the run's optimization.
func (r *Run) History() (History, error) {
	var h History
	if err := r.done(stageOptimize); err != nil {
		return h, err
	}
	err := r.Dir.ReadJSON(stageOptimize, historyFile, &h)
	for _, p := range h.Points {
		if err == nil && len(p.Validation) != len(h.Networks) {
			err = fmt.Errorf("%s: step %d: %d scores of %d networks", r.Dir.File(historyFile), p.Step,
				len(p.Validation),
				len(h.Networks))
		}
	}
	return h, err
}
