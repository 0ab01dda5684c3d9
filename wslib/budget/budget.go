// Package budget turns bytes into pages: given what all networks together may take,
// it chooses the number of shared pages, the number of exclusive pages, the
// precision of page values and the format of scales.
package budget

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"weightsep/wslib/page"
)

// Budget is what a set of networks may take, in bytes. Pages, page tables, scales and keys
// are counted, as in [page.Set.Stored].
type Budget struct {
	Total int // everything that is stored

	Precision          page.Precision   // of the values of shared pages; 0: chosen
	ExclusivePrecision page.Precision   // of those of exclusive pages; 0: chosen
	ScaleFormat        page.ScaleFormat // of scales; "": chosen
	Keys               page.Precision   // of the networks' own keys, see [page.Table.PackKeys]; 0: chosen

	// Loads say how exclusive pages are shared out between the networks, one for each,
	// above 0; nil: equally.
	Loads []float64

	// Held is what networks take that are packed already and stay as they are. Total is for
	// them, too; precisions and format of scales must be theirs.
	Held Held
}

// NoKeys as [Budget.Keys] rules keys out.
const NoKeys page.Precision = -1

// Plan is a choice that keeps to a budget.
type Plan struct {
	page.Format       // Shared counts those that held networks use, too
	Exclusive   []int // exclusive pages of each network but held ones, at most; 1 at least, or none of all
	Bytes       int   // total that is stored, at most
	Level1      int   // of it in device memory

	held Held
}

// Ratio is the budget's total for a packing ratio in bytes: what float32 weights
// take, divided by ratio. weights are the networks' numbers of weights.
func Ratio(weights []int, ratio float64) (int, error) {
	separate := float64(4 * sum(weights))
	if !(ratio > 0 && ratio <= separate) {
		return 0, fmt.Errorf("budget: packing ratio %v, want more than 0 and a byte left", ratio)
	}
	return int(separate / ratio), nil
}

// crowded is the mean number of pages on a shared page up to which a precision is
// worth its bytes: beyond it, half the bits for twice the pages, or a page for each,
// gave the better accuracy (results/optimization.md).
var crowded = []struct {
	precision page.Precision
	pages     float64
}{{page.Float32, 1}, {page.Int8, 1}, {page.Int4, 1.5}, {page.Int2, 0}}

// exclusivePages is how many pages of a network are exclusive on average: enough for biases and first
// convolutions (results/optimization.md).
const exclusivePages = 3

// Choose fits networks with the given numbers of weights into a budget.
//
// A few pages of each network are exclusive, more of those with a larger load, fewer where they would take
// more than a quarter of the budget. Where shared pages are quantized they are in 8 bits if that takes no
// more than a fifth of the budget, else in 4. The rest goes to shared pages, at most one for each page of
// the networks, and what is left then to more exclusive pages where these have more bits. Precision falls
// as shared pages fill up, and 8-bit logarithmic scales replace float32 ones where shared pages have 8
// bits or fewer. Where float32 pages are shared by two or more on average, networks have keys, in level 2,
// unless those would take more than two fifths of the budget. It is an error if not one shared page fits.
func Choose(weights []int, pageSize int, b Budget) (Plan, error) {
	f := page.Format{Size: pageSize, Shared: 1, Precision: b.Precision, ScaleFormat: b.ScaleFormat,
		ExclusivePrecision: b.ExclusivePrecision, KeyPrecision: max(0, b.Keys)}
	if err := f.Validate(); err != nil {
		return Plan{}, fmt.Errorf("budget: %w", err)
	}
	if len(weights) == 0 {
		return Plan{}, errors.New("budget: no networks")
	}
	if b.Loads == nil {
		b.Loads = slices.Repeat([]float64{1}, len(weights))
	}
	if len(b.Loads) != len(weights) ||
		slices.ContainsFunc(b.Loads, func(l float64) bool { return !(l > 0) }) {
		return Plan{}, fmt.Errorf("budget: loads %v, want %d above 0", b.Loads, len(weights))
	}
	if b.Held != (Held{}) &&
		(b.Precision == 0 || b.ExclusivePrecision == 0 || b.ScaleFormat == "") {
		return Plan{}, errors.New("budget: beside packed networks want their precisions and scales")
	}
	n := networks{size: pageSize, loads: b.Loads}
	for _, w := range weights {
		n.of = append(n.of, page.Count(w, pageSize))
	}
	n.pages = sum(n.of)
	if b.Precision != 0 {
		p, err := n.fit(b.Precision, b)
		if err != nil || b.Keys != 0 || b.Held != (Held{}) || b.Precision.Quantized() ||
			n.sharing(p) < keyed {
			return p, err
		}
		b.Keys = page.Int2
		if q, err := n.fit(b.Precision, b); err == nil && float64(n.keys(q)) <= keyShare*float64(b.Total) {
			return q, nil
		}
		return p, nil // there is no room for keys
	}
	var best Plan
	var failed error
	for _, c := range crowded {
		p, err := n.fit(c.precision, b)
		if failed = err; err == nil {
			best = p
			if n.sharing(p) <= c.pages {
				break
			}
		}
	}
	if best.Shared == 0 {
		return best, failed
	}
	return best, nil
}

