package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weightsep/wslib/comparison"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/optimization"
)

// Of several teachers of a network the first has no number.
func stageTeacher(name string, k int) string { return numbered("teacher", k) + " " + name }

func isTeacher(stage string) bool {
	return strings.HasPrefix(stage, "teacher ") || strings.HasPrefix(stage, "teacher-")
}

func teacherFile(name string, k int) string {
	return filepath.Join(name, numbered("teacher", k)+".npy")
}

// numbered is name, name-2, name-3 for k from 0.
func numbered(name string, k int) string {
	if k == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, k+1)
}

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

// teachers is how many of each network are trained to be distilled from.
func (c Config) teachers() int {
	if !c.taught() {
		return 0
	}
	return max(1, c.Optimization.Teachers)
}

// Teachers trains the separate networks on for Optimization.TeacherSteps, to distil from:
// packed networks cannot be expected to beat a teacher that is not done learning. Of several
// teachers each starts from the same baseline, and sees samples and dropout of its own.
func (r *Run) Teachers(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil {
		return err
	}
	for k := range r.Config.teachers() {
		if err := r.teachersOf(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// teachersOf trains teacher k of every network, those that are missing together.
func (r *Run) teachersOf(ctx context.Context, k int) error {
	var missing []*network.Network
	for _, n := range r.Networks() {
		if held, err := r.held(n.Name); held {
			continue // not trained
		} else if err != nil {
			return err
		}
		err := r.teacher(n, k, func() ([]float32, error) { return nil, errMissing })
		if errors.Is(err, errMissing) {
			missing = append(missing, n)
		} else if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	weights, err := r.trainTeachers(ctx, missing, k)
	if err != nil {
		return err
	}
	for _, n := range missing {
		if err := r.teacher(n, k, func() ([]float32, error) { return weights[n.Name], nil }); err != nil {
			return err
		}
	}
	return os.RemoveAll(r.Dir.File(numbered(teachersDir, k)))
}

var errMissing = errors.New("to be trained")

// teacher is the stage of teacher k of a network; train gives its weights in layer order.
func (r *Run) teacher(n *network.Network, k int, train func() ([]float32, error)) error {
	key, err := r.teacherKey(n.Name, k)
	if err != nil {
		return err
	}
	return r.stage(stageTeacher(n.Name, k), nil, key, func() ([]string, error) {
		w, err := train()
		if err != nil {
			return nil, err
		}
		file := teacherFile(n.Name, k)
		return []string{file}, npy.Write(r.Dir.File(file), n.FromLayerOrder(w))
	})
}

// teacherKey holds everything that decides a network's teacher k.
func (r *Run) teacherKey(name string, k int) (map[string]any, error) {
	upstream, err := r.key(stageBaseline(name))
	if err != nil {
		return nil, err
	}
	return map[string]any{"baseline": upstream, "schedule": r.Config.teacherSchedule(k), "batch": r.Config.Optimization.Batches[name]}, nil
}

// teacherSchedule differs between the teachers of a network in the seed.
func (c Config) teacherSchedule(k int) comparison.Schedule {
	s := c.Schedule(c.Optimization.TeacherSteps)
	s.Seed += uint64(k) << 32 // away from seeds that runs are given
	return s
}

// trainTeachers gives the weights in layer order, so that runs with other orders share them.
func (r *Run) trainTeachers(ctx context.Context, networks []*network.Network, k int) (map[string][]float32, error) {
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
		t.Dropout, t.Mixup = 0, 0 // Dropouts and Mixups are not for reference and teachers
		tasks, weights = append(tasks, t), append(weights, n.ToLayerOrder(w))
	}
	result, err := comparison.Run(ctx, backend, comparison.Further{}, tasks, weights, comparison.Options{
		Schedule: r.Config.teacherSchedule(k),
		Dir:      numbered(cmp.Or(r.options.Teachers, r.Dir.File(teachersDir)), k),
		Progress: func(p comparison.Progress) {
			note := p.Network
			if p.Point != nil {
				note = fmt.Sprintf("%s validation %.2f %%", p.Network, 100*p.Point.Validation)
			}
			r.options.Progress(numbered("teachers", k), p.Step, p.Steps, note)
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
// further, once or several times, where the configuration says so.
func (r *Run) TeacherWeights(n *network.Network) ([][]float32, error) {
	if !r.Config.taught() {
		w, err := r.Weights(n)
		return [][]float32{w}, err
	}
	var weights [][]float32
	for k := range r.Config.teachers() {
		w, err := r.vector(n, stageTeacher(n.Name, k), teacherFile(n.Name, k))
		if err != nil {
			return nil, err
		}
		weights = append(weights, w)
	}
	return weights, nil
}
