package grid

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// outcome is what a method gives.
type outcome struct {
	networks []*network.Network
	weights  [][]float32
	bytes    int
	level1   int
	pages    string
	history  []Point
}

func (g *Grid) run(ctx context.Context, c Cell, seed uint64) (err error) {
	config, plan, err := g.cellConfig(c, seed)
	if err != nil {
		return err
	}
	key, err := g.key(c, seed)
	if err != nil {
		return err
	}
	dir := g.path(c, seed)
	speed, watch := new(pace), &stopwatch{path: filepath.Join(dir, runDir, secondsFile)}
	var old Record
	if err := readJSON(filepath.Join(dir, recordFile), &old); err == nil {
		if old.Key == key {
			return watch.done()
		}
		return fmt.Errorf("%s is of another configuration: remove it or choose another directory", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r, err := g.open(c, config, seed, speed, watch)
	if err != nil {
		return err
	}
	defer r.Close()
	// What other cells of the seed share is not of this one's time.
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	if err := watch.begin(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, watch.stop())
		}
	}()
	var o *outcome
	switch c.Method {
	case Joint, RandomTable, Alternating:
		o, err = g.separated(ctx, r, speed, watch)
	default:
		o, err = g.compared(ctx, r, c, seed, watch)
	}
	if err != nil {
		return err
	}
	if plan != nil {
		o.pages = fmt.Sprintf("%d shared of %v, %s exclusive a network of %v, scales %s%s",
			plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat, plan.KeysText())
	}
	record := Record{Cell: c, Seed: seed, Key: key, Bytes: o.bytes, Level1: o.level1, History: o.history, Pages: o.pages, Seconds: watch.seconds()}
	if err := g.score(ctx, r, o, &record, dir); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, recordFile), record); err != nil {
		return err
	}
	return watch.done()
}

// key hashes what decides a cell's result but the data, which the record has.
func (g *Grid) key(c Cell, seed uint64) (string, error) {
	config, _, err := g.cellConfig(c, seed)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(map[string]any{"cell": c, "config": config})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// cellConfig is the configuration of a cell's run, without what its method does not
// heed, and the plan that its budget became.
func (g *Grid) cellConfig(c Cell, seed uint64) (pipeline.Config, *budget.Plan, error) {
	config := g.config(seed)
	neutral, err := pipeline.Profile("paper")
	if err != nil {
		return config, nil, err
	}
	switch c.Method {
	case Alternating:
		o := &config.Optimization
		neutral.Pages.Size = config.Pages.Size
		*o, config.Pages = neutral.Optimization, neutral.Pages
		if c.Rounds > 0 {
			o.FirstSteps = cmp.Or(c.First, o.FirstSteps*c.Rounds/o.Rounds)
			o.Rounds = c.Rounds
		}
	case Joint, RandomTable:
		b, err := g.budget(c)
		if err != nil {
			return config, nil, err
		}
		plan, err := config.ApplyBudget(b)
		if err != nil {
			return config, nil, err
		}
		if c.Method == RandomTable {
			p := &config.Pages
			p.Placement, p.Load, p.LoadSpread = pipeline.RandomPlacement, neutral.Pages.Load, 0
		}
		return config, &plan, nil
	case Further:
		config.Pages, config.Optimization = neutral.Pages, config.Optimization.Reference(config.Optimization.Steps)
	default:
		config.Pages, config.Optimization = neutral.Pages, config.Optimization.Separate()
	}
	return config, nil, nil
}

// budget of a cell in bytes.
func (g *Grid) budget(c Cell) (b budget.Budget, err error) {
	nets, err := g.networks()
	if err != nil {
		return b, err
	}
	b.Precision, b.Keys = page.Precision(c.Bits), g.Spec.Keys
	if b.Total, err = budget.Ratio(weightsOf(nets), c.Ratio); err != nil {
		return b, err
	}
	if c.Level1 > 0 {
		b.Level1, err = budget.Ratio(weightsOf(nets), c.Level1)
	}
	return b, err
}

func weightsOf(nets []*network.Network) []int {
	var n []int
	for _, net := range nets {
		n = append(n, net.Weights())
	}
	return n
}