// keyed is the mean number of pages on a float32 shared page from which on networks keep
// keys of their own: two bits for 32, in a budget of a sixth worth points
// (results/optimization.md), where they take no more than keyShare of the budget, which
// was tried at 36 % only.
const (
	keyed    = 2
	keyShare = 0.4
)

// sharing is the mean number of pages on a shared page of a plan.
func (n networks) sharing(p Plan) float64 {
	return float64(n.pages-sum(p.Exclusive)) / float64(p.Shared-p.held.Shared)
}

type networks struct {
	of    []int // pages of each
	pages int   // of all
	size  int
	loads []float64 // of each
}

// share gives at most the given number of exclusive pages to the networks, one to each
// and the others one by one to the network with the largest load for each page that it
// would have (D'Hondt); none if there is not one for each.
func (n networks) share(exclusive int) []int {
	own := make([]int, len(n.of))
	if exclusive < len(own) {
		return own
	}
	for i := range own {
		own[i] = min(1, n.of[i])
	}
	for left := exclusive - sum(own); left > 0; left-- {
		most, to := 0.0, -1
		for i, k := range own {
			if load := n.loads[i] / float64(k+1); load > most && k < n.of[i] {
				most, to = load, i
			}
		}
		if to < 0 {
			break // every page is exclusive
		}
		own[to]++
	}
	return own
}

func (n networks) fit(precision page.Precision, b Budget) (Plan, error) {
	scales := page.ScaleFloat32
	if precision.Bits() <= 8 {
		scales = page.ScaleLog8
	}
	p := Plan{held: b.Held, Format: page.Format{Size: n.size,
		Precision: precision, ExclusivePrecision: precision,
		ScaleFormat: cmp.Or(b.ScaleFormat, scales), KeyPrecision: max(0, b.Keys)}}
	// Entries of a table take one byte as long as they suffice.
	var err error
	for _, width := range []int{1, 2, 4} {
		if p, err = n.fill(p, b, width); err != nil || p.entries() <= 1<<(8*width) {
			break
		}
		if width > 1 {
			continue
		}
		// With two bytes there may be room for fewer pages than one byte can name.
		over := p.entries() - 256
		if q, err := n.fill(p, b, 2); over < p.Shared-p.held.Shared && (err != nil || q.entries() < 256) {
			p.Bytes -= over * precision.Bytes(n.size)
			p.Level1 -= over * precision.Bytes(n.size)
			p.Shared -= over
			break
		}
	}
	return p, err
}

// KeysText says which keys networks have, as an end to what is said of their pages.
func (p Plan) KeysText() string {
	if p.KeyPrecision == 0 {
		return ""
	}
	return fmt.Sprintf(", a key of %d bits for each weight", p.KeyPrecision.Bits())
}

