package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/rundir"
	"weightsep/wslib/setfiles"
)

const (
	historyFile   = "history.json"
	overlapFile   = "overlap.json" // of the pages that were optimized
	checkpointDir = "optimization" // while it runs
)

// Optimize trains the pages. Interrupted, it goes on from its last checkpoint.
func (r *Run) Optimize(ctx context.Context) error {
	if err := r.Overlap(ctx); err != nil {
		return err
	}
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	upstream, err := r.key(stageOverlap)
	if err != nil {
		return err
	}
	key := map[string]any{"overlap": upstream, "optimization": r.Config.Optimization, "seed": r.Config.Seed}
	if r.Config.taught() {
		for i, n := range r.Networks() {
			if held, err := r.held(n.Name); held {
				continue
			} else if err != nil {
				return err
			}
			for k := range r.Config.teachers() {
				name := numbered(fmt.Sprint("teacher", i), k)
				if key[name], err = r.key(stageTeacher(n.Name, k)); err != nil {
					return err
				}
			}
		}
	}
	id, err := keyID(key)
	if err != nil {
		return err
	}
	err = r.stage(stageOptimize, []string{stageEvaluate, stageBench}, key, func() ([]string, error) {
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
		if err := r.recordNetworks(result.Set); err != nil {
			return nil, err
		}
		h := History{Method: r.Config.Optimization.Method, Networks: r.Config.Networks, BestStep: result.BestStep, Points: result.History}
		if err := r.Dir.WriteJSON(overlapFile, OverlapRecord(plan)); err != nil {
			return nil, err
		}
		return append(files, historyFile, overlapFile), r.Dir.WriteJSON(historyFile, h)
	})
	if err != nil {
		return err
	}
	if err := os.Remove(r.Dir.File(checkpointDir, id+".npz")); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
			if t.Teachers, err = r.TeacherWeights(n); err != nil {
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
	o := r.Config.Optimization
	return optimization.Task{Network: n, Data: d, Batch: o.Batches[n.Name], LossWeight: o.LossWeights[n.Name], Dropout: o.Dropouts[n.Name], Mixup: o.Mixups[n.Name]}, err
}

func (r *Run) optimize(ctx context.Context, checkpoint string) (*optimization.Result, *overlapping.Plan, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, nil, err
	}
	o := r.Config.Optimization
	progress := func(p optimization.Progress) {
		note := ""
		if p.Point != nil {
			note = fmt.Sprintf("mean validation %.2f %%", 100*p.Point.Mean)
		}
		r.options.Progress(stageOptimize, p.Step, p.Steps, note)
	}
	if o.Method == Alternating {
		var networks []overlapping.Network
		for _, n := range r.Networks() {
			m, err := r.Separate(n)
			if err != nil {
				return nil, nil, err
			}
			networks = append(networks, m)
		}
		rounds := o.Rounds
		if rounds == 0 {
			rounds = -1
		}
		lambda := o.Lambda
		if lambda == 0 {
			lambda = -1
		}
		return optimization.Alternating(ctx, backend, networks, tasks, optimization.AlternatingOptions{
			PageSize: r.Config.PageSize, Shared: r.Config.Shared, FirstSteps: o.FirstSteps, Rounds: rounds, Passes: o.Passes,
			TurnSteps: o.TurnSteps, Batch: o.Batch, LearningRate: o.LearningRate, Lambda: lambda, ValidateEvery: o.Validate,
			ValidateOn: o.ValidateOn, Seed: r.Config.Seed, Checkpoint: checkpoint, Progress: progress,
		})
	}
	plan, err := r.Plan()
	if err != nil {
		return nil, nil, err
	}
	went, err := r.earlier()
	if err != nil {
		return nil, nil, err
	}
	var start *page.Set
	if r.Config.Hold {
		start, err = plan.Extend(went.set, r.Config.keys())
	} else if went != nil {
		start, err = plan.Continue(went.set, r.Config.keys())
	} else {
		start, err = plan.StartSet(r.Config.keys())
	}
	if err != nil {
		return nil, nil, err
	}
	result, err := optimization.Joint(ctx, backend, start, tasks, optimization.JointOptions{
		Steps: o.Steps, Batch: o.Batch, LearningRate: o.LearningRate * cmp.Or(o.PageRate, 1), Dropout: o.Dropout, ValidateEvery: o.Validate,
		ValidateOn: o.ValidateOn, Seed: r.Config.Seed, Checkpoint: checkpoint, Progress: progress,
		Precision: o.Precision, ExclusivePrecision: o.ExclusivePrecision, ScaleFormat: o.ScaleFormat, ScaleRate: o.ScaleRate, RoundBy: o.RoundBy,
		Distillation: o.Teaching(), Sample: o.Sample,
	})
	return result, plan, err
}

