package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"weightsep/wslib/comparison"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/optimization"
)

func stageTeacher(name string) string { return "teacher " + name }
func teacherFile(name string) string  { return filepath.Join(name, "teacher.npy") }

// teachersDir is where teachers are kept while not all are trained.
const teachersDir = "teachers"

// Schedule is that of separate networks which get the same further training as the
// pages do, steps apart.
func (c Config) Schedule(steps int) comparison.Schedule {
	o := c.Optimization
	return comparison.Schedule{Steps: steps, Batch: o.Batch, LearningRate: o.LearningRate, Dropout: o.Dropout,
		ValidateEvery: o.Validate, ValidateOn: o.ValidateOn, Seed: c.Seed}
}

// Teaching is the distillation of joint optimization, and of methods it is compared with.
func (o Optimization) Teaching() network.Distillation {
	if o.Distillation == 0 {
		return network.Distillation{}
	}
	return network.Distillation{Share: o.Distillation, Temperature: cmp.Or(o.Temperature, 2)}
}

// taught says that joint optimization distils from networks that are trained further.
func (c Config) taught() bool {
	o := c.Optimization
	return o.Method == Joint && o.Distillation > 0 && o.TeacherSteps > 0
}

// Teachers trains the separate networks on for Optimization.TeacherSteps, to distil from:
// packed networks cannot be expected to beat a teacher that is not done learning.
func (r *Run) Teachers(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil || !r.Config.taught() {
		return err
	}
	// What is there comes first; then those that are missing are trained together.
	var missing []*network.Network
	for _, n := range r.Networks() {
		if held, err := r.held(n.Name); held {
			continue // not trained
		} else if err != nil {
			return err
		}
		err := r.teacher(n, func() ([]float32, error) { return nil, errMissing })
		if errors.Is(err, errMissing) {
			missing = append(missing, n)
		} else if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	weights, err := r.trainTeachers(ctx, missing)
	if err != nil {
		return err
	}
	for _, n := range missing {
		if err := r.teacher(n, func() ([]float32, error) { return weights[n.Name], nil }); err != nil {
			return err
		}
	}
	return os.RemoveAll(r.Dir.File(teachersDir))
}

var errMissing = errors.New("to be trained")

// teacher is the stage of one network's teacher; train gives its weights in layer order.
func (r *Run) teacher(n *network.Network, train func() ([]float32, error)) error {
	key, err := r.teacherKey(n.Name)
	if err != nil {
		return err
	}
	return r.stage(stageTeacher(n.Name), nil, key, func() ([]string, error) {
		w, err := train()
		if err != nil {
			return nil, err
		}
		return []string{teacherFile(n.Name)}, npy.Write(r.Dir.File(teacherFile(n.Name)), n.FromLayerOrder(w))
	})
}

// teacherKey holds everything that decides a network's teacher.
func (r *Run) teacherKey(name string) (map[string]any, error) {
	upstream, err := r.key(stageBaseline(name))
	if err != nil {
		return nil, err
	}
	o := r.Config.Optimization
	return map[string]any{"baseline": upstream, "schedule": r.Config.Schedule(o.TeacherSteps), "batch": o.Batches[name]}, nil
}

// trainTeachers gives the weights in layer order, so that runs with other orders share them.
func (r *Run) trainTeachers(ctx context.Context, networks []*network.Network) (map[string][]float32, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	var tasks []optimization.Task
	var weights [][]float32
	for _, n := range networks {
		t, err := r.task(ctx, n)
		if err != nil {
			return nil, err
		}
		w, err := r.Weights(n)
		if err != nil {
			return nil, err
		}
		t.Network, t.Dropout = n.WithOrder(network.LayerOrder), 0 // Dropouts are for packed networks
		tasks, weights = append(tasks, t), append(weights, n.ToLayerOrder(w))
	}
	result, err := comparison.Run(ctx, backend, comparison.Further{}, tasks, weights, comparison.Options{
		Schedule: r.Config.Schedule(r.Config.Optimization.TeacherSteps),
		Dir:      cmp.Or(r.options.Teachers, r.Dir.File(teachersDir)),
		Progress: func(p comparison.Progress) {
			note := p.Network
			if p.Point != nil {
				note = fmt.Sprintf("%s validation %.2f %%", p.Network, 100*p.Point.Validation)
			}
			r.options.Progress("teachers", p.Step, p.Steps, note)
		},
	})
	if err != nil {
		return nil, err
	}
	trained := map[string][]float32{}
	for _, n := range result.Networks {
		trained[n.Network.Name] = n.Weights
	}
	return trained, nil
}

// TeacherWeights are what a network is distilled from: the separate network, trained
// further where the configuration says so.
func (r *Run) TeacherWeights(n *network.Network) ([]float32, error) {
	if !r.Config.taught() {
		return r.Weights(n)
	}
	return r.vector(n, stageTeacher(n.Name), teacherFile(n.Name))
}
