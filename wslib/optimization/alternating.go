package optimization

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gomlx/compute"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

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
// The first validation is that after all networks are in. What [Joint] says of training that gains
// nothing is so here, but that the result is the pages as they are at the end.
//
// networks are in order of formation, tasks parallel to them. Page tables come
// out of it, because overlapping looks at the pages as trained so far. Of the format it takes number
// and size of the shared pages: its pages are float32 and have neither scales nor keys.
func Alternating(ctx context.Context, backend compute.Backend, networks []overlapping.Network, tasks []Task,
	as page.Format, r Recipe, o Options) (result *Result, plan *overlapping.Plan, err error) {
	defer func() {
		if err != nil {
			result, plan, err = nil, nil, fmt.Errorf("alternating optimization: %w", err)
		}
	}()
	if err := checkAlternating(networks, tasks, as, r); err != nil {
		return nil, nil, err
	}
	if err := CheckMemory(backend, tasks, r, o.Workers); err != nil {
		return nil, nil, err
	}
	a, err := train.Promptly(ctx, func() (*alternating, error) {
		a, err := newAlternating(backend, networks, tasks, as, r, o.withDefaults())
		if err != nil {
			return nil, err
		}
		defer a.close()
		return a, a.run(ctx)
	})
	if err != nil {
		return nil, nil, err
	}
	return &Result{Set: a.set, BestStep: a.Steps, History: a.History}, a.plan,
		a.plan.SetValues(a.set.SharedValues())
}

// alternating runs a schedule of turns. Everything that a turn reads is in set,
// last and the record, so a checkpoint between two turns is complete.
type alternating struct {
	Options
	alternatingRecord
	recipe    Recipe
	networks  []overlapping.Network
	tasks     []Task
	turns     []network.Executable // of each network
	samplers  []*train.Sampler
	validator *validator
	plan      *overlapping.Plan
	set       *page.Set   // members are those added so far
	last      [][]float32 // each network's weights at the end of its own last turn
}

func newAlternating(backend compute.Backend, networks []overlapping.Network, tasks []Task, as page.Format,
	r Recipe, o Options) (a *alternating, err error) {
	a = &alternating{Options: o, recipe: r, networks: networks, tasks: tasks,
		last: make([][]float32, len(networks))}
	a.Batches = make([]int, len(networks))
	if a.plan, err = overlapping.New(as.Size, as.Shared); err != nil {
		return nil, err
	}
	for _, n := range networks { // rather than when its turn comes
		if err := a.plan.Check(n); err != nil {
			return nil, err
		}
	}
	a.set = a.plan.Set(false)
	rng := train.Rand(o.Seed, "shared pages")
	values := make([]float32, as.Shared*as.Size)
	for i := range values {
		values[i] = float32(rng.NormFloat64() * 0.01)
	}
	a.set.Pages = page.PackFloats(values)
	if err := a.load(); err != nil {
		return nil, err
	}
	if a.validator, err = newValidator(backend, tasks, r.ValidateOn); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		turn, err := newTurn(backend, t.Network, r.Lambda)
		if err != nil {
			a.close()
			return nil, fmt.Errorf("network %s: %w", t.Network.Name, err)
		}
		a.turns = append(a.turns, turn)
		a.samplers = append(a.samplers, train.NewSampler(t.Data.Train, t.Network.Input(),
			int(r.Batch.Of(t.Network.Name)), o.Seed, t.Network.Name))
	}
	return a, nil
}

func checkAlternating(networks []overlapping.Network, tasks []Task, as page.Format, r Recipe) error {
	err := checkTasks(tasks, len(networks), func(i int) (string, int, int) {
		return networks[i].Name, len(networks[i].Weights), len(networks[i].State)
	})
	if err := cmp.Or(err, r.Validate()); err != nil {
		return err
	}
	if r.Method != AlternatingMethod {
		return fmt.Errorf("the recipe is of method %q", r.Method)
	}
	if as.Precision.Quantized() || as.ExclusivePrecision.Quantized() || as.ScaleFormat.Bytes() != 4 ||
		as.KeyPrecision != 0 {
		return fmt.Errorf("pages of %v and %v, scales of %q, keys of %d bits: want float32 pages, "+
			"and neither scales nor keys",
			as.Precision, as.ExclusivePrecision, as.ScaleFormat, as.KeyPrecision)
	}
	for _, t := range tasks {
		if t.Held {
			return fmt.Errorf("network %s is held: alternating training trains every network",
				t.Network.Name)
		}
	}
	return nil
}

func (a *alternating) close() {
	a.validator.close()
	for _, t := range a.turns {
		t.Finalize()
	}
}

func (a *alternating) run(ctx context.Context) error {
	n, r := len(a.tasks), a.recipe
	total := n * (1 + r.Rounds*r.Passes)
	steps := n * (r.FirstSteps + r.Rounds*r.Passes*r.TurnSteps)
	saved := time.Now()
	for a.Turn < total {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, length := a.Turn%n, r.TurnSteps
		if a.Turn < n {
			length = r.FirstSteps
			if err := a.add(i); err != nil {
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
		if done == 0 || done > 0 && done%(n*r.Passes) == 0 {
			point, err := a.score(ctx)
			if err != nil {
				return err
			}
			a.History = append(a.History, point)
			p.Point = &point
		}
		if time.Since(saved) >= a.SaveEvery || a.Turn == total {
			if err := a.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
		a.Progress(p)
	}
	return checkGain(a.History, a.validator.size(), r)
}

// add overlaps network i onto the pages as they are now.
func (a *alternating) add(i int) error {
	if err := a.plan.SetValues(a.set.SharedValues()); err != nil {
		return err
	}
	if _, err := a.plan.Add(a.networks[i]); err != nil {
		return err
	}
	a.set.Networks = append(a.set.Networks, a.plan.Set(false).Networks[i])
	return nil
}

// score is the validation accuracy of every network from the pages as they are.
func (a *alternating) score(ctx context.Context) (Point, error) {
	p := Point{Step: a.Steps}
	for i := range a.tasks {
		accuracy, err := a.validator.score(ctx, i,
			network.Values{Weights: a.set.Weights(i), State: a.set.Networks[i].State})
		if err != nil {
			return Point{}, err
		}
		p.Validation = append(p.Validation, accuracy)
	}
	p.Mean = mean(p.Validation)
	return p, nil
}
