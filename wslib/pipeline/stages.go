package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
	"weightsep/wslib/setfiles"
)

// Names of the stages, in order. Baselines and Fisher information are a stage for
// each network, so that one more network does not redo the others.
const (
	stageOverlap  = "overlap"
	stageOptimize = "optimize"
	stageEvaluate = "evaluate"
	stageBench    = "bench"
)

func stageBaseline(name string) string { return "baseline " + name }
func stageFisher(name string) string   { return "fisher " + name }

// gradients is the version of the gradients that baselines and Fisher information come
// from: before 2, those of networks with kernels of even size were wrong. What is of
// another version is made anew.
const gradients = 2

func weightsFile(name string) string  { return filepath.Join(name, "weights.npy") }
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
		samples := data.Provenance
		samples.Note = "" // why they are these samples is not what they are
		key := map[string]any{"gradients": gradients, "network": n, "data": samples, "seed": r.Config.Seed, "dataSeed": r.Config.Data.Seed, "steps": r.Config.BaselineSteps}
		if r.Config.BaselineSeed != 0 {
			key["baselineSeed"] = r.Config.BaselineSeed
		}
		err = r.stage(stageBaseline(n.Name), nil, key, func() ([]string, error) { return r.baseline(ctx, n, data) })
		if err != nil {
			return err
		}
		r.options.Progress("baselines", i+1, len(r.Config.Networks), n.Name)
	}
	return r.recordData(ctx)
}

func (r *Run) baseline(ctx context.Context, n *network.Network, data *datasets.Dataset) ([]string, error) {
	layers := n.WithOrder(network.LayerOrder)
	w, info, err := baseline.Shipped(layers, data.Provenance.Kind)
	if err == nil && (info.DataSeed != r.Config.Data.Seed || !info.Data.SameFiles(data.Provenance) || r.Config.BaselineSeed != 0) {
		// With another seed or other files, its training samples may be this run's
		// validation samples.
		err = baseline.ErrNone
	}
	if errors.Is(err, baseline.ErrNone) {
		w, info, err = r.trainBaseline(ctx, layers, data)
	}
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.Dir.File(n.Name), 0o755); err != nil {
		return nil, err
	}
	if err := r.Dir.WriteJSON(baselineFile(n.Name), info); err != nil {
		return nil, err
	}
	return []string{weightsFile(n.Name), baselineFile(n.Name)}, npy.Write(r.Dir.File(weightsFile(n.Name)), n.FromLayerOrder(w))
}

// BaselineOptions is how a configuration's baselines are trained, if they do not come
// with the project.
func BaselineOptions(c Config) baseline.Options {
	return baseline.Options{Steps: c.BaselineSteps, Batch: 100, Seed: cmp.Or(c.BaselineSeed, c.Seed), Dropout: 0.1,
		LearningRate: 2e-3, ValidateEvery: min(100, c.BaselineSteps)}
}

