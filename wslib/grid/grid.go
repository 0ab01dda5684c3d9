// Package grid compares methods of packing networks: it runs every method at every
// budget with every seed, keeps what is finished, and makes one table and the charts
// of it.
//
// All methods but [Alternating], which keeps its own schedule, and [Width], which trains
// narrower networks from scratch first, start from the same separate networks and get the
// same further steps and schedule, and the same dropout, but that packed networks may have
// one of their own; accuracy changes are against the separate networks with just these
// further steps ([Further]). All but [Further] and [Alternating] may have distillation from
// the separate networks, or from the reference itself, and mixup; only joint training has loss weights
// between networks and loads of their pages.
// Test data is read once, when a cell of the grid is done and nothing is chosen any more.
package grid

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/comparison"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// The methods. Those with a budget take a packing ratio; the others are as large as
// they are.
const (
	Further     = "further"      // separate networks in float32, the reference
	Distilled   = "distilled"    // the same with distillation from the reference, and mixup
	Quantized   = "quantized"    // separate networks, -8, -4, -2, -1 bits
	Pruned      = "pruned"       // magnitude pruning and int8, by budget
	Width       = "width"        // narrower networks in int8, by budget
	Product     = "product"      // one codebook for all networks
	RandomTable = "random-table" // joint training on a random page table, by budget
	Joint       = "joint"        // weight separation, by budget
	Alternating = "alternating"  // weight separation as in the paper
)

// Cell is one method at one budget.
type Cell struct {
	Method string  `json:"method"`
	Bits   int     `json:"bits,omitempty"`   // of a value; 0: chosen by the budget
	Length int     `json:"length,omitempty"` // weights of a codeword of product
	Ratio  float64 `json:"ratio,omitempty"`  // packing ratio in bytes to reach
	// Level1 is the ratio of device memory alone, larger than Ratio where there are
	// exclusive pages; 0: all is in device memory.
	Level1 float64 `json:"level1,omitempty"`
	Rounds int     `json:"rounds,omitempty"` // of the alternating schedule, 100 in full
	// First is the steps of a network's first turn in the alternating schedule, 2,000 in
	// full; 0: as much less as there are fewer Rounds.
	First int `json:"first,omitempty"`
}

// String names the cell in files and tables: joint-80, quantized-4, joint-4bit-32.
func (c Cell) String() string {
	parts := []string{c.Method}
	if c.Bits > 0 && (c.Method == Quantized) {
		parts = append(parts, fmt.Sprint(c.Bits))
	} else if c.Bits > 0 {
		parts = append(parts, fmt.Sprintf("%dbit", c.Bits))
	}
	for _, v := range []float64{c.Ratio, c.Level1} {
		if v > 0 {
			parts = append(parts, fmt.Sprintf("%g", v))
		}
	}
	if c.Length > 0 {
		parts = append(parts, fmt.Sprint(c.Length))
	}
	if c.Rounds > 0 {
		parts = append(parts, fmt.Sprintf("%drounds", c.Rounds))
	}
	if c.First > 0 {
		parts = append(parts, fmt.Sprintf("%dfirst", c.First))
	}
	return strings.Join(parts, "-")
}

