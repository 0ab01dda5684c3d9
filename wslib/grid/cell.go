package grid

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/renameio/v2"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/comparison"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// Record is a finished cell. Beside it lie, for each network, the classes that its
// weights as executed give to the test samples, NAME.npy.
type Record struct {
	Cell     Cell            `json:"cell"`
	Seed     uint64          `json:"seed"`
	Key      string          `json:"key"` // hash of everything that decides the result
	Bytes    int             `json:"bytes"`
	Level1   int             `json:"level1Bytes"` // in device memory; all of it without exclusive pages
	Separate int             `json:"separateBytes"`
	Seconds  float64         `json:"seconds"` // of wall time, the last process's
	Networks []NetworkRecord `json:"networks"`
	History  []Point         `json:"history,omitempty"` // mean validation accuracy over time, of joint and alternating training
	Pages    string          `json:"pages,omitempty"`   // what the budget was turned into
}

// NetworkRecord is one network of a cell.
type NetworkRecord struct {
	Name       string  `json:"name"`
	Data       string  `json:"data"`       // real or stand-in
	Validation float64 `json:"validation"` // accuracy, 0 to 1
	Test       float64 `json:"test"`
}

// Point is the mean validation accuracy after some steps.
type Point struct {
	Step    int     `json:"step"`
	Seconds float64 `json:"seconds"` // of wall time since the start of the optimization; 0: not known
	Mean    float64 `json:"mean"`
}

const recordFile = "cell.json"

// outcome is what a method gives.
type outcome struct {
	networks []*network.Network
	weights  [][]float32
	bytes    int
	level1   int
	pages    string
	history  []Point
}

func (g *Grid) run(ctx context.Context, c Cell, seed uint64) error {
	key, err := g.key(c, seed)
	if err != nil {
		return err
	}
	dir := g.path(c, seed)
	var old Record
	if err := readJSON(filepath.Join(dir, recordFile), &old); err == nil {
		if old.Key == key {
			return nil
		}
		return fmt.Errorf("%s is of another configuration: remove it or choose another directory", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	start := time.Now()
	config, plan, err := g.cellConfig(c, seed)
	if err != nil {
		return err
	}
	speed := new(pace)
	r, err := g.open(c, config, seed, speed)
	if err != nil {
		return err
	}
	defer r.Close()
	var o *outcome
	switch c.Method {
	case Joint, RandomTable, Alternating:
		o, err = g.separated(ctx, r, speed)
	default:
		o, err = g.compared(ctx, r, c, seed)
	}
	if err != nil {
		return err
	}
	if plan != nil {
		o.pages = fmt.Sprintf("%d shared of %v, %d exclusive a network of %v, scales %s", plan.Shared, plan.Precision, plan.Exclusive, plan.ExclusivePrecision, plan.ScaleFormat)
	}
	record := Record{Cell: c, Seed: seed, Key: key, Bytes: o.bytes, Level1: o.level1, History: o.history, Pages: o.pages, Seconds: time.Since(start).Seconds()}
	if err := g.score(ctx, r, o, &record, dir); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, recordFile), record)
}

