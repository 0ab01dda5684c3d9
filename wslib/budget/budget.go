// Package budget turns bytes into pages: given what all networks together may take,
// it chooses the number of shared pages, the number of exclusive pages, the
// precision of page values and the format of scales.
package budget

import (
	"fmt"

	"weightsep/wslib/page"
)

// Budget is what a set of networks may take, in bytes. Pages, page tables and scales
// are counted, as in [page.Set.Stored].
type Budget struct {
	Total  int // everything that is stored
	Level1 int // of it in device memory: shared pages, tables, scales; 0: all of it, so that no page is exclusive

	Precision   page.Precision   // of page values; 0: chosen
	ScaleFormat page.ScaleFormat // of scales; "": chosen
}

// Plan is a choice that keeps to a budget.
type Plan struct {
	Shared      int // shared pages
	Exclusive   int // exclusive pages of each network
	Precision   page.Precision
	ScaleFormat page.ScaleFormat
	Bytes       int // total that is stored
	Level1      int // of it in device memory
}

// Ratio is the budget's total for a packing ratio in bytes: what float32 weights
// take, divided by ratio. weights are the networks' numbers of weights.
func Ratio(weights []int, ratio float64) (int, error) {
	if !(ratio > 0) {
		return 0, fmt.Errorf("budget: packing ratio %v, want more than 0", ratio)
	}
	return int(float64(4*sum(weights)) / ratio), nil
}

// crowded is the mean number of pages on a shared page up to which a precision is
// worth its bytes: beyond it, half the bits for twice the pages gave the better
// accuracy (results/optimization.md). 1 bit is never chosen: with it some networks
// stop learning.
var crowded = []struct {
	precision page.Precision
	pages     float64
}{{page.Float32, 1}, {page.Int8, 1.5}, {page.Int4, 2.5}, {page.Int2, 0}}

// Choose fits networks with the given numbers of weights into a budget.
//
// As many shared pages as fit are taken, at most one for each page of the networks;
// what Level1 leaves of Total goes to exclusive pages, the same number for each
// network. Precision falls as shared pages fill up, and 8-bit logarithmic scales
// replace float32 ones where pages are quantized. It is an error if not one shared
// page fits.
func Choose(weights []int, pageSize int, b Budget) (Plan, error) {
	if pageSize < 1 || len(weights) == 0 {
		return Plan{}, fmt.Errorf("budget: %d networks in pages of %d, want one and 1 at least", len(weights), pageSize)
	}
	if b.Level1 > b.Total {
		return Plan{}, fmt.Errorf("budget: %d bytes in level 1 of %d in all", b.Level1, b.Total)
	}
	if err := b.Precision.Validate(); err != nil {
		return Plan{}, fmt.Errorf("budget: %w", err)
	}
	pages := 0
	for _, n := range weights {
		pages += page.Count(n, pageSize)
	}
	var last error
	for _, c := range crowded {
		if b.Precision != 0 && c.precision != b.Precision {
			continue
		}
		p, err := fit(pages, len(weights), pageSize, c.precision, b)
		if err != nil {
			last = err
			continue
		}
		sharing := float64(pages-p.Exclusive*len(weights)) / float64(p.Shared)
		if b.Precision != 0 || c.pages == 0 || sharing <= c.pages {
			return p, nil
		}
	}
	if b.Precision != 0 && last == nil {
		return fit(pages, len(weights), pageSize, b.Precision, b)
	}
	return Plan{}, last
}

// fit is the plan of one precision.
func fit(pages, networks, pageSize int, precision page.Precision, b Budget) (Plan, error) {
	p := Plan{Precision: precision, ScaleFormat: b.ScaleFormat}
	if p.ScaleFormat == "" {
		p.ScaleFormat = page.ScaleFloat32
		if precision.Quantized() {
			p.ScaleFormat = page.ScaleLog8
		}
	}
	level1 := b.Level1
	if level1 == 0 {
		level1 = b.Total
	}
	size := precision.Bytes(pageSize)
	// The tables grow with the number of shared pages; try the largest entries first.
	for _, width := range []int{1, 2, 4} {
		fixed := pages * (p.ScaleFormat.Bytes() + width)
		p.Shared = min((level1-fixed)/size, pages)
		if p.Shared < 1 {
			return Plan{}, fmt.Errorf("budget: %d bytes in level 1, tables and scales of %d pages take %d and a shared page of %v %d", level1, pages, fixed, precision, size)
		}
		p.Exclusive = max(0, (b.Total-fixed-p.Shared*size)/size/networks)
		if b.Level1 == 0 {
			p.Exclusive = 0
		}
		p.Level1 = fixed + p.Shared*size
		p.Bytes = p.Level1 + p.Exclusive*networks*size
		if entries := p.Shared + p.Exclusive; width == 4 || entries <= 1<<(8*width) {
			break
		}
		if width == 1 && (level1-pages*(p.ScaleFormat.Bytes()+2))/size < 256 {
			// Between the two: with entries of one byte there are just 256 pages.
			p.Shared = 256 - p.Exclusive
			p.Level1 = fixed + p.Shared*size
			p.Bytes = p.Level1 + p.Exclusive*networks*size
			break
		}
	}
	return p, nil
}

func sum(v []int) int {
	total := 0
	for _, n := range v {
		total += n
	}
	return total
}
