package comparison

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
)

// recipe is what a method does with one network.
type recipe struct {
	task    optimization.Task
	start   []float32
	scratch *optimization.Recipe // a training in float32 before the further steps; nil: none
	form    form
	stored  func(mask []bool) Stored
}

// separate trains the networks one by one, a few at a time.
func (r *run) separate(ctx context.Context, of func(i int) recipe) (*Result, error) {
	result := &Result{Networks: make([]Network, len(r.tasks))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Workers)
	for i := range r.tasks {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			done, err := r.one(ctx, i, of(i))
			if err != nil {
				return fmt.Errorf("network %s: %w", r.tasks[i].Network.Name, err)
			}
			result.Networks[i] = *done
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, n := range result.Networks {
		result.Stored = result.Stored.add(n.Stored)
	}
	return result, nil
}

// one trains network i, unless that was done before.
func (r *run) one(ctx context.Context, i int, c recipe) (*Network, error) {
	print := r.fingerprint(i)
	if done, err := r.load(i, print); done != nil || err != nil {
		return done, err
	}
	var teacher *train.Teacher
	if r.Distillation > 0 {
		t, err := r.teacher(ctx, i)
		if err != nil {
			return nil, err
		}
		teacher = t
	}
	if c.scratch != nil {
		first, _, err := r.fit(ctx, c.task, form{}, c.start, train.Lesson{}, nil, *c.scratch)
		if err != nil {
			return nil, err
		}
		c.start = first.Weights
	}
	done, mask, err := r.fit(ctx, c.task, c.form, c.start, lesson(r.tasks[i], r.Recipe), teacher, r.Recipe)
	if err != nil {
		return nil, err
	}
	done.Stored = c.stored(mask)
	return done, r.save(i, print, done)
}

// lesson is what a task's network, or a narrower one in its place, learns in a step.
func lesson(t optimization.Task, r optimization.Recipe) train.Lesson {
	return train.Lesson{Distillation: r.Teaching(), Mixup: r.Mixup.Of(t.Network.Name), TeacherNetwork: t.Network}
}

// teacher is what network i is distilled from: not the network that is trained where
// that is a narrower one.
func (r *run) teacher(ctx context.Context, i int) (*train.Teacher, error) {
	t := r.tasks[i]
	c, err := network.NewClassifier(r.backend, t.Network, 100)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return lesson(t, r.Recipe).Teacher(ctx, c, [][]float32{t.Teacher}, t.Data.Train)
}

// fit trains latent weights from start, distilled from the teacher if the lesson wants one, and
// returns the best as executed.
func (r *run) fit(ctx context.Context, t optimization.Task, f form, start []float32, l train.Lesson, teacher *train.Teacher, s optimization.Recipe) (*Network, []bool, error) {
	step, err := newStep(r.backend, t.Network, f, s.Dropout.Of(t.Network.Name), l)
	if err != nil {
		return nil, nil, err
	}
	defer step.Finalize()
	classifier, err := network.NewClassifier(r.backend, t.Network, 100)
	if err != nil {
		return nil, nil, err
	}
	defer classifier.Close()
	c := &course{run: r, task: t, form: f, Recipe: s, teacher: teacher, step: step, classifier: classifier, validation: t.Data.Validation}
	if s.ValidateOn > 0 {
		c.validation = t.Data.Validation.Slice(s.ValidateOn)
	}
	if err := c.train(ctx, start); err != nil {
		return nil, nil, err
	}
	return &c.best, c.bestMask, nil
}

// newStep compiles a training step. Inputs: latent weights, m, v, t, rate, generator
// state, x, y, then what the teacher gives with distillation (train.Teacher.Batch), and
// the mask of a pruned network. Outputs: latent weights, m, v, loss.
func newStep(backend compute.Backend, n *network.Network, f form, dropout float64, l train.Lesson) (*Exec, error) {
	return NewExec(backend, func(in []*Node) []*Node {
		latent, m, v, t, rate, rng, x, y := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]
		var mask, teacher *Node
		if l.Share > 0 {
			teacher = in[8]
		}
		if f.keep > 0 {
			mask = in[len(in)-1]
			latent = Mul(latent, mask)
		}
		w, within := f.graph(latent, mask)
		x, rng, lossOf := l.Graph(x, y, rng, teacher)
		loss, gradient := n.Forward(w, x, network.Dropout{Rate: dropout, RNG: rng}).LossGradient(lossOf)
		latent, m, v = train.Adam(latent, straightThrough(gradient, within, mask), m, v, t, rate)
		if mask != nil {
			latent = Mul(latent, mask)
		}
		return []*Node{latent, m, v, loss}
	})
}

