package grid

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"weightsep/wslib/budget"
	"weightsep/wslib/gridtable"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// Methods. Those by budget take a packing ratio; the others are as large as they are.
const (
	Further     = gridtable.Further // separate networks in float32, the reference
	Distilled   = "distilled"       // the same, distilled from the reference and with mixup
	Quantized   = "quantized"       // separate networks, -8, -4, -2 bits, exclusive pages in 8
	RandomTable = "random-table"    // joint training on a random page table, by budget
	Joint       = "joint"           // weight separation, by budget
	Alternating = "alternating"     // weight separation as in the paper
)

// Cell is one method at one budget.
type Cell struct {
	Method string  `json:"method"`
	Bits   int     `json:"bits,omitempty"`   // of a value; 0: chosen by the budget
	Ratio  float64 `json:"ratio,omitempty"`  // packing ratio in bytes to reach
	Rounds int     `json:"rounds,omitempty"` // of the alternating schedule, 100 in full
}

// String names the cell in files and tables: joint-80, quantized-4, joint-4bit-32.
func (c Cell) String() string {
	s := c.Method
	for _, part := range []struct {
		value float64
		unit  string
	}{
		{float64(c.Bits), "bit"}, {c.Ratio, ""},
		{float64(c.Rounds), "rounds"},
	} {
		if c.Method == Quantized {
			part.unit = ""
		}
		if part.value > 0 {
			s += fmt.Sprintf("-%g%s", part.value, part.unit)
		}
	}
	return s
}

// cellForm is how a cell is written.
var cellForm = regexp.MustCompile(
	`^(?:(further|distilled)|(quantized)-(\d{1,9})` +
		`|(joint|random-table)(?:-(\d{1,9}))?:([\d.]+)` +
		`|(alternating)(?:-(\d{1,9}))?)$`)

// ParseCell reads METHOD[-BITS][:RATIO], as joint-2:32, or alternating[-ROUNDS].
func ParseCell(s string) (c Cell, err error) {
	m := cellForm.FindStringSubmatch(s)
	if m == nil {
		return c, fmt.Errorf("grid: method %q, want further, distilled, quantized-BITS, "+
			"random-table[-BITS]:RATIO, joint[-BITS]:RATIO or alternating[-ROUNDS]", s)
	}
	number := func(text string) (v float64) {
		if text != "" && err == nil {
			if v, err = strconv.ParseFloat(text, 64); err == nil && !(v > 0) {
				err = fmt.Errorf("%q is not above 0", text)
			}
		}
		return v
	}
	c = Cell{Method: m[1] + m[2] + m[4] + m[7], Bits: int(number(m[3] + m[5])),
		Ratio: number(m[6]), Rounds: int(number(m[8]))}
	if err == nil && c.Bits > 0 {
		err = page.Precision(c.Bits).Validate()
	}
	if err != nil {
		return Cell{}, fmt.Errorf("grid: method %q: %w", s, err)
	}
	return c, nil
}

// allot is what takes pages from a budget: [pipeline.Allot], or only looks whether it can be done. Without a
// budget it gives what separate networks have of it, mixup and dropout.
type allot func(*pipeline.Config, budget.Budget) (budget.Plan, error)

// unlooked allots without looking at networks and data.
func unlooked(c *pipeline.Config, b budget.Budget) (plan budget.Plan, err error) {
	if b.Total > 0 {
		plan, err = c.ApplyBudget(nil, b)
	}
	return plan, err
}

// config is what a cell's run has of a configuration that its method heeds, and the plan of its budget.
func (s Spec) config(c Cell, seed uint64, allot allot) (pipeline.Config, *budget.Plan, error) {
	config := s.Config
	config.Seed = seed
	if seed != 1 {
		config.Baseline.Seed = seed
	}
	neutral, err := pipeline.Profile("paper")
	if err != nil {
		return config, nil, err
	}
	switch c.Method {
	case Alternating:
		o := &config.Optimization
		neutral.Pages.Size = config.Pages.Size
		*o, config.Pages, config.Pilot = neutral.Optimization, neutral.Pages, 0
		if c.Rounds > 0 {
			o.FirstSteps = o.FirstSteps * c.Rounds / o.Rounds
			o.Rounds = c.Rounds
		}
		return config, nil, nil
	case Joint, RandomTable:
		b := budget.Budget{Precision: page.Precision(c.Bits), Keys: s.Keys}
		if b.Total, err = config.Budget(nil, c.Ratio); err != nil {
			return config, nil, err
		}
		plan, err := allot(&config, b)
		if c.Method == RandomTable {
			p := &config.Pages
			p.Placement, p.Load, p.LoadSpread = pipeline.RandomPlacement, neutral.Pages.Load, 0
		}
		return config, &plan, err
	case Further:
		o := config.Optimization
		config.Pages, config.Optimization, config.Pilot = neutral.Pages, o.Reference(o.Steps), 0
		return config, nil, nil
	}
	// What is not shared needs no room beside others.
	if _, err := allot(&config, budget.Budget{}); err != nil {
		return config, nil, err
	}
	config.Pilot = 0
	switch c.Method {
	case Quantized:
		// Room for every page: the budget chooses exclusive pages and precisions alone.
		plan, err := config.ApplyBudget(nil, budget.Budget{Total: math.MaxInt32,
			Precision: page.Precision(c.Bits)})
		return config, &plan, err
	default:
		config.Pages, config.Optimization = neutral.Pages, config.Optimization.Separate()
	}
	return config, nil, nil
}
