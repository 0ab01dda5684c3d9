package optimization

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// JointOptions of [Joint]. Zero values mean the defaults in brackets.
type JointOptions struct {
	Steps         int     // [5000]
	Batch         int     // samples of each network in a step [100]
	LearningRate  float64 // of Adam at its highest; cosine decay after a short rise [2e-3]
	Dropout       float64 // before each dense layer [0: none]
	ValidateEvery int     // steps between validations and checkpoints [200]
	ValidateOn    int     // at most so many validation samples a network [0: all]
	Seed          uint64
	Checkpoint    string // file of the checkpoint; "" none
	Progress      func(Progress)
}

func (o JointOptions) withDefaults() JointOptions {
	if o.Steps == 0 {
		o.Steps = 5000
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.LearningRate == 0 {
		o.LearningRate = 2e-3
	}
	if o.ValidateEvery == 0 {
		o.ValidateEvery = 200
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// Joint trains the pages of a set for all its networks at once: every step adds
// up the cross-entropies of all networks, each put together from the pages
// through its table, and updates shared pages, exclusive pages and scales once.
//
// tasks are the set's networks in order. The set is the starting point and is
// not changed. The best state by mean validation accuracy is returned.
//
// When ctx ends, or a network diverges ([DivergedError]), the last checkpoint
// stays; a later call with the same arguments goes on from there and ends in the
// same result, bit for bit on one machine.
func Joint(ctx context.Context, backend compute.Backend, set *page.Set, tasks []Task, o JointOptions) (*Result, error) {
	if err := check(set, tasks); err != nil {
		return nil, fmt.Errorf("joint optimization: %w", err)
	}
	j, err := newJoint(backend, set, tasks, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("joint optimization: %w", err)
	}
	defer j.close()
	if err := j.run(ctx); err != nil {
		return nil, fmt.Errorf("joint optimization: %w", err)
	}
	return &Result{Set: j.layout.unpack(j.state.Best), BestStep: j.state.BestStep, History: j.state.History}, nil
}

type joint struct {
	JointOptions
	tasks     []Task
	layout    layout
	validator *validator
	exec      *Exec
	tables    []*tensors.Tensor
	samplers  []*train.Sampler
	print     string     // fingerprint of what is optimized
	state     jointState // as of the last checkpoint, which may be step 0
}

func newJoint(backend compute.Backend, set *page.Set, tasks []Task, o JointOptions) (*joint, error) {
	j := &joint{JointOptions: o, tasks: tasks, layout: newLayout(set)}
	exec, err := NewExec(backend, j.step)
	if err != nil {
		return nil, err
	}
	j.exec = exec
	if j.validator, err = newValidator(backend, tasks, o.ValidateOn); err != nil {
		exec.Finalize()
		return nil, err
	}
	for i, t := range tasks {
		j.tables = append(j.tables, j.layout.table(i))
		batch := cmp.Or(t.Batch, o.Batch)
		j.samplers = append(j.samplers, train.NewSampler(t.Data.Train, t.Network.Input, batch, o.Seed, t.Network.Name))
	}
	j.print = j.fingerprint()
	if j.state, err = loadJoint(o.Checkpoint, j.print, j.layout.size); err != nil {
		j.close()
		return nil, err
	}
	if j.state.Theta == nil {
		j.state.Theta = j.layout.pack(set)
		j.state.M = make([]float32, j.layout.size)
		j.state.V = make([]float32, j.layout.size)
	}
	return j, nil
}

func (j *joint) close() {
	j.exec.Finalize()
	j.validator.close()
	free(j.tables...)
}

// step is the graph of one step. Inputs: theta, m, v, t, rate, and for each
// network table, x, y, rng. Outputs: theta, m, v, losses [networks].
func (j *joint) step(in []*Node) []*Node {
	theta, m, v, t, rate := in[0], in[1], in[2], in[3], in[4]
	var losses []*Node
	for i, task := range j.tasks {
		table, x, y, rng := in[5+4*i], in[6+4*i], in[7+4*i], in[8+4*i]
		w := j.layout.weights(theta, table, i)
		logits := task.Network.Forward(w, x, network.Dropout{Rate: j.Dropout, RNG: rng}).Logits
		losses = append(losses, Reshape(network.CrossEntropy(logits, y), 1))
	}
	all := Concatenate(losses, 0)
	theta, m, v = train.Adam(theta, Gradient(ReduceAllSum(all), theta)[0], m, v, t, rate)
	return []*Node{theta, m, v, all}
}

func (j *joint) run(ctx context.Context) error {
	s := &j.state
	if len(s.History) == 0 {
		if err := j.validate(ctx, s.Theta, 0, nil); err != nil {
			return err
		}
	}
	theta, m, v := vector(s.Theta), vector(s.M), vector(s.V)
	defer func() { free(theta, m, v) }()
	sums, n := make([]float64, len(j.tasks)), 0
	for k := s.Step; k < j.Steps; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		out, err := j.call(k, theta, m, v)
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		losses, err := tensors.CopyFlatData[float32](out[3])
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		free(theta, m, v, out[3])
		theta, m, v = out[0], out[1], out[2]
		for i, l := range losses {
			if !finite(float64(l)) {
				return &DivergedError{Network: j.tasks[i].Network.Name, Step: k, Loss: float64(l)}
			}
			sums[i] += float64(l)
		}
		n++
		if (k+1)%j.ValidateEvery != 0 && k+1 != j.Steps {
			j.Progress(Progress{Step: k + 1, Steps: j.Steps})
			continue
		}
		for i := range sums {
			sums[i] /= float64(n)
		}
		next := jointState{}
		for _, c := range []struct {
			to   *[]float32
			from *tensors.Tensor
		}{{&next.Theta, theta}, {&next.M, m}, {&next.V, v}} {
			if *c.to, err = tensors.CopyFlatData[float32](c.from); err != nil {
				return fmt.Errorf("step %d: %w", k, err)
			}
		}
		s.Theta, s.M, s.V, s.Step = next.Theta, next.M, next.V, k+1
		if err := j.validate(ctx, s.Theta, k+1, sums); err != nil {
			return err
		}
		sums, n = make([]float64, len(j.tasks)), 0
	}
	return nil
}

// call runs step k.
func (j *joint) call(k int, theta, m, v *tensors.Tensor) ([]*tensors.Tensor, error) {
	rate := float32(train.Cosine(j.LearningRate, k, min(100, j.Steps/10), j.Steps))
	args := []any{theta, m, v, float32(k + 1), rate}
	var inputs []*tensors.Tensor
	for i, t := range j.tasks {
		x, y := j.samplers[i].Batch(k)
		rng, err := train.RNG(j.Seed, t.Network.Name, k)
		if err != nil {
			return nil, err
		}
		args = append(args, j.tables[i], x, y, rng)
		inputs = append(inputs, x, y, rng)
	}
	out, err := j.exec.Call(args...)
	free(inputs...)
	return out, err
}

// validate scores theta, remembers it if it is the best so far, and writes the
// checkpoint.
func (j *joint) validate(ctx context.Context, theta []float32, step int, losses []float64) error {
	set := j.layout.unpack(theta)
	p := Point{Step: step, Loss: losses}
	for i := range j.tasks {
		accuracy, err := j.validator.accuracy(ctx, i, set.Weights(i))
		if err != nil {
			return err
		}
		p.Validation = append(p.Validation, accuracy)
	}
	p.Mean = mean(p.Validation)
	s := &j.state
	if s.Best == nil || p.Mean > s.BestMean {
		s.Best, s.BestMean, s.BestStep = theta, p.Mean, step
	}
	s.History = append(s.History, p)
	if err := s.save(j.Checkpoint, j.print); err != nil {
		return err
	}
	j.Progress(Progress{Step: step, Steps: j.Steps, Point: &p})
	return nil
}

func vector(v []float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(v, len(v)) }

func free(ts ...*tensors.Tensor) {
	for _, t := range ts {
		t.FinalizeAll()
	}
}
