package grid

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weightsep/wslib/budget"
	"weightsep/wslib/comparison"
	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// The methods. Those with a budget take a packing ratio; the others are as large as
// they are.
const (
	Further     = "further"      // separate networks in float32, the reference
	Distilled   = "distilled"    // the same with distillation from the reference or several of its kind, and mixup
	Quantized   = "quantized"    // separate networks, -8, -4, -2, -1 bits
	Pruned      = "pruned"       // magnitude pruning and int8, by budget
	RandomTable = "random-table" // joint training on a random page table, by budget
	Joint       = "joint"        // weight separation, by budget
	Alternating = "alternating"  // weight separation as in the paper
)

var methods = []string{Further, Distilled, Quantized, Pruned, RandomTable, Joint, Alternating}

// paged tells that a method trains pages, in a run of the pipeline.
func (c Cell) paged() bool {
	return slices.Contains([]string{Joint, RandomTable, Alternating}, c.Method)
}

// Cell is one method at one budget.
type Cell struct {
	Method string  `json:"method"`
	Bits   int     `json:"bits,omitempty"`  // of a value; 0: chosen by the budget
	Ratio  float64 `json:"ratio,omitempty"` // packing ratio in bytes to reach
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
	s := c.Method
	for _, part := range []struct {
		value float64
		unit  string
	}{{float64(c.Bits), "bit"}, {c.Ratio, ""}, {c.Level1, ""}, {float64(c.Rounds), "rounds"}, {float64(c.First), "first"}} {
		if c.Method == Quantized {
			part.unit = ""
		}
		if part.value > 0 {
			s += fmt.Sprintf("-%g%s", part.value, part.unit)
		}
	}
	return s
}

// ParseCell reads METHOD[:RATIO[:LEVEL1]], where METHOD may end in -BITS (quantized-4,
// joint-2), or alternating[-ROUNDS[:FIRST]].
func ParseCell(s string) (Cell, error) {
	fail := func(format string, args ...any) (Cell, error) {
		return Cell{}, fmt.Errorf("grid: %q: %s", s, fmt.Sprintf(format, args...))
	}
	fields := strings.Split(s, ":")
	c, number := Cell{Method: fields[0]}, 0
	if at := strings.LastIndex(c.Method, "-"); at > 0 && !slices.Contains(methods, c.Method) {
		n, err := strconv.Atoi(c.Method[at+1:])
		if err != nil || n < 1 {
			return fail("want one of %s, with bits or rounds after a dash", strings.Join(methods, ", "))
		}
		c.Method, number = c.Method[:at], n
	}
	var values []float64
	for _, f := range fields[1:] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || !(v > 0) {
			return fail("%q, want a number above 0", f)
		}
		values = append(values, v)
	}
	values = append(values, 0, 0)
	most := 0 // numbers after colons
	switch c.Method {
	case Further, Distilled:
		if number > 0 {
			return fail("%s has no bits", c.Method)
		}
	case Alternating:
		c.Rounds, c.First = number, int(values[0])
		if float64(c.First) != values[0] || c.First > 0 && c.Rounds == 0 {
			return fail("want %s-ROUNDS:FIRST, whole numbers above 0", Alternating)
		}
		most = 1
	case Quantized, Pruned, Joint, RandomTable:
		c.Bits, c.Ratio, c.Level1 = number, values[0], values[1]
		switch {
		case c.Method == Quantized && c.Bits == 0:
			return fail("want %s-8, -4, -2 or -1", Quantized)
		case c.Method != Quantized && c.Ratio == 0:
			return fail("want %s:RATIO", c.Method)
		case c.Level1 > 0 && c.Level1 < c.Ratio:
			return fail("the ratio of level 1 is smaller than that of all, want it larger")
		}
		if c.Bits > 0 {
			if err := page.Precision(c.Bits).Validate(); err != nil {
				return fail("%v", err)
			}
		}
		most = map[string]int{Pruned: 1, Joint: 2, RandomTable: 2}[c.Method]
	default:
		return fail("want one of %s", strings.Join(methods, ", "))
	}
	if len(fields)-1 > most {
		return fail("%d numbers after colons, want %d at most: only %s, %s and %s have a ratio, the last two one of level 1",
			len(fields)-1, most, Pruned, RandomTable, Joint)
	}
	return c, nil
}