// ParseCell reads METHOD[:RATIO[:LEVEL1]], where METHOD may end in -BITS (quantized-4,
// joint-2), or alternating[-ROUNDS[:FIRST]].
func ParseCell(s string) (Cell, error) {
	fields := strings.Split(s, ":")
	c := Cell{Method: fields[0]}
	known := []string{Further, Distilled, Quantized, Pruned, Width, Product, RandomTable, Joint, Alternating}
	if at := strings.LastIndex(c.Method, "-"); at > 0 && !slices.Contains(known, c.Method) {
		n, err := strconv.Atoi(c.Method[at+1:])
		if err != nil || n < 1 {
			return c, fmt.Errorf("grid: method %q: want one of %s, with bits or rounds after a dash", fields[0], strings.Join(known, ", "))
		}
		c.Method = c.Method[:at]
		switch c.Method {
		case Alternating:
			c.Rounds = n
		case Product:
			c.Length = n
		case Further, Distilled:
			return c, fmt.Errorf("grid: %q: %s has no bits", s, c.Method)
		default:
			c.Bits = n
			if err := page.Precision(n).Validate(); err != nil {
				return c, fmt.Errorf("grid: %q: %w", s, err)
			}
		}
	}
	if !slices.Contains(known, c.Method) {
		return c, fmt.Errorf("grid: method %q, want one of %s", fields[0], strings.Join(known, ", "))
	}
	if c.Method == Alternating && len(fields) == 2 {
		n, err := strconv.Atoi(fields[1])
		if err != nil || n < 1 || c.Rounds == 0 {
			return c, fmt.Errorf("grid: %q: want %s-ROUNDS:FIRST, both above 0", s, Alternating)
		}
		c.First, fields = n, fields[:1]
	}
	for i, to := range []*float64{&c.Ratio, &c.Level1} {
		if i+1 < len(fields) {
			if v, err := strconv.ParseFloat(fields[i+1], 64); err == nil {
				*to = v
			}
			if !(*to > 0) {
				return c, fmt.Errorf("grid: %q: ratio %q, want a number above 0", s, fields[i+1])
			}
		}
	}
	if len(fields) > 3 || c.Level1 > 0 && c.Level1 < c.Ratio {
		return c, fmt.Errorf("grid: %q: want METHOD:RATIO:LEVEL1, the ratio of level 1 being the larger", s)
	}
	byBudget := slices.Contains([]string{Pruned, Width, RandomTable, Joint}, c.Method)
	if byBudget != (c.Ratio > 0) {
		return c, fmt.Errorf("grid: %q: %s, %s, %s and %s take a ratio, the others none", s, Pruned, Width, RandomTable, Joint)
	}
	if c.Level1 > 0 && c.Method != Joint && c.Method != RandomTable {
		return c, fmt.Errorf("grid: %q: only %s and %s have a level 1 of their own", s, RandomTable, Joint)
	}
	if c.Method == Quantized && c.Bits == 0 {
		return c, fmt.Errorf("grid: %q: want %s-8, -4, -2 or -1", s, Quantized)
	}
	return c, nil
}

// Spec is a grid.
type Spec struct {
	Config pipeline.Config // networks, data, pages, and the schedule of all methods
	Cells  []Cell
	Keys   page.Precision // as budget.Budget.Keys, unless Config has keys itself
	Seeds  []uint64       // of baselines and packing; baselines of seed 1 are those that come with the project, where they do
}

// Validate reports the first thing that cannot work.
func (s Spec) Validate() error {
	if len(s.Cells) == 0 || len(s.Seeds) == 0 {
		return fmt.Errorf("grid: %d methods, %d seeds: want some of each", len(s.Cells), len(s.Seeds))
	}
	if s.Config.Optimization.Method != optimization.JointMethod {
		return fmt.Errorf("grid: the schedule is of method %q, want %s", s.Config.Optimization.Method, optimization.JointMethod)
	}
	if err := s.Config.Validate(); err != nil {
		return err
	}
	g := &Grid{Spec: s}
	names, seeds := map[string]bool{}, map[uint64]bool{}
	for _, seed := range s.Seeds {
		if seed == 0 || seeds[seed] {
			return fmt.Errorf("grid: seed %d is 0 or there twice", seed)
		}
		seeds[seed] = true
	}
	for _, c := range s.Cells {
		if names[c.String()] {
			return fmt.Errorf("grid: %s is there twice", c)
		}
		names[c.String()] = true
		if _, _, err := g.cellConfig(c, s.Seeds[0]); err != nil {
			return fmt.Errorf("grid: %s: %w", c, err)
		}
		if !slices.Contains([]string{Joint, RandomTable, Alternating}, c.Method) {
			m, err := g.method(c)
			if err == nil {
				err = comparison.Validate(m)
			}
			if err != nil {
				return fmt.Errorf("grid: %s: %w", c, err)
			}
		}
	}
	return nil
}

