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

func teacherFile(name string) string { return filepath.Join(name, "teacher.npy") }

// teachersDir is where teachers are kept while not all are trained.
const teachersDir = "teachers"

// taught says that joint optimization distils from networks that are trained further.
func (c Config) taught() bool {
	o := c.Optimization
	return o.Method == optimization.JointMethod && o.Distillation > 0 && o.TeacherSteps > 0
}

// Teachers trains the separate networks on for Optimization.TeacherSteps, to distil from:
// packed networks cannot be expected to beat a teacher that is not done learning. Those that are
// missing are trained together; held networks need none.
func (r *Run) Teachers(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil || !r.config.taught() {
		return err
	}
	if err := r.done(stageOptimize); !errors.Is(err, ErrNotDone) {
		return err
	}
	var missing []*network.Network
	for _, n := range r.Networks() {
		if held, err := r.held(n.Name); held {
			continue
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

// teacher is the stage of a network's teacher; train gives its weights in layer order.
func (r *Run) teacher(n *network.Network, train func() ([]float32, error)) error {
	return r.stage(stageTeacher(n.Name), func() ([]string, error) {
		w, err := train()
		if err != nil {
			return nil, err
		}
		file := teacherFile(n.Name)
		return []string{file}, npy.Write(r.Dir.File(file), n.FromLayerOrder(w))
	})
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
		t.Network = n.WithOrder(network.LayerOrder)
		tasks, weights = append(tasks, t), append(weights, n.ToLayerOrder(w))
	}
	o := r.config.Optimization
	result, err := comparison.Run(ctx, backend, comparison.Further{}, tasks, weights, comparison.Options{
		Recipe: o.Reference(o.TeacherSteps), Seed: r.config.Seed,
		Dir: cmp.Or(r.options.Teachers, r.Dir.File(teachersDir)),
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

// TeacherWeights are those that a network is distilled from: of the separate network, trained
// further where the configuration says so.
func (r *Run) TeacherWeights(n *network.Network) ([]float32, error) {
	if !r.config.taught() {
		return r.Weights(n)
	}
	return r.vector(n, stageTeacher(n.Name), teacherFile(n.Name))
}
