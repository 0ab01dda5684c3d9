package optimization

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gomlx/compute"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// AlternatingOptions of [Alternating]. Zero values mean the defaults in
// brackets, the paper's schedule.
type AlternatingOptions struct {
	PageSize   int // [512]
	Shared     int // shared pages [128]
	FirstSteps int // of the turn after a network was added [2000]; of every turn the last step is not scored, so 2 at least
	Rounds     int // after all are in [100]; -1 none
	Passes     int // over all networks in a round [10]
	TurnSteps  int // of a turn in a pass [32]
	Batch      int // [100]

	LearningRate  float64 // [1e-3]
	Lambda        float64 // weight of the overlapping loss [0.1]; negative: none
	ValidateEvery int     // steps within a turn [100]
	ValidateOn    int     // at most so many validation samples a network [0: all]
	Seed          uint64
	Checkpoint    string        // file; "" none
	SaveEvery     time.Duration // checkpoint at the first end of a turn after this [10s]
	Progress      func(Progress)
}

func (o AlternatingOptions) withDefaults() AlternatingOptions {
	for _, d := range []struct {
		v       *int
		initial int
	}{{&o.PageSize, page.DefaultSize}, {&o.Shared, 128}, {&o.FirstSteps, 2000}, {&o.Rounds, 100},
		{&o.Passes, 10}, {&o.TurnSteps, 32}, {&o.Batch, 100}, {&o.ValidateEvery, 100}} {
		if *d.v == 0 {
			*d.v = d.initial
		}
	}
	o.Rounds = max(o.Rounds, 0)
	if o.LearningRate == 0 {
		o.LearningRate = 1e-3
	}
	if o.Lambda == 0 {
		o.Lambda = 0.1
	}
	o.Lambda = max(o.Lambda, 0)
	if o.SaveEvery == 0 {
		o.SaveEvery = 10 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

func (o AlternatingOptions) check() error {
	if o.FirstSteps < 2 || o.TurnSteps < 2 || o.Passes < 1 || o.Batch < 1 || o.ValidateEvery < 1 || o.ValidateOn < 0 {
		return fmt.Errorf("turns of %d and %d steps, %d passes, batches of %d, validation every %d on %d: want turns of 2 steps or more, and none of the others below 1 (0 validation samples: all)",
			o.FirstSteps, o.TurnSteps, o.Passes, o.Batch, o.ValidateEvery, o.ValidateOn)
	}
	if !(o.LearningRate > 0) {
		return fmt.Errorf("learning rate %v, want more than 0", o.LearningRate)
	}
	return nil
}

// Alternating is the optimization of the PerCom 2022 paper.
//
// Shared pages start at N(0, 0.01). For each network in order: it is overlapped
// onto the pages as they are now, then gets one turn of FirstSteps; when all are
// in, Rounds times Passes turns of TurnSteps each. A turn trains one network's
// weights from the current pages, with a fresh Adam, on
//
//	crossEntropy + lambda * sum_i (sum_o c_oi) / max(1, number of o with c_oi != 0)
//	c_oi = F_oi (w_i - w_oi)^2
//
// over its weights i and the other networks o on the same shared weight, w_o as
// read from the pages at the end of o's own last turn. The weights of the best
// validation accuracy above the one at the start of the turn are written to the
// pages; if there are none, nothing is.
//
// networks are in order of formation, tasks parallel to them. Page tables come
// out of it, because overlapping looks at the pages as trained so far.
func Alternating(ctx context.Context, backend compute.Backend, networks []overlapping.Network, tasks []Task, o AlternatingOptions) (*Result, *overlapping.Plan, error) {
	a, err := newAlternating(backend, networks, tasks, o.withDefaults())
	if err != nil {
		return nil, nil, fmt.Errorf("alternating optimization: %w", err)
	}
	defer a.close()
	if err := a.run(ctx); err != nil {
		return nil, nil, fmt.Errorf("alternating optimization: %w", err)
	}
	if err := a.plan.SetValues(a.set.SharedValues()); err != nil {
		return nil, nil, fmt.Errorf("alternating optimization: %w", err)
	}
	return &Result{Set: a.set, BestStep: a.Steps, History: a.History}, a.plan, nil
}

// alternating runs a schedule of turns. Everything that a turn reads is in set,
// last and the record, so a checkpoint between two turns is complete.
type alternating struct {
	AlternatingOptions
	alternatingRecord
	networks  []overlapping.Network
	tasks     []Task
	turns     []*turn // compiled, one a network
	samplers  []*train.Sampler
	validator *validator
	plan      *overlapping.Plan
	set       *page.Set   // members are those added so far
	last      [][]float32 // each network's weights at the end of its own last turn
	print     string
	saved     time.Time
}

type alternatingRecord struct {
	Fingerprint string
	Turn        int // turns done
	Steps       int // steps done, over all networks
	Batches     []int
	Tables      [][]int32
	Costs       []float64
	History     []Point
}

func newAlternating(backend compute.Backend, networks []overlapping.Network, tasks []Task, o AlternatingOptions) (*alternating, error) {
	a := &alternating{AlternatingOptions: o, networks: networks, tasks: tasks, saved: time.Now()}
	if len(tasks) == 0 || len(tasks) != len(networks) {
		return nil, fmt.Errorf("%d tasks for %d networks", len(tasks), len(networks))
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for i, t := range tasks {
		if t.Network.Name != networks[i].Name || t.Network.Weights() != len(networks[i].Weights) {
			return nil, fmt.Errorf("task %d is network %s of %d weights, want %s of %d", i, t.Network.Name, t.Network.Weights(), networks[i].Name, len(networks[i].Weights))
		}
		if named[t.Network.Name] {
			return nil, fmt.Errorf("network %s is there twice", t.Network.Name)
		}
		named[t.Network.Name] = true
		if err := checkTask(t); err != nil {
			return nil, err
		}
		if t.Mixup != 0 || t.Held {
			return nil, fmt.Errorf("network %s: mixup %v, held %v: alternating optimization has no mixup and trains every network", t.Network.Name, t.Mixup, t.Held)
		}
	}
	var err error
	if a.plan, err = overlapping.New(o.PageSize, o.Shared); err != nil {
		return nil, err
	}
	for _, n := range networks { // rather than when its turn comes
		if err := a.plan.Check(n); err != nil {
			return nil, err
		}
	}
	a.set = a.plan.Set(false)
	rng := train.Rand(o.Seed, "shared pages")
	values := make([]float32, o.Shared*o.PageSize)
	for i := range values {
		values[i] = float32(rng.NormFloat64() * 0.01)
	}
	a.set.Pages = page.PackFloats(values)
	a.last = make([][]float32, len(networks))
	a.Batches = make([]int, len(networks))
	a.print = a.fingerprint()
	if err := a.load(); err != nil {
		return nil, err
	}
	if a.validator, err = newValidator(backend, tasks, o.ValidateOn); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		turn, err := newTurn(backend, t.Network, o.Lambda)
		if err != nil {
			a.close()
			return nil, err
		}
		a.turns = append(a.turns, turn)
		a.samplers = append(a.samplers, train.NewSampler(t.Data.Train, t.Network.Input, cmp.Or(t.Batch, o.Batch), o.Seed, t.Network.Name))
	}
	return a, nil
}

func (a *alternating) close() {
	a.validator.close()
	for _, t := range a.turns {
		t.exec.Finalize()
	}
}

func (a *alternating) run(ctx context.Context) error {
	n := len(a.tasks)
	total := n * (1 + a.Rounds*a.Passes)
	steps := n * (a.FirstSteps + a.Rounds*a.Passes*a.TurnSteps)
	for a.Turn < total {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, length := a.Turn%n, a.TurnSteps
		if a.Turn < n {
			length = a.FirstSteps
			if err := a.add(ctx, i); err != nil {
				return err
			}
		}
		if err := a.take(ctx, i, length); err != nil {
			// The network joined in this turn, which is not done: a resumed run adds it.
			return err
		}
		a.Turn++
		a.Steps += length
		p := Progress{Step: a.Steps, Steps: steps}
		done := a.Turn - n
		if done == 0 || done > 0 && done%(n*a.Passes) == 0 {
			point, err := a.score(ctx)
			if err != nil {
				return err
			}
			a.History = append(a.History, point)
			p.Point = &point
		}
		if time.Since(a.saved) >= a.SaveEvery || a.Turn == total {
			if err := a.save(); err != nil {
				return err
			}
			a.saved = time.Now()
		}
		a.Progress(p)
	}
	return nil
}

// add overlaps network i onto the pages as they are now.
func (a *alternating) add(ctx context.Context, i int) error {
	if err := a.plan.SetValues(a.set.SharedValues()); err != nil {
		return err
	}
	if _, err := a.plan.AddContext(ctx, a.networks[i]); err != nil {
		return err
	}
	members := a.plan.Set(false).Networks
	a.set.Networks = append(a.set.Networks, members[i])
	return nil
}

// score is the validation accuracy of every network from the pages as they are.
func (a *alternating) score(ctx context.Context) (Point, error) {
	p := Point{Step: a.Steps}
	for i := range a.tasks {
		accuracy, err := a.validator.accuracy(ctx, i, a.set.Weights(i))
		if err != nil {
			return Point{}, err
		}
		p.Validation = append(p.Validation, accuracy)
	}
	p.Mean = mean(p.Validation)
	return p, nil
}
