package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/baseline"
	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

func weightsFile(name string) string  { return filepath.Join(name, "weights.npy") }
func stateFile(name string) string    { return filepath.Join(name, "weights-state.npy") }
func baselineFile(name string) string { return filepath.Join(name, "baseline.json") }
func fisherFile(name string) string   { return filepath.Join(name, "fisher.npy") }

// Baselines gives each network its trained weights: those that come with the
// project for the kind of data that is there, else freshly trained ones.
func (r *Run) Baselines(ctx context.Context) error {
	for i, n := range r.Networks() {
		data, err := r.Data(ctx, n.Name)
		if err != nil {
			return err
		}
		err = r.stage(stageBaseline(n.Name), func() ([]string, error) { return r.baseline(ctx, n, data) })
		if err != nil {
			return err
		}
		r.options.Progress("baselines", i+1, len(r.config.Networks), n.Name)
	}
	if err := r.tidy(baselinesDir); err != nil { // they are files of the stages now
		return err
	}
	return r.recordData(ctx)
}

func (r *Run) baseline(ctx context.Context, n *network.Network, data *datasets.Dataset) ([]string, error) {
	layers := n.WithOrder(network.LayerOrder)
	var v network.Values
	var info baseline.Info
	var err error
	own := r.own(n.Name)
	switch {
	case own != nil && own.Values != nil:
		v, info = *own.Values, baseline.Info{Network: n.Name, Data: data.Provenance}
	case own != nil:
		v, info, err = r.trainBaseline(ctx, layers, data)
	default:
		v.Weights, info, err = baseline.Shipped(layers, data.Provenance.Kind)
		if err == nil && (info.DataSeed != r.config.Data.Seed || !info.Data.SameFiles(data.Provenance) ||
			r.config.Baseline.Seed != 0) {
			// With another seed or other files, its training samples may be this run's
			// validation samples.
			err = baseline.ErrNone
		}
		if errors.Is(err, baseline.ErrNone) {
			v, info, err = r.trainBaseline(ctx, layers, data)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := r.Dir.WriteJSON(baselineFile(n.Name), info); err != nil {
		return nil, err
	}
	files, err := r.saveModel(n)
	if err != nil {
		return nil, err
	}
	values, err := r.saveValues(n, weightsFile(n.Name), stateFile(n.Name), v)
	return append(append(files, values...), baselineFile(n.Name)), err
}

// saveValues writes a network's values, given in the model's order, in the run's.
func (r *Run) saveValues(n *network.Network, weights, state string, v network.Values) ([]string, error) {
	files := []string{weights}
	if err := r.writeVector(weights, n.FromLayerOrder(v.Weights)); err != nil || n.StateSize() == 0 {
		return files, err
	}
	return append(files, state), r.writeVector(state, v.State)
}

func (r *Run) writeVector(file string, v []float32) error {
	raw, err := npy.Values(v)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return r.Dir.Write(file, raw)
}

// Fisher computes each network's Fisher information.
func (r *Run) Fisher(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil {
		return err
	}
	for i, n := range r.Networks() {
		err := r.stage(stageFisher(n.Name), func() ([]string, error) {
			backend, err := r.Backend(ctx)
			if err != nil {
				return nil, err
			}
			data, err := r.Data(ctx, n.Name)
			if err != nil {
				return nil, err
			}
			v, err := r.Weights(n)
			if err != nil {
				return nil, err
			}
			f := magnitudes(v.Weights)
			if data.Train.Len() > 0 {
				f, err = fisher.Compute(ctx, backend, n, v, data.Train,
					fisher.Options{Samples: r.config.Pages.FisherSamples, Seed: r.config.Seed})
			}
			if err != nil {
				return nil, err
			}
			return []string{fisherFile(n.Name)}, r.writeVector(fisherFile(n.Name), f)
		})
		if err != nil {
			return err
		}
		r.options.Progress("fisher", i+1, len(r.config.Networks), n.Name)
	}
	return nil
}

// magnitudes stand for the Fisher information of a network without training samples: the squares of
// its weights, scaled to [0,1].
func magnitudes(weights []float32) []float32 {
	greatest := 0.0
	for _, w := range weights {
		greatest = max(greatest, math.Abs(float64(w)))
	}
	_, exponent := math.Frexp(greatest)
	f := make([]float32, len(weights))
	for i, w := range weights {
		part := float32(math.Ldexp(float64(w), -exponent)) // in [-1,1], so that no square is infinite
		f[i] = part * part
	}
	fisher.Scale(f)
	return f
}

// Overlap separates and overlaps: it chooses exclusive pages and places all
// others on shared pages. The pages before optimization are kept in overlap/.
func (r *Run) Overlap(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil {
		return err
	}
	if _, err := r.fromID(); err != nil { // before anything takes long
		return err
	}
	if err := r.Fisher(ctx); err != nil {
		return err
	}
	return r.stage(stageOverlap, func() ([]string, error) {
		plan, err := r.Plan()
		if err != nil {
			return nil, err
		}
		pages, record := filepath.Join(overlapDir, pagesFile), filepath.Join(overlapDir, overlapFile)
		if err := r.writeSet(pages, plan.Set(false)); err != nil {
			return nil, err
		}
		return []string{pages, record}, r.Dir.WriteJSON(record, OverlapRecord(plan))
	})
}

// Plan places the networks as the overlap stage does; it takes a fraction of a
// second. Fisher information must have been computed.
func (r *Run) Plan() (*overlapping.Plan, error) {
	plan, err := overlapping.New(r.config.Pages.Size, r.config.Pages.Shared)
	if err != nil {
		return nil, err
	}
	plan.Doubling = r.config.Pages.Doubling
	went, err := r.earlier()
	if err != nil {
		return nil, err
	}
	var fresh *overlapping.Plan // of the pages that networks have which join held ones
	if went != nil && r.config.Pages.Shared > went.set.Shared {
		if fresh, err = overlapping.New(r.config.Pages.Size,
			r.config.Pages.Shared-went.set.Shared); err != nil {
			return nil, err
		}
		fresh.Doubling = true
	}
	for _, n := range r.Networks() {
		member, err := r.Separate(n)
		if err != nil {
			return nil, err
		}
		member, place, placed := went.place(member)
		switch {
		case placed:
		case fresh != nil:
			m, err := fresh.AddWith(member, overlapping.Balanced(r.config.Seed))
			if err != nil {
				return nil, err
			}
			place = after(went.set.Shared, m.Table)
		case r.config.Pages.Placement == RandomPlacement:
			place = overlapping.Random(r.config.Seed)
		case r.config.Pages.Placement == BalancedPlacement:
			place = overlapping.Balanced(r.config.Seed)
		default:
			place = overlapping.Greedy
		}
		if _, err := plan.AddWith(member, place); err != nil {
			return nil, err
		}
		plan.Average()
	}
	return plan, nil
}

// Planned counts the bytes that the placed networks take once their pages are optimized.
func (r *Run) Planned() (b page.Stored, err error) {
	plan, err := r.Plan()
	if err != nil {
		return b, err
	}
	set := plan.Set(false)
	if r.config.Optimization.Method == optimization.JointMethod && !r.config.Untrained() {
		if set, err = plan.StartSet(r.config.Pages.KeyPrecision); err != nil {
			return b, err
		}
	}
	set.Format = r.config.Pages.PageFormat()
	return set.Stored(), nil
}

// after places pages as a table does, but so many shared pages further on.
func after(shared int, t page.Table) overlapping.Placement {
	return func(_ *overlapping.Plan, _ overlapping.Network, sharable []int) []int {
		placed := make([]int, len(sharable))
		for i, b := range sharable {
			placed[i] = shared + int(t.Entries[b])
		}
		return placed
	}
}

// Separate is one network with its exclusive pages chosen.
func (r *Run) Separate(n *network.Network) (overlapping.Network, error) {
	v, err := r.Weights(n)
	if err != nil {
		return overlapping.Network{}, err
	}
	f, err := r.FisherInformation(n)
	if err != nil {
		return overlapping.Network{}, err
	}
	p := r.config.Pages
	density := separation.Density(f, p.Size)
	o := separation.Options{TPR: p.TPR, Margin: p.Margin, Shared: p.Shared, Max: int(p.Exclusive.Of(n.Name))}
	if o.Max == 0 {
		o.TPR = 0 // none but those that do not fit
	}
	if p.Doubling {
		o.Shared = len(density) // any number fits
	}
	own, err := separation.Separate(density, o)
	if err != nil {
		return overlapping.Network{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	if r.config.Untrained() {
		own = mixedPages(n, v.Weights, p.Size)
	}
	loads := overlapping.SpreadLoads(v.Weights, f, p.Size, p.Load.Of(n.Name), p.LoadSpread)
	return overlapping.Network{Name: n.Name, Weights: v.Weights, State: v.State, Fisher: f, Exclusive: own,
		Loads: loads}, nil
}

// Weights are a network's values in this run before its pages are trained: those of its baseline.
func (r *Run) Weights(n *network.Network) (network.Values, error) {
	return r.values(n, stageBaseline(n.Name), weightsFile(n.Name), stateFile(n.Name))
}

func (r *Run) values(n *network.Network, stage, weights, state string) (v network.Values, err error) {
	if v.Weights, err = r.vector(stage, weights, n.Weights()); err != nil || n.StateSize() == 0 {
		return v, err
	}
	v.State, err = r.vector(stage, state, n.StateSize())
	return v, err
}

// FisherInformation is a network's Fisher information in this run.
func (r *Run) FisherInformation(n *network.Network) ([]float32, error) {
	return r.vector(stageFisher(n.Name), fisherFile(n.Name), n.Weights())
}

// vector is a stage's file of so many values.
func (r *Run) vector(stage, file string, size int) ([]float32, error) {
	if err := r.done(stage); err != nil {
		return nil, err
	}
	raw, err := r.Dir.Read(stage, file)
	if err != nil {
		return nil, err
	}
	v, _, err := npy.Floats(r.Dir.File(file), raw)
	if err != nil {
		return nil, err
	}
	return v, page.CheckWeights(r.Dir.File(file), v, size)
}
