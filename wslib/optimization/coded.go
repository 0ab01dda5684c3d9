package optimization

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/entropy"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Coding says that [Separate] stores a network entropy-coded, see package entropy. Its pages but the
// exclusive ones are rounded to multiples of a step, most of them to 0: the step is the root mean square
// of the page times a factor over the square root of the page's load. The factor is the least at which
// the network takes no more than Bytes. It follows the weights with each validation.
type Coding struct {
	Bytes int       // of code values and scales, at most; [Allot] chooses it
	Loads []float64 // of each page, above 0: steps are finer where loads are larger
}

// check returns an error for a set that cannot be stored so.
func (c Coding) check(set *page.Set, as page.Format) error {
	if len(set.Networks) != 1 || as.Precision != page.Int8 || as.ScaleFormat != page.ScaleLog8 {
		return fmt.Errorf("entropy-coded pages of %d networks, %v, with scales of %s, want those of one, %v, %s",
			len(set.Networks), as.Precision, as.ScaleFormat, page.Int8, page.ScaleLog8)
	}
	if pages := len(set.Networks[0].Table.Entries); len(c.Loads) != pages ||
		slices.ContainsFunc(c.Loads, func(l float64) bool { return !(l > 0) }) {
		return fmt.Errorf("loads %v, want %d above 0", c.Loads, pages)
	}
	return nil
}

// zone is by how many steps more than a half a value must be from 0 to become another code value: those
// cost bytes.
const zone = 0.1

// coarse is [quantizer.graph] in steps that are the factors of pages [P] times their root mean square.
func (q quantizer) coarse(pages, factors *Node) (values, within *Node) {
	step := Mul(rootMeanSquare(pages), InsertAxes(factors, -1))
	x := Div(pages, step)
	limit := float64(q.Limit())
	size := MinScalar(Floor(AddScalar(Abs(x), 0.5-zone)), limit)
	return Mul(Mul(Sign(x), size), step), LessOrEqual(Abs(x), MulScalar(OnesLike(x), limit+0.5))
}

// coarseCodes is [quantizer.codes] in such steps.
func (q quantizer) coarseCodes(p []float32, factor float32) float32 {
	step := rms(p) * float64(factor)
	for i, v := range p {
		x := float64(v) / step
		size := min(math.Floor(math.Abs(x)+0.5-zone), float64(q.Limit()))
		p[i] = float32(math.Copysign(size, x))
		if size == 0 {
			p[i] = 0 // not -0, which is not stored
		}
	}
	return float32(step)
}

// factors are those of the shared pages of a set of one network.
func (c Coding) factors(set *page.Set, factor float64) []float32 {
	f := slices.Repeat([]float32{float32(factor)}, set.Shared)
	for b, e := range set.Networks[0].Table.Entries {
		if int(e) < set.Shared {
			f[e] = float32(factor / math.Sqrt(c.Loads[b]))
		}
	}
	return f
}

// fit is the least factor with which networks take no more bytes, and what each then takes; taken gives
// that. It nearly falls as the factor rises: the factor is one that was tried.
func fit(bytes int, taken func(factor float64) []int) (factor float64, each []int, err error) {
	total := func(each []int) (sum int) {
		for _, n := range each {
			sum += n
		}
		return sum
	}
	low, high := -4.0, 12.0 // as powers of 2: finer than 8 bits, and nothing but 0
	factor = math.Exp2(high)
	if each = taken(factor); total(each) > bytes {
		return 0, nil, fmt.Errorf("entropy-coded pages take %d bytes if all but exclusive ones are 0, want "+
			"that much at least, not %d", total(each), bytes)
	}
	for range 14 {
		middle := (low + high) / 2
		if n := taken(math.Exp2(middle)); total(n) <= bytes {
			factor, each, high = math.Exp2(middle), n, middle
		} else {
			low = middle
		}
	}
	return factor, each, nil
}

// DivideBytes shares bytes out between the codings of tasks: each gets what its network takes at its start,
// with one factor for all with which they together take no more. The networks' states count, too.
func DivideBytes(tasks []Task, starts []network.Values, as page.Format, total int) error {
	sets := make([]*page.Set, len(tasks))
	for i, t := range tasks {
		var err error
		if sets[i], err = alone(t, starts[i], as); err != nil {
			return fmt.Errorf("network %s: %w", t.Network.Name, err)
		}
		total -= 4 * len(starts[i].State)
	}
	_, bytes, err := fit(total, func(factor float64) (taken []int) {
		for i, t := range tasks {
			taken = append(taken, len(t.packed(sets[i], as, t.Coding.factors(sets[i], factor))))
		}
		return taken
	})
	for i := range bytes {
		tasks[i].Coding.Bytes = bytes[i]
	}
	return err
}