// series that the cell belongs to in a chart.
func (c Cell) series() string {
	if c.Bits > 0 && c.Method == Joint {
		return fmt.Sprintf("%s, %d bits", c.Method, c.Bits)
	}
	return c.Method
}

// config is the configuration of a cell's run, without what its method does not heed, and
// the plan that its budget became.
func (s Spec) config(c Cell, seed uint64) (pipeline.Config, *budget.Plan, error) {
	config := s.Config
	config.Seed = seed
	if seed != 1 {
		config.BaselineSeed = seed
	}
	switch c.Method {
	case Alternating:
		paper, err := pipeline.Profile("paper")
		if err != nil {
			return config, nil, err
		}
		config.Optimization, config.MaxExclusive = paper.Optimization, paper.MaxExclusive
		config.Placement, config.Loads, config.LoadSpread, config.Doubling = "", nil, 0, false
		if c.Rounds > 0 {
			config.Optimization.Rounds = c.Rounds
			config.Optimization.FirstSteps = cmp.Or(c.First, paper.Optimization.FirstSteps*c.Rounds/paper.Optimization.Rounds)
		}
	case Joint, RandomTable:
		b := budget.Budget{Precision: page.Precision(c.Bits), Keys: s.Keys}
		var err error
		if b.Total, err = s.bytes(c.Ratio); err != nil {
			return config, nil, err
		}
		if b.Level1, err = s.bytes(c.Level1); err != nil {
			return config, nil, err
		}
		plan, err := config.ApplyBudget(b)
		if err != nil {
			return config, nil, err
		}
		if c.Method == RandomTable {
			config.Placement, config.Loads, config.LoadSpread = pipeline.RandomPlacement, nil, 0
		}
		return config, &plan, nil
	default:
		config.Placement, config.Loads, config.LoadSpread = "", nil, 0
		o := &config.Optimization
		o.Precision, o.ExclusivePrecision, o.ScaleFormat, o.ScaleRate = 0, 0, "", 0
		o.LossWeights, o.Sample, o.RoundBy, o.PageRate = nil, 0, 0, 0
		o.Start = string(overlapping.NormalizedPages) // as profiles have it: there are no pages to start from
		if c.Method == Further {
			o.Distillation, o.Temperature, o.TeacherSteps, o.Teachers, o.Dropouts, o.Mixups = 0, 0, 0, 0, nil, nil
		}
	}
	return config, nil, nil
}

// method of package comparison that a cell without pages is, sized for its budget.
func (s Spec) method(c Cell) (comparison.Method, error) {
	switch c.Method {
	case Further, Distilled:
		return comparison.Further{}, nil
	case Quantized:
		return comparison.Quantized{Bits: c.Bits}, nil
	case Pruned:
		nets, err := s.networks()
		if err != nil {
			return nil, err
		}
		total, err := s.bytes(c.Ratio)
		if err != nil {
			return nil, err
		}
		bits := cmp.Or(c.Bits, 8)
		keep, err := comparison.KeepFor(nets, bits, total)
		return comparison.Pruned{Bits: bits, Keep: keep}, err
	}
	return nil, fmt.Errorf("grid: no method %q", c.Method)
}

func (s Spec) networks() ([]*network.Network, error) {
	return network.Select(network.Ten(), s.Config.Networks...)
}

// bytes of a packing ratio; 0 for none.
func (s Spec) bytes(ratio float64) (int, error) {
	if ratio == 0 {
		return 0, nil
	}
	nets, err := s.networks()
	if err != nil {
		return 0, err
	}
	var weights []int
	for _, n := range nets {
		weights = append(weights, n.Weights())
	}
	return budget.Ratio(weights, ratio)
}