// ExclusiveRange is the fewest and the most exclusive pages of a network, as in 1 to 8.
func (p Plan) ExclusiveRange() string {
	least, most := slices.Min(p.Exclusive), slices.Max(p.Exclusive)
	if least == most {
		return fmt.Sprint(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// entries is how many pages the largest table tells apart.
func (p Plan) entries() int { return p.Shared + max(slices.Max(p.Exclusive), p.held.Most) }

// fill is the plan with table entries of the given number of bytes.
func (n networks) fill(p Plan, b Budget, width int) (Plan, error) {
	size := p.Precision.Bytes(n.size)
	beside := p.ScaleFormat.Bytes() + width // bytes of each page in tables and scales
	fixed := n.pages * beside
	heldLevel1 := p.held.Shared*size + p.held.Pages*beside
	held := heldLevel1 + p.held.Keys +
		p.held.Exclusive*cmp.Or(b.ExclusivePrecision, p.Precision).Bytes(n.size)
	b.Total -= held
	average := exclusivePages
	// One page at least is left to share.
	p.Exclusive = n.share(min(average*len(n.of), n.pages-1))
	if p.Precision.Quantized() {
		if p.ExclusivePrecision = max(page.Int8, p.Precision); n.exclusive(p) > b.Total/5 {
			p.ExclusivePrecision = page.Int4
		}
	}
	p.ExclusivePrecision = cmp.Or(b.ExclusivePrecision, p.ExclusivePrecision)
	for average > 0 && n.exclusive(p) > b.Total/4 {
		average--
		p.Exclusive = n.share(min(average*len(n.of), n.pages-1))
	}
	level1 := b.Total - n.exclusive(p) - n.keys(p)
	p.Shared = min((level1-fixed)/size, n.pages-sum(p.Exclusive))
	if more := p.ExclusivePrecision.Bytes(n.size) - size; more > 0 &&
		p.Shared == n.pages-sum(p.Exclusive) { // nothing is shared, and bytes are left
		left := level1 - fixed - p.Shared*size
		if own := sum(p.Exclusive) + left/more; own < n.pages { // else the precision was asked for
			p.Exclusive = n.share(own)
			p.Shared = n.pages - sum(p.Exclusive)
		}
	}
	if p.Shared < 1 {
		err := fmt.Errorf("budget: %d bytes in level 1, tables and scales of %d pages take %d, "+
			"a page of %v %d", level1, n.pages, fixed, p.Precision, size)
		if p.KeyPrecision != 0 {
			err = fmt.Errorf("%w, beside keys of %v of %d bytes", err, p.KeyPrecision, n.keys(p))
		}
		return Plan{}, err
	}
	p.Level1 = fixed + p.Shared*size
	p.Bytes = p.Level1 + n.exclusive(p) + n.keys(p)
	p.Shared += p.held.Shared
	p.Level1 += heldLevel1
	p.Bytes += held
	return p, nil
}

func (n networks) exclusive(p Plan) int { return sum(p.Exclusive) * p.ExclusivePrecision.Bytes(n.size) }

func (n networks) keys(p Plan) int {
	if p.KeyPrecision == 0 {
		return 0
	}
	return (n.pages - sum(p.Exclusive)) * p.KeyPrecision.Bytes(n.size)
}

func sum(v []int) int {
	total := 0
	for _, n := range v {
		total += n
	}
	return total
}

// Held counts pages of networks that are packed already.
type Held struct {
	Pages     int // of all networks: entries of tables, and scales
	Shared    int // shared pages that they use
	Exclusive int // exclusive pages of all
	Most      int // exclusive pages of the network that has most
	Keys      int // bytes of the keys of all
}

// HeldBy counts what the networks of a set use.
func HeldBy(s *page.Set) Held {
	h := Held{Shared: s.Shared}
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		h.Pages += len(m.Table.Entries)
		h.Keys += len(m.Keys)
		h.Exclusive, h.Most = h.Exclusive+own, max(h.Most, own)
	}
	return h
}
