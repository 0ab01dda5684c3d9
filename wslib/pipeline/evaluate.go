package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/execution"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Accuracy is the score of one network, of a classification its accuracy, 0 to 1.
type Accuracy struct {
	Validation float64 `json:"validation"`
	Test       float64 `json:"test"`
	Untested   bool    `json:"untested,omitempty"` // there are no test samples
}

// Evaluation is one network before weight separation (its baseline) and after.
type Evaluation struct {
	Network string   `json:"network"`
	Before  Accuracy `json:"before"`
	After   Accuracy `json:"after"`
	// Change is that of test accuracy; nil where there is none.
	Change *bootstrap.Interval `json:"change,omitempty"`
}

// Evaluated is what the evaluate stage gives.
type Evaluated struct {
	Networks []Evaluation `json:"networks"`
	Means    []MeanChange `json:"means"`
}

// MeanChange is that of the test accuracies of all networks on one kind of data.
type MeanChange struct {
	Data     string `json:"data"` // "real", "own" or "stand-in", in this order
	Networks int    `json:"networks"`
	bootstrap.Interval
}

const (
	evaluationFile = "evaluation.json"
	benchFile      = "bench.json"
)

// Evaluate scores every network before and after on validation and test data, when
// all choices are made. No choice anywhere depends on test data.
func (r *Run) Evaluate(ctx context.Context) error {
	if err := r.Optimize(ctx); err != nil {
		return err
	}
	err := r.stage(stageEvaluate, func() ([]string, error) {
		result, err := r.evaluate(ctx)
		if err != nil {
			return nil, err
		}
		return []string{evaluationFile}, r.Dir.WriteJSON(evaluationFile, result)
	})
	if err != nil {
		return err
	}
	return r.writeSummary()
}

// valuesIn is network i of a set as it is executed.
func valuesIn(set *page.Set, i int) network.Values {
	return network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
}

// evaluate scores all networks. The intervals are of the same test samples before and after.
func (r *Run) evaluate(ctx context.Context) (all Evaluated, err error) {
	set, err := r.Set()
	if err != nil {
		return all, err
	}
	pairs := map[string][]bootstrap.Network{} // by kind of data
	for i, n := range r.Networks() {
		values, err := r.Weights(n)
		if err != nil {
			return all, err
		}
		e := Evaluation{Network: n.Name}
		var before, after []bool
		if e.Before, before, err = r.Accuracy(ctx, n, values); err != nil {
			return all, err
		}
		if e.After, after, err = r.Accuracy(ctx, n, valuesIn(set, i)); err != nil {
			return all, err
		}
		all.Networks = append(all.Networks, e)
		if d := r.data[n.Name]; before != nil {
			pairs[d.Provenance.Kind] = append(pairs[d.Provenance.Kind], bootstrap.Network{Name: n.Name,
				Pairs: []bootstrap.Pair{{Before: before, After: after}}, Groups: d.Test.Related()})
		}
		r.options.Progress(stageEvaluate, i+1, len(r.config.Networks), n.Name)
	}
	for _, kind := range kinds {
		if pairs[kind] == nil {
			continue
		}
		changes, err := bootstrap.Changes(ctx, pairs[kind], bootstrap.Options{Seed: 1})
		if err != nil {
			return all, err
		}
		all.Means = append(all.Means, MeanChange{kind, len(pairs[kind]), changes.Mean})
		for i, p := range pairs[kind] {
			at := slices.IndexFunc(all.Networks, func(e Evaluation) bool { return e.Network == p.Name })
			all.Networks[at].Change = &changes.Networks[i]
		}
	}
	return all, nil
}

// kinds of data, those first that say most.
var kinds = []string{datasets.Real, datasets.OwnData, datasets.StandIn}

// Accuracy scores a network's values on validation and test data, and tells of each test sample of a
// classification whether it is right.
func (r *Run) Accuracy(ctx context.Context, n *network.Network, values network.Values) (
	a Accuracy, right []bool, err error) {
	data, err := r.Data(ctx, n.Name)
	if err != nil {
		return a, nil, err
	}
	if data.Validation.Len() > 0 {
		if a.Validation, err = r.Score(ctx, n, values, data.Validation); err != nil {
			return a, nil, err
		}
	}
	if a.Untested = data.Test.Len() == 0; a.Untested {
		return a, nil, nil
	}
	test, measures, err := r.measure(ctx, n, values, data.Test)
	if a.Test = test; err != nil {
		return a, nil, err
	}
	if _, classifies := n.For().(network.Classification); classifies {
		for _, m := range measures {
			right = append(right, m == 1)
		}
	}
	return a, right, nil
}