// key hashes what decides a cell's result: what joint training alone heeds does not
// decide that of separate networks.
func (g *Grid) key(c Cell, seed uint64) (string, error) {
	config := g.config(seed)
	if c.Method != Joint && c.Method != RandomTable {
		o := &config.Optimization
		o.Precision, o.ExclusivePrecision, o.ScaleFormat, o.ScaleRate = 0, 0, "", 0
		o.Distillation, o.Temperature, o.LossWeights = 0, 0, nil
	}
	raw, err := json.Marshal(map[string]any{"cell": c, "config": config})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// cellConfig is the configuration of a cell's run, and the plan that its budget
// became.
func (g *Grid) cellConfig(c Cell, seed uint64) (pipeline.Config, *budget.Plan, error) {
	config := g.config(seed)
	switch c.Method {
	case Alternating:
		paper, err := pipeline.Profile("paper")
		if err != nil {
			return config, nil, err
		}
		config.Optimization, config.MaxExclusive = paper.Optimization, paper.MaxExclusive
		if c.Rounds > 0 {
			config.Optimization.Rounds = c.Rounds
			config.Optimization.FirstSteps = paper.Optimization.FirstSteps * c.Rounds / paper.Optimization.Rounds
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
			config.Placement = pipeline.RandomPlacement
		}
		return config, &plan, nil
	}
	return config, nil, nil
}

// budget of a cell in bytes.
func (g *Grid) budget(c Cell) (b budget.Budget, err error) {
	nets, err := g.networks()
	if err != nil {
		return b, err
	}
	b.Precision = page.Precision(c.Bits)
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

// pace is how fast optimization goes in this process.
type pace struct {
	start       time.Time
	first, last int
	seconds     float64 // from first to last
}

func (p *pace) at(step int) {
	if p.start.IsZero() {
		p.start, p.first = time.Now(), step
	}
	p.last, p.seconds = step, time.Since(p.start).Seconds()
}

// of is the wall time of a number of steps.
func (p *pace) of(steps int) float64 {
	if p.last <= p.first {
		return 0
	}
	return p.seconds / float64(p.last-p.first) * float64(steps)
}

// separated is weight separation: a run of the pipeline up to its optimized pages.
func (g *Grid) separated(ctx context.Context, r *pipeline.Run, speed *pace) (*outcome, error) {
	if err := r.Optimize(ctx); err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	stored := set.Stored()
	o := &outcome{networks: r.Networks(), bytes: stored.Total, level1: stored.Total - stored.Exclusive}
	for i := range set.Networks {
		o.weights = append(o.weights, set.Weights(i))
	}
	h, err := r.History()
	if err != nil {
		return nil, err
	}
	for _, p := range h.Points {
		o.history = append(o.history, Point{Step: p.Step, Seconds: speed.of(p.Step), Mean: p.Mean})
	}
	return o, nil
}

// compared is one of the other methods, on the run's baselines.
func (g *Grid) compared(ctx context.Context, r *pipeline.Run, c Cell, seed uint64) (*outcome, error) {
	if err := r.Baselines(ctx); err != nil {
		return nil, err
	}
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	m, err := g.method(c)
	if err != nil {
		return nil, err
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	var weights [][]float32
	for _, t := range tasks {
		weights = append(weights, t.Weights)
	}
	s := r.Config.Optimization
	result, err := comparison.Run(ctx, backend, m, tasks, weights, comparison.Options{
		Schedule: comparison.Schedule{Steps: s.Steps, Batch: s.Batch, LearningRate: s.LearningRate, Dropout: s.Dropout,
			ValidateEvery: s.Validate, ValidateOn: s.ValidateOn, Seed: seed},
		Dir: filepath.Join(g.path(c, seed), "networks"),
		Progress: func(p comparison.Progress) {
			note := p.Network
			if p.Point != nil {
				note = fmt.Sprintf("%s validation %.2f %%", p.Network, 100*p.Point.Validation)
			}
			g.options.Progress(fmt.Sprintf("%s seed %d: training", c, seed), p.Step, p.Steps, note)
		},
	})
	if err != nil {
		return nil, err
	}
	o := &outcome{bytes: result.Stored.Total, level1: result.Stored.Total}
	for _, n := range result.Networks {
		o.networks, o.weights = append(o.networks, n.Network), append(o.weights, n.Weights)
	}
	return o, nil
}

// method of a comparison, sized for its budget.
func (g *Grid) method(c Cell) (comparison.Method, error) {
	nets, err := g.networks()
	if err != nil {
		return nil, err
	}
	bits := c.Bits
	if bits == 0 {
		bits = 8
	}
	total := 0
	if c.Ratio > 0 {
		if total, err = budget.Ratio(weightsOf(nets), c.Ratio); err != nil {
			return nil, err
		}
	}
	switch c.Method {
	case Further:
		return comparison.Further{}, nil
	case Quantized:
		return comparison.Quantized{Bits: bits}, nil
	case Pruned:
		keep, err := comparison.KeepFor(nets, bits, total)
		return comparison.Pruned{Bits: bits, Keep: keep}, err
	case Width:
		factor, err := comparison.FactorFor(nets, bits, 0, total)
		return comparison.WidthScaled{Factor: factor, Bits: bits}, err
	case Product:
		return comparison.ProductQuantized{Length: c.Bits}, nil
	}
	return nil, fmt.Errorf("grid: no method %q", c.Method)
}

// score reads the test data, once.
func (g *Grid) score(ctx context.Context, r *pipeline.Run, o *outcome, record *Record, dir string) error {
	backend, err := r.Backend(ctx)
	if err != nil {
		return err
	}
	for i, n := range r.Networks() {
		data, err := r.Data(ctx, n.Name)
		if err != nil {
			return err
		}
		validation, _, err := classify(ctx, backend, o.networks[i], o.weights[i], data.Validation)
		if err != nil {
			return err
		}
		test, classes, err := classify(ctx, backend, o.networks[i], o.weights[i], data.Test)
		if err != nil {
			return err
		}
		if err := writeClasses(filepath.Join(dir, n.Name+".npy"), classes); err != nil {
			return err
		}
		record.Separate += 4 * n.Weights()
		record.Networks = append(record.Networks, NetworkRecord{Name: n.Name, Data: data.Provenance.Kind, Validation: validation, Test: test})
	}
	return nil
}

// writeClasses writes class indices, in a byte each where that is enough.
func writeClasses(path string, classes []int32) error {
	if slices.Max(classes) > math.MaxUint8 {
		return npy.Write(path, classes)
	}
	bytes := make([]uint8, len(classes))
	for i, c := range classes {
		bytes[i] = uint8(c)
	}
	return npy.Write(path, bytes)
}

// classify is the accuracy of a network's flat weights on a split, and the class
// that each sample is given.
func classify(ctx context.Context, backend compute.Backend, n *network.Network, weights []float32, split *datasets.Split) (float64, []int32, error) {
	c, err := network.NewClassifier(backend, n, 100)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close()
	w := tensors.FromFlatDataAndDimensions(weights, len(weights))
	defer w.FinalizeAll()
	classes, err := c.Predict(ctx, w, split)
	if err != nil {
		return 0, nil, err
	}
	right := 0
	for i, k := range classes {
		if k == split.Labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(classes)), classes, nil
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("grid: %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("grid: %w", err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("grid: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("grid: %s: %w", path, err)
	}
	return nil
}
