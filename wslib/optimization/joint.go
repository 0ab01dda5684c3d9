package optimization

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Joint trains the pages of a set for all its networks at once: every step adds
// up the losses of all networks, each put together from the pages through its table,
// and updates shared pages, exclusive pages and scales once. Each network's state goes
// from step to step beside them.
//
// tasks are the set's networks in order. The set is the starting point and is
// not changed; the result is stored in the given format, whose numbers of pages are the
// set's. The last state is returned whose validation score, on the samples of all networks together, is
// within one standard deviation of the highest: of few or related samples the highest is mere chance, and
// the learning rate falls to the end.
//
// Networks that are held keep their weights, bit for bit: their scales and all pages that they
// use must be as they are stored, in the given precisions. The others are trained around them;
// where their pages lie on a held network's, only their scales learn.
//
// Networks with keys learn those, too: a latent value for each, straight through, stored as
// the key nearest to it. With a precision below float32 the pages are rounded in the loop: the
// forward pass sees code values, from the start or by and by (RoundBy), the gradient goes straight
// through the rounding. The result is the set as it is stored, and validation scores just that.
//
// Where no step validates better than the start, the result is the start: BestStep is 0 and [Gained]
// false, which is no error, for one may well start from the best there is. It is an error if validation
// collapsed from there, to less than half the score or to an error more than twice as large.
//
// When ctx ends, or a network diverges ([DivergedError]), the last checkpoint
// stays; a later call with the same arguments goes on from there and ends in the
// same result, bit for bit on one machine.
func Joint(ctx context.Context, backend compute.Backend, set *page.Set, tasks []Task, as page.Format,
	r Recipe, o Options) (result *Result, err error) {
	defer func() {
		if err != nil {
			result, err = nil, fmt.Errorf("joint optimization: %w", err)
		}
	}()
	if err := checkJoint(set, tasks, as, r); err != nil {
		return nil, err
	}
	if err := CheckMemory(backend, tasks, r, o.Workers); err != nil {
		return nil, err
	}
	return train.Promptly(ctx, func() (*Result, error) {
		j, err := newJoint(ctx, backend, set, tasks, as, r, o.withDefaults())
		if err != nil {
			return nil, err
		}
		defer j.close()
		if err := j.run(ctx); err != nil {
			return nil, err
		}
		return &Result{Set: j.executed(j.state.Best, j.state.BestState), BestStep: j.state.BestStep,
			History: j.state.History}, nil
	})
}

type joint struct {
	Recipe
	Options
	page.Format // of the result
	backend     compute.Backend
	tasks       []Task
	trained     []int // tasks that are not held
	layout      layout
	shared      quantizer // of shared pages
	own         quantizer // of exclusive pages
	validator   *validator
	graphs      jointGraphs
	samplers    []*train.Sampler
	teachers    []*train.Teacher // what each network is distilled from; nil: none
	state       jointState       // as of the last checkpoint, which may be step 0

	// Arguments of a step's executables:
	tables  []*tensors.Tensor // of each network, over shared and all exclusive pages
	keyRows []*tensors.Tensor // of each network
	sources []*tensors.Tensor // see layout.sources
	fixed   []*tensors.Tensor // which pages are fixed; none where no network is held
	states  []*tensors.Tensor // of each network, as the steps leave it; nil without state
}