// Score is what a network's objective makes of its outputs for a split.
func (r *Run) Score(ctx context.Context, n *network.Network, values network.Values,
	split *datasets.Split) (float64, error) {
	score, _, err := r.measure(ctx, n, values, split)
	return score, err
}

func (r *Run) measure(ctx context.Context, n *network.Network, values network.Values,
	split *datasets.Split) (float64, []float64, error) {
	s, err := r.scorer(ctx, n)
	if err != nil {
		return 0, nil, err
	}
	on := values.On()
	defer network.Free(on...)
	return s.Measure(ctx, on, split)
}

// Evaluated is the result of the evaluate stage.
func (r *Run) Evaluated() (e Evaluated, err error) {
	if err := r.done(stageEvaluate); err != nil {
		return e, err
	}
	return e, r.Dir.ReadJSON(stageEvaluate, evaluationFile, &e)
}

// Bench measures switching and execution from pages and in other ways, see [execution.Bench]. Before
// that, the gathered weights are compared with the stored ones bit for bit.
func (r *Run) Bench(ctx context.Context) error {
	if err := r.Evaluate(ctx); err != nil {
		return err
	}
	for _, n := range r.Networks() {
		if d, err := r.Data(ctx, n.Name); err != nil || d.Test.Len() == 0 {
			return err // nothing to execute
		}
	}
	err := r.stage(stageBench, func() ([]string, error) {
		b, err := r.Measure(ctx, r.config.Bench)
		if err != nil {
			return nil, err
		}
		return []string{benchFile}, r.Dir.WriteJSON(benchFile, b)
	})
	if err != nil {
		return err
	}
	return r.writeSummary()
}

// Engine runs the optimized networks.
func (r *Run) Engine(ctx context.Context, o execution.Options) (*execution.Engine, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	return execution.Open(backend, set, r.Networks(), o)
}

// Measure runs the benchmark on the optimized pages and keeps nothing.
func (r *Run) Measure(ctx context.Context, o Bench) (*execution.Result, error) {
	e, err := r.Engine(ctx, execution.Options{})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	if err := e.Verify(set); err != nil {
		return nil, err
	}
	var apart []execution.Apart
	for i, n := range r.Networks() {
		data, err := r.Data(ctx, n.Name)
		if err != nil {
			return nil, err
		}
		a := execution.Apart{Test: data.Test}
		if s := o.Samples; s > 0 {
			a.Test = a.Test.Slice(s)
		}
		if a.Values, err = r.Weights(n); err != nil {
			return nil, err
		}
		// The offline evaluation: weights put together on the host.
		if a.Offline, err = r.Score(ctx, n, a.Values, a.Test); err != nil {
			return nil, err
		}
		if a.Packed, err = r.Score(ctx, n, valuesIn(set, i), a.Test); err != nil {
			return nil, err
		}
		apart = append(apart, a)
	}
	within := r.Dir.Path // where its weight files are; what a kill leaves is swept
	if r.options.ReadOnly {
		within = ""
	}
	dir, err := os.MkdirTemp(within, ".bench-*.tmp")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return execution.Bench(ctx, e, apart, execution.BenchOptions{Executions: o.Executions,
		Requests: o.Requests,
		Runs:     o.Runs, Seed: r.config.Seed, Dir: dir,
		Progress: func(done, of int) { r.options.Progress(stageBench, done, of, "") }})
}

// Benchmark is the result of the run's benchmark.
func (r *Run) Benchmark() (*execution.Result, error) {
	if err := r.done(stageBench); err != nil {
		return nil, err
	}
	b := new(execution.Result)
	return b, r.Dir.ReadJSON(stageBench, benchFile, b)
}

// recordData notes the provenance of each network's data in the manifest.
func (r *Run) recordData(ctx context.Context) error {
	provenance := map[string]datasets.Provenance{}
	for _, n := range r.Networks() {
		if _, err := r.Data(ctx, n.Name); err != nil {
			return err
		}
		var err error
		if provenance[n.Name], _, err = r.samples(n.Name); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(provenance)
	if err != nil {
		return err
	}
	r.Dir.Manifest.Data = raw
	return r.Dir.WriteManifest()
}