// packed is a set of float32 with the task's network alone, coded in a format with the factors of its
// shared pages.
func (t Task) packed(set *page.Set, as page.Format, factors []float32) []byte {
	set = set.Clone()
	as.Shared = set.Shared
	encode(set, as, func(int) bool { return false }, coarsely(factors))
	roundScales(set, 0)
	return entropy.Encode(t.parts(set))
}

// coarsely gives code values for [encode] with the factors of shared pages; nil: the steps of least error.
func coarsely(factors []float32) func(page int, q quantizer, values []float32) float32 {
	return func(p int, q quantizer, values []float32) float32 {
		if p < len(factors) {
			return q.coarseCodes(values, factors[p])
		}
		return q.codes(values)
	}
}

// The kinds of what is coded.
const (
	sharedKind = iota
	exclusiveKind
	scaleKind
)

// parts are the code values of a set of the task's network alone, layer after layer, shared and exclusive
// pages apart, then scales: the differences of their bytes, see [page.ScaleLog8].
func (t Task) parts(set *page.Set) []entropy.Part {
	var parts []entropy.Part
	shared, own := set.SharedValues(), set.ExclusiveValues(0)
	t.eachRun(set, shared, own, func(kind int, l network.Layer, first int, values []float32) {
		codes := make([]int8, len(values))
		for i, v := range values {
			codes[i] = int8(v)
		}
		if n := len(parts); n > 0 && parts[n-1].Kind == kind && first > 0 {
			parts[n-1].Values = append(parts[n-1].Values, codes...)
			return
		}
		shape := append([]int{1}, l.Shape...)
		parts = append(parts, entropy.Part{Kind: kind, Shape: shape, First: first, Values: codes})
	})
	scales := make([]int8, len(set.Networks[0].Scales))
	last := 0
	for i, b := range set.ScaleFormat.Pack(set.Networks[0].Scales) {
		rank := signedRank(b)
		scales[i] = int8((rank-last+127+255)%255 - 127)
		last = rank
	}
	return append(parts, entropy.Part{Kind: scaleKind, Shape: []int{len(scales)}, Values: scales})
}

// signedRank is -127 to 127 of the byte of a scale, byteOf its inverse.
func signedRank(b byte) int {
	if b >= 0x80 {
		return -int(b & 0x7f)
	}
	return int(b)
}

func byteOf(rank int) byte {
	if rank < 0 {
		return byte(-rank) | 0x80
	}
	return byte(rank)
}

// eachRun visits the runs of values of the network's layers on one page each, in a set's shared and
// exclusive pages; first is the run's place in its layer.
func (t Task) eachRun(set *page.Set, shared, own []float32,
	visit func(kind int, l network.Layer, first int, values []float32)) {
	layers := slices.Clone(t.Network.Layers())
	slices.SortStableFunc(layers, func(a, b network.Layer) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, l := range layers {
		for at := l.Offset; at < l.Offset+l.Size(); {
			b := at / set.Size
			end := min((b+1)*set.Size, l.Offset+l.Size())
			kind, from, e := sharedKind, shared, int(set.Networks[0].Table.Entries[b])
			if e >= set.Shared {
				kind, from, e = exclusiveKind, own, e-set.Shared
			}
			visit(kind, l, at-l.Offset, from[(e-b)*set.Size+at:(e-b)*set.Size+end])
			at = end
		}
	}
}

// unpacked is a set like one of the task's network alone, with the code values and scales that bytes
// hold.
func (t Task) unpacked(like *page.Set, data []byte) (*page.Set, error) {
	set := like.Clone()
	m := &set.Networks[0]
	clear(set.Pages)
	clear(m.Exclusive)
	clear(m.Scales)
	parts := t.parts(set)
	if err := entropy.Decode(parts, data); err != nil {
		return nil, err
	}
	left := parts
	shared, own := set.SharedValues(), set.ExclusiveValues(0)
	t.eachRun(set, shared, own, func(_ int, _ network.Layer, _ int, values []float32) {
		if len(left[0].Values) == 0 {
			left = left[1:]
		}
		for i := range values {
			values[i] = float32(left[0].Values[i])
		}
		left[0].Values = left[0].Values[len(values):]
	})
	ofShared, ofOwn := set.Precisions()
	set.Pages, m.Exclusive = ofShared.Pack(shared, set.Size), ofOwn.Pack(own, set.Size)
	rank := 0
	var scales []byte
	for _, d := range parts[len(parts)-1].Values {
		rank = (rank+int(d)+127+255)%255 - 127
		scales = append(scales, byteOf(rank))
	}
	m.Scales = set.ScaleFormat.Unpack(scales)
	return set, set.Validate()
}