func newJoint(ctx context.Context, backend compute.Backend, set *page.Set, tasks []Task, as page.Format,
	r Recipe, o Options) (*joint, error) {
	shared, own := as.Precisions()
	j := &joint{Recipe: r, Options: o, Format: as, backend: backend, tasks: tasks, shared: quantizer{shared},
		own: quantizer{own}, states: make([]*tensors.Tensor, len(tasks))}
	for i, t := range tasks {
		if !t.Held {
			j.trained = append(j.trained, i)
		}
	}
	j.layout = newLayout(set, j.trained)
	if err := j.open(ctx); err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *joint) open(ctx context.Context) (err error) {
	if j.validator, err = newValidator(j.backend, j.tasks, j.ValidateOn); err != nil {
		return err
	}
	if err := j.compile(); err != nil {
		return err
	}
	l := j.layout
	for i, t := range j.tasks {
		j.tables = append(j.tables, vector(l.table(i)))
		j.keyRows = append(j.keyRows, vector(l.set.Networks[i].Table.KeyRows()))
		j.samplers = append(j.samplers, train.NewSampler(t.Data.Train, t.Network.Input(),
			j.batch(t), j.Seed, t.Network.Name))
	}
	shared, exclusive, scales, keys := l.sources(j.trained)
	j.sources = []*tensors.Tensor{tensors.FromFlatDataAndDimensions(shared, l.shared, l.tenants),
		vector(exclusive), vector(scales), vector(keys)}
	if l.held() {
		j.fixed = []*tensors.Tensor{vector(l.fixed)}
	}
	if j.Distillation > 0 {
		j.teachers = make([]*train.Teacher, len(j.tasks))
		err := each(j.Workers, len(j.trained), func(k int) (err error) {
			i := j.trained[k]
			t := j.tasks[i]
			j.teachers[i], err = j.lesson(i).Teacher(ctx, j.validator.scorers[i], t.Teacher, t.Data.Train)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := j.load(); err != nil {
		return err
	}
	j.eachState(j.state.State, func(i int, state []float32) { j.states[i] = vector(state) })
	return nil
}

// eachState visits the networks that have state with their part of that of all.
func (j *joint) eachState(all []float32, visit func(i int, state []float32)) {
	for i, t := range j.tasks {
		if n := t.Network.StateSize(); n > 0 {
			visit(i, all[:n:n])
			all = all[n:]
		}
	}
}

func (j *joint) close() {
	j.graphs.close()
	if j.validator != nil {
		j.validator.close()
	}
	network.Free(slices.Concat(j.tables, j.keyRows, j.sources, j.fixed, j.states)...)
}

// executed is the set as it is stored and executed: coded, with scales rounded to their format.
func (j *joint) executed(theta, states []float32) *page.Set {
	set := j.coded(theta)
	j.eachState(states, func(i int, state []float32) { set.Networks[i].State = state })
	for _, i := range j.trained {
		roundScales(set, i)
	}
	return set
}

// coded is the set with pages as code values, the steps between them multiplied into the scales.
func (j *joint) coded(theta []float32) *page.Set {
	set := j.layout.unpack(theta)
	encode(set, j.Format, func(p int) bool { return j.layout.fixed[p] }, quantizer.codes)
	return set
}

// quantized tells that some pages are not float32.
func (j *joint) quantized() bool { return j.shared.Quantized() || j.own.Quantized() }

func (j *joint) run(ctx context.Context) error {
	s := &j.state
	if len(s.History) == 0 {
		if err := checkScales(j.coded(s.Theta), j.trained, 0.5); err != nil {
			return err
		}
		if err := j.validate(ctx, 0, nil); err != nil {
			return err
		}
	}
	if len(j.trained) == 0 {
		return nil
	}
	x, err := j.newVariables()
	if err != nil {
		return err
	}
	defer func() { network.Free(x...) }()
	sums, count := make([]float64, len(j.tasks)), 0.0
	for k := s.Step; k < j.Steps; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, losses, err := j.step(k, x)
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		network.Free(x...)
		x = next
		if err := ctx.Err(); err != nil { // perhaps nobody waits any more
			return err
		}
		for i, l := range losses {
			if !finite(float64(l)) {
				return &DivergedError{Network: j.tasks[i].Network.Name, Step: k, Loss: float64(l)}
			}
			sums[i] += float64(l)
		}
		count++
		if (k+1)%j.ValidateEvery != 0 && k+1 != j.Steps {
			j.Progress(Progress{Step: k + 1, Steps: j.Steps})
			continue
		}
		for i := range sums {
			sums[i] /= count
		}
		if err := j.read(x, k); err != nil {
			return err
		}
		if err := j.validate(ctx, k+1, sums); err != nil {
			return err
		}
		sums, count = make([]float64, len(j.tasks)), 0
	}
	return checkGain(s.History, j.validator.size(), j.Recipe)
}

// read takes over the variables after step k, unless a weight is not finite: rather that than a
// checkpoint of what cannot go on.
func (j *joint) read(x []*tensors.Tensor, k int) error {
	theta, err0 := copied(x[0])
	m, err1 := copied(x[1])
	v, err2 := copied(x[2])
	states, err3 := copied(j.states...)
	if err := cmp.Or(err0, err1, err2, err3); err != nil {
		return fmt.Errorf("step %d: %w", k, err)
	}
	set := j.layout.unpack(theta)
	for i, m := range set.Networks {
		for _, w := range set.Weights(i) {
			if !finite(float64(w)) {
				return &DivergedError{Network: m.Name, Step: k, Loss: float64(w)}
			}
		}
	}
	s := &j.state
	s.Theta, s.M, s.V, s.State, s.Step = theta, m, v, states, k+1
	return nil
}

// validate scores the state as it is, remembers it if it is the best so far, and writes the
// checkpoint.
func (j *joint) validate(ctx context.Context, step int, losses []float64) error {
	s := &j.state
	set := j.executed(s.Theta, s.State)
	p := Point{Step: step, Loss: losses, Validation: make([]float64, len(j.tasks))}
	err := each(j.Workers, len(j.tasks), func(i int) (err error) {
		if j.tasks[i].Held && len(j.state.History) > 0 {
			p.Validation[i] = j.state.History[0].Validation[i]
			return nil
		}
		p.Validation[i], err = j.validator.score(ctx, i,
			network.Values{Weights: set.Weights(i), State: set.Networks[i].State})
		return err
	})
	if err != nil {
		return err
	}
	p.Mean, p.Pooled = mean(p.Validation), j.validator.pooled(p.Validation)
	if s.Best == nil || p.Pooled > s.BestPooled ||
		s.BestStep > 0 && p.Pooled >= s.BestPooled-j.validator.deviation(p.Validation) {
		s.Best, s.BestState, s.BestStep = s.Theta, s.State, step
	}
	if len(s.History) == 0 || p.Pooled > s.BestPooled {
		s.BestPooled = p.Pooled
	}
	s.History = append(s.History, p)
	if err := j.save(); err != nil {
		return err
	}
	j.Progress(Progress{Step: step, Steps: j.Steps, Point: &p})
	return nil
}

// newVariables are theta and its moments, sent to the device before several goroutines ask for
// them: GoMLX v0.28.1 takes a tensor on its way there for an invalid one.
func (j *joint) newVariables() ([]*tensors.Tensor, error) {
	x := []*tensors.Tensor{vector(j.state.Theta), vector(j.state.M), vector(j.state.V)}
	for _, v := range x {
		if err := v.MaterializeOnDevice(j.backend, true, 0); err != nil {
			network.Free(x...)
			return nil, err
		}
	}
	return x, nil
}

func vector[T float32 | int32 | bool](v []T) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(v, len(v))
}

// copied are the values of tensors, one after another, nil ones left out.
func copied(ts ...*tensors.Tensor) (all []float32, err error) {
	for _, t := range ts {
		if t == nil {
			continue
		}
		values, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return nil, err
		}
		all = append(all, values...)
	}
	return all, nil
}