// course is one training of one network.
type course struct {
	*run
	optimization.Recipe
	task       optimization.Task
	form       form
	teacher    *train.Teacher // nil: none
	step       *Exec
	classifier *network.Classifier
	validation *datasets.Split
	best       Network
	bestMask   []bool
}

func (c *course) train(ctx context.Context, start []float32) error {
	if err := c.validate(ctx, start, Point{}); err != nil {
		return err
	}
	name := c.task.Network.Name
	sampler := train.NewSampler(c.task.Data.Train, c.task.Network.Input, int(c.Batch.Of(name)), c.Seed, name)
	zeros := make([]float32, len(start))
	latent, m, v := vector(start), vector(zeros), vector(zeros)
	var mask *tensors.Tensor
	defer func() { free(latent, m, v, mask) }()
	sum, n := 0.0, 0
	for k := range c.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		args := []any{latent, m, v, float32(k + 1), float32(train.Cosine(c.LearningRate, k, min(100, c.Steps/10), c.Steps))}
		rng, err := train.RNG(c.Seed, name, k)
		if err != nil {
			return err
		}
		x, y := sampler.Batch(k)
		args = append(args, rng, x, y)
		inputs := []*tensors.Tensor{rng, x, y}
		if c.teacher != nil {
			t := c.teacher.Batch(sampler.Index())
			args, inputs = append(args, t), append(inputs, t)
		}
		if c.form.keep > 0 {
			if mask, err = c.mask(k, latent, mask); err != nil {
				return fmt.Errorf("step %d: %w", k, err)
			}
			args = append(args, mask)
		}
		out, err := c.step.Call(args...)
		free(inputs...)
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		free(latent, m, v)
		latent, m, v = out[0], out[1], out[2]
		loss := float64(tensors.ToScalar[float32](out[3]))
		free(out[3])
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return &optimization.DivergedError{Network: name, Step: k, Loss: loss}
		}
		sum, n = sum+loss, n+1
		if (k+1)%c.ValidateEvery != 0 && k+1 != c.Steps {
			c.tell(Progress{Network: name, Step: k + 1, Steps: c.Steps})
			continue
		}
		now, err := tensors.CopyFlatData[float32](latent)
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		if err := c.validate(ctx, now, Point{Step: k + 1, Loss: sum / float64(n)}); err != nil {
			return err
		}
		sum, n = 0, 0
	}
	return nil
}

// mask is that of step k: the one before, or a new one of what is largest now.
func (c *course) mask(k int, latent, before *tensors.Tensor) (*tensors.Tensor, error) {
	kept, changed := pruning{c.task.Network.Weights(), c.form.keep, c.Steps}.at(k)
	if !changed {
		return before, nil
	}
	now, err := tensors.CopyFlatData[float32](latent)
	if err != nil {
		return before, err
	}
	free(before)
	return vector(float32s(largest(now, c.form.groups, kept))), nil
}

// validate scores latent weights as they would be stored and remembers the best.
func (c *course) validate(ctx context.Context, latent []float32, p Point) error {
	weights, mask := c.form.host(latent)
	w := vector(weights)
	defer free(w)
	var err error
	if p.Validation, err = c.classifier.Accuracy(ctx, w, c.validation); err != nil {
		return err
	}
	if b := &c.best; b.Weights == nil || p.Validation > b.Validation {
		b.Network, b.Weights, b.Validation, b.BestStep = c.task.Network, weights, p.Validation, p.Step
		c.bestMask = mask
	}
	c.best.History = append(c.best.History, p)
	c.tell(Progress{Network: c.task.Network.Name, Step: p.Step, Steps: c.Steps, Point: &p})
	return nil
}

func vector(v []float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(v, len(v)) }

func free(ts ...*tensors.Tensor) {
	for _, t := range ts {
		if t != nil {
			t.FinalizeAll()
		}
	}
}