// trainBaseline trains a network, or takes it from the directory of baselines, where it
// is kept.
func (r *Run) trainBaseline(ctx context.Context, n *network.Network, data *datasets.Dataset) ([]float32, baseline.Info, error) {
	o := BaselineOptions(r.Config)
	dir := r.options.Baselines
	if dir != "" {
		w, info, err := baseline.Load(dir, n, data.Provenance.Kind)
		same := info.Steps == o.Steps && info.Seed == o.Seed && info.DataSeed == r.Config.Data.Seed && info.Data.SameFiles(data.Provenance) && info.Data.Train == data.Provenance.Train
		if err == nil && same {
			return w, info, nil
		}
		if err == nil {
			return nil, info, fmt.Errorf("baseline of %s in %s is of another training: remove it or choose another directory", n.Name, dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, info, err
		}
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, baseline.Info{}, err
	}
	o.Progress = func(p baseline.Point) {
		r.options.Progress("training "+n.Name, p.Step, o.Steps, fmt.Sprintf("validation %.2f %%", 100*p.Validation))
	}
	w, info, err := TrainBaseline(ctx, backend, r.info.String(), n, data, r.Config.Data.Seed, o)
	if err == nil && dir != "" {
		err = baseline.Save(dir, w, info)
	}
	return w, info, err
}

// Fisher computes each network's Fisher information.
func (r *Run) Fisher(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil {
		return err
	}
	for i, n := range r.Networks() {
		upstream, err := r.key(stageBaseline(n.Name))
		if err != nil {
			return err
		}
		key := map[string]any{"gradients": gradients, "baseline": upstream, "samples": r.Config.FisherSamples, "seed": r.Config.Seed}
		err = r.stage(stageFisher(n.Name), nil, key, func() ([]string, error) {
			backend, err := r.Backend(ctx)
			if err != nil {
				return nil, err
			}
			data, err := r.Data(ctx, n.Name)
			if err != nil {
				return nil, err
			}
			w, err := r.Weights(n)
			if err != nil {
				return nil, err
			}
			f, err := fisher.Compute(ctx, backend, n, w, data.Train, fisher.Options{Samples: r.Config.FisherSamples, Seed: r.Config.Seed})
			if err != nil {
				return nil, err
			}
			return []string{fisherFile(n.Name)}, npy.Write(r.Dir.File(fisherFile(n.Name)), f)
		})
		if err != nil {
			return err
		}
		r.options.Progress("fisher", i+1, len(r.Config.Networks), n.Name)
	}
	return nil
}

// Overlap separates and overlaps: it chooses exclusive pages and places all
// others on shared pages. The pages before optimization are kept in overlap/.
func (r *Run) Overlap(ctx context.Context) error {
	if err := r.Baselines(ctx); err != nil {
		return err
	}
	went, err := r.earlier() // before anything takes long
	if err != nil {
		return err
	}
	if err := r.Fisher(ctx); err != nil {
		return err
	}
	c := r.Config
	key := map[string]any{"pageSize": c.PageSize, "shared": c.Shared, "margin": c.Margin, "tpr": c.TPR, "maxExclusive": c.MaxExclusive}
	if c.Doubling {
		key["doubling"] = true
	}
	if c.Placement != "" {
		key["placement"] = c.Placement
	}
	if len(c.MaxExclusives) > 0 {
		key["maxExclusives"] = c.MaxExclusives
	}
	if c.Placement == BalancedPlacement || c.Hold {
		key["loads"] = c.Loads
		if c.LoadSpread != 0 {
			key["loadSpread"] = c.LoadSpread
		}
	}
	if went != nil {
		key["from"] = went.key
	}
	if c.Hold {
		key["hold"] = true
	}
	for i, n := range r.Networks() {
		k, err := r.key(stageFisher(n.Name))
		if err != nil {
			return err
		}
		key[fmt.Sprint("network", i)] = []string{n.Name, k}
	}
	return r.stage(stageOverlap, []string{stageOptimize, stageEvaluate, stageBench}, key, func() ([]string, error) {
		plan, err := r.Plan()
		if err != nil {
			return nil, err
		}
		files, err := setfiles.Save(plan.Set(false), r.Dir.File("overlap"))
		for i := range files {
			files[i] = filepath.Join("overlap", files[i])
		}
		if err != nil {
			return nil, err
		}
		const record = "overlap/" + overlapFile
		return append(files, record), r.Dir.WriteJSON(record, OverlapRecord(plan))
	})
}

// Plan places the networks as the overlap stage does; it takes a fraction of a
// second. Fisher information must have been computed.
func (r *Run) Plan() (*overlapping.Plan, error) {
	plan, err := overlapping.New(r.Config.PageSize, r.Config.Shared)
	if err != nil {
		return nil, err
	}
	plan.Doubling = r.Config.Doubling
	went, err := r.earlier()
	if err != nil {
		return nil, err
	}
	var fresh *overlapping.Plan // of the pages that networks have which join held ones
	if r.Config.Hold && r.Config.Shared > went.set.Shared {
		if fresh, err = overlapping.New(r.Config.PageSize, r.Config.Shared-went.set.Shared); err != nil {
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
			m, err := fresh.AddWith(member, overlapping.Balanced(r.Config.Seed))
			if err != nil {
				return nil, err
			}
			place = after(went.set.Shared, m.Table)
		case r.Config.Placement == RandomPlacement:
			place = overlapping.Random(r.Config.Seed)
		case r.Config.Placement == BalancedPlacement:
			place = overlapping.Balanced(r.Config.Seed)
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
	w, err := r.Weights(n)
	if err != nil {
		return overlapping.Network{}, err
	}
	f, err := r.FisherInformation(n)
	if err != nil {
		return overlapping.Network{}, err
	}
	density := separation.Density(f, r.Config.PageSize)
	shared := r.Config.Shared
	if r.Config.Doubling {
		shared = len(density) // any number fits
	}
	own, err := separation.Separate(density, separation.Options{
		TPR: r.Config.TPR, Margin: r.Config.Margin, Shared: shared, Max: cmp.Or(r.Config.MaxExclusives[n.Name], r.Config.MaxExclusive),
	})
	if err != nil {
		return overlapping.Network{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	loads := overlapping.SpreadLoads(w, f, r.Config.PageSize, cmp.Or(r.Config.Loads[n.Name], 1), r.Config.LoadSpread)
	return overlapping.Network{Name: n.Name, Weights: w, Fisher: f, Exclusive: own, Loads: loads}, nil
}

// Weights are a network's baseline weights in this run.
func (r *Run) Weights(n *network.Network) ([]float32, error) {
	return r.vector(n, stageBaseline(n.Name), weightsFile(n.Name))
}

// FisherInformation is a network's Fisher information in this run.
func (r *Run) FisherInformation(n *network.Network) ([]float32, error) {
	return r.vector(n, stageFisher(n.Name), fisherFile(n.Name))
}

func (r *Run) vector(n *network.Network, stage, file string) ([]float32, error) {
	if _, err := r.key(stage); err != nil {
		return nil, err
	}
	v, _, err := npy.ReadFloats(r.Dir.File(file))
	if err != nil {
		return nil, err
	}
	return v, page.CheckWeights(r.Dir.File(file), v, n.Weights())
}