// recordNetworks notes in the manifest where each network's exclusive pages lie in
// the file of all exclusive pages. The commit of the stage writes it.
func (r *Run) recordNetworks(s *page.Set) error {
	type entry struct {
		setfiles.Shape
		Pages     int `json:"pages"`
		Exclusive int `json:"exclusivePages"`
		Offset    int `json:"exclusiveOffset"` // its first page in the file of exclusive pages
	}
	var entries []entry
	offset := 0
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		entries = append(entries, entry{setfiles.ShapeOf(m), len(m.Table.Entries), own, offset})
		offset += own
	}
	raw, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	r.Dir.Manifest.Networks = raw
	return nil
}

// Set is the optimized set of pages.
func (r *Run) Set() (*page.Set, error) {
	if _, err := r.key(stageOptimize); err != nil {
		return nil, err
	}
	var shapes []setfiles.Shape
	if err := json.Unmarshal(r.Dir.Manifest.Networks, &shapes); err != nil {
		return nil, fmt.Errorf("%s: networks: %w", r.Dir.File(rundir.ManifestFile), err)
	}
	if r.Config.keys() != 0 && !slices.ContainsFunc(shapes, func(s setfiles.Shape) bool { return s.Keys }) {
		return nil, fmt.Errorf("%s: start %q, but no network has keys: it is of a version that had signs; run it anew in another directory",
			r.Dir.File(rundir.ManifestFile), r.Config.Optimization.Start)
	}
	return setfiles.Load(r.Dir.Path, r.Config.format(r.Config.Shared), shapes)
}

// OverlappedSet is the set of pages before optimization.
func (r *Run) OverlappedSet() (*page.Set, error) {
	if _, err := r.key(stageOverlap); err != nil {
		return nil, err
	}
	var shapes []setfiles.Shape
	for _, n := range r.Networks() {
		shapes = append(shapes, setfiles.Shape{Name: n.Name, Weights: n.Weights()})
	}
	return setfiles.Load(r.Dir.File("overlap"), page.Format{Size: r.Config.PageSize, Shared: r.Config.Shared}, shapes)
}

// Overlapped is what overlapping decided: for the optimized pages if there are
// any, else as the overlap stage left it. The two differ with the alternating
// method, which overlaps onto pages that are trained already.
func (r *Run) Overlapped() (Overlapped, error) {
	var o Overlapped
	if _, err := r.key(stageOptimize); err == nil {
		return o, r.Dir.ReadJSON(overlapFile, &o)
	} else if !errors.Is(err, ErrNotDone) {
		return o, err
	}
	if _, err := r.key(stageOverlap); err != nil {
		return o, err
	}
	return o, r.Dir.ReadJSON("overlap/"+overlapFile, &o)
}

// History is the course of the run's optimization.
func (r *Run) History() (History, error) {
	var h History
	if _, err := r.key(stageOptimize); err != nil {
		return h, err
	}
	return h, r.Dir.ReadJSON(historyFile, &h)
}