// Options of [Open].
type Options struct {
	Backend  string
	Log      io.Writer
	Progress func(cell string, done, of int, note string) // nil: nothing is told
}

// Grid is a directory of finished and unfinished cells.
type Grid struct {
	Spec    Spec
	Dir     string
	options Options
}

// Open makes a grid in a directory, or goes on with the one that is there. Cells
// that are finished there with the same configuration are not run again.
func Open(dir string, s Spec, o Options) (*Grid, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, string) {}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("grid: %w", err)
	}
	return &Grid{Spec: s, Dir: dir, options: o}, nil
}

// Run runs every cell that is not finished, the reference first. A cell that fails
// does not keep the others from running; the errors are returned together. Nothing runs
// where cells are finished with other data than there are now.
func (g *Grid) Run(ctx context.Context) error {
	if err := g.checkData(ctx); err != nil {
		return err
	}
	cells := g.Spec.Cells
	if !slices.Contains(cells, Cell{Method: Further}) {
		cells = append([]Cell{{Method: Further}}, cells...)
	}
	var failed []string
	for _, seed := range g.Spec.Seeds {
		for _, c := range cells {
			if err := g.run(ctx, c, seed); err != nil {
				if ctx.Err() != nil {
					return err
				}
				failed = append(failed, fmt.Sprintf("%s, seed %d: %v", c, seed, err))
			}
		}
	}
	if failed != nil {
		return fmt.Errorf("grid: %d cells failed:\n%s", len(failed), strings.Join(failed, "\n"))
	}
	return nil
}

// config is the configuration of a seed's runs.
func (g *Grid) config(seed uint64) pipeline.Config {
	c := g.Spec.Config
	c.Seed = seed
	if seed != 1 {
		c.Baseline.Seed = seed
	}
	return c
}

func (g *Grid) path(c Cell, seed uint64) string {
	return filepath.Join(g.seedDir(seed), c.String())
}

const seedPrefix = "seed-"

func (g *Grid) seedDir(seed uint64) string { return filepath.Join(g.Dir, fmt.Sprint(seedPrefix, seed)) }

// networksDir keeps the trained networks of a comparison.
func (g *Grid) networksDir(c Cell, seed uint64) string {
	return filepath.Join(g.path(c, seed), "networks")
}

// open is a pipeline run in a cell's directory; its baselines are shared with the
// other cells of the seed.
func (g *Grid) open(c Cell, config pipeline.Config, seed uint64, speed *pace, watch *stopwatch) (*pipeline.Run, error) {
	teachers := filepath.Join(g.seedDir(seed), "teachers")
	if o := config.Optimization; o.TeacherSteps == o.Steps {
		teachers = g.networksDir(Cell{Method: Further}, seed) // the same training
	}
	return pipeline.Open(filepath.Join(g.path(c, seed), runDir), config, pipeline.Options{
		Backend: g.options.Backend, Log: g.options.Log, Baselines: filepath.Join(g.seedDir(seed), "baselines"), Teachers: teachers,
		Progress: func(stage string, done, of int, note string) {
			if stage == "optimize" && of > 1 {
				speed.at(done)
			}
			watch.tick()
			g.options.Progress(fmt.Sprintf("%s seed %d: %s", c, seed, stage), done, of, note)
		},
	})
}

// networks are the grid's networks.
func (g *Grid) networks() ([]*network.Network, error) {
	return network.Select(network.Ten(), g.Spec.Config.Networks...)
}

// groups are the numbers that related test samples share; recordings where there are
// any, for their segments are related.
func groups(s *datasets.Split) []int32 {
	if s.Groups != nil {
		return s.Groups
	}
	return s.Clips
}
