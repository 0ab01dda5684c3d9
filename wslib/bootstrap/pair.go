package bootstrap

import "fmt"

// Pair tells of each test sample whether it was classified correctly by the separate
// network and, after packing, by the weight-separated one.
type Pair struct {
	Before, After []bool
}

// Counts are the samples of a [Pair] by what became of them. They are exact; Both and
// Neither say nothing about the change.
type Counts struct {
	Both, OnlyBefore, OnlyAfter, Neither int
}

// Counts counts the samples. It is an error if there are none, or not as many before as after.
func (p Pair) Counts() (Counts, error) {
	if err := p.check(); err != nil {
		return Counts{}, fmt.Errorf("bootstrap: %w", err)
	}
	var c Counts
	for i, before := range p.Before {
		switch after := p.After[i]; {
		case before && after:
			c.Both++
		case before:
			c.OnlyBefore++
		case after:
			c.OnlyAfter++
		default:
			c.Neither++
		}
	}
	return c, nil
}

// Samples is the number of all.
func (c Counts) Samples() int { return c.Both + c.OnlyBefore + c.OnlyAfter + c.Neither }

// Change is that of the accuracy, in points; 0 without samples.
func (c Counts) Change() float64 {
	return 100 * float64(c.OnlyAfter-c.OnlyBefore) / float64(max(1, c.Samples()))
}

func (p Pair) check() error {
	if len(p.Before) != len(p.After) {
		return fmt.Errorf("%d samples before and %d after", len(p.Before), len(p.After))
	}
	if len(p.Before) == 0 {
		return fmt.Errorf("no samples")
	}
	return nil
}
