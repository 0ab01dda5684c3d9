package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
)

func teacherFile(name string) string  { return filepath.Join(name, "teacher.npy") }
func teacherState(name string) string { return filepath.Join(name, "teacher-state.npy") }

// taught says that joint optimization distils from networks that are trained further.
func (c Config) taught() bool {
	o := c.Optimization
	return o.Method == optimization.JointMethod && o.Steps > 0 && o.Distillation > 0 && o.TeacherSteps > 0
}

// Teachers trains the separate networks on for Optimization.TeacherSteps, to distil from:
// packed networks cannot be expected to beat a teacher that is not done learning. Those that are
// missing are trained together; held networks need none.
func (r *Run) Teachers(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil || !r.config.taught() {
		return err
	}
	if complete, err := r.complete(stageOptimize); complete || err != nil {
		return err
	}
	var missing []*network.Network
	for _, n := range r.Networks() {
		if held, err := r.held(n.Name); held {
			continue
		} else if err != nil {
			return err
		}
		// It may be adopted; those that are not are trained together, below.
		err := r.stage(stageTeacher(n.Name), func() ([]string, error) { return nil, ErrNotDone })
		if errors.Is(err, ErrNotDone) {
			missing = append(missing, n)
		} else if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	trained, err := r.trainTeachers(ctx, missing)
	if err != nil {
		return err
	}
	for i, n := range missing {
		r.warn("teacher "+n.Name, trained[i].History)
		err := r.stage(stageTeacher(n.Name), func() ([]string, error) {
			return r.saveValues(n, teacherFile(n.Name), teacherState(n.Name), trained[i].Values)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// trainTeachers gives values in the model's order, so that runs with other orders share them.
func (r *Run) trainTeachers(ctx context.Context,
	networks []*network.Network) ([]optimization.Trained, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	var tasks []optimization.Task
	var starts []network.Values
	for _, n := range networks {
		t, err := r.task(ctx, n)
		if err != nil {
			return nil, err
		}
		v, err := r.Weights(n)
		if err != nil {
			return nil, err
		}
		t.Network = n.WithOrder(network.LayerOrder)
		v.Weights = n.ToLayerOrder(v.Weights)
		tasks, starts = append(tasks, t), append(starts, v)
	}
	checkpoint, err := r.checkpointsIn(r.options.Teachers, teachersDir)
	if err != nil {
		return nil, err
	}
	recipe := r.config.Optimization.Reference(r.config.Optimization.TeacherSteps)
	o := optimization.Options{Seed: r.config.Seed, Checkpoint: checkpoint}
	return optimization.Separate(ctx, backend, tasks, starts, page.Format{Size: page.DefaultSize}, recipe, o,
		func(name string, p optimization.Progress) {
			r.options.Progress("teachers", p.Step, p.Steps, strings.TrimSpace(name+" "+p.Note()))
		})
}

// teacherValues are those that a network is distilled from: of the separate network, trained
// further where the configuration says so.
func (r *Run) teacherValues(n *network.Network) (network.Values, error) {
	if !r.config.taught() {
		return r.Weights(n)
	}
	return r.values(n, stageTeacher(n.Name), teacherFile(n.Name), teacherState(n.Name))
}
