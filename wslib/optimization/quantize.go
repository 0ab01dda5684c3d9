package optimization

import (
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// quantizer rounds latent page values to the code values of a precision, in steps
// that are a constant times the root mean square of the page's values other than 0: those
// that are 0 are padding, which no network reads (see layout.pack), and would make the step of
// a last page too small.
type quantizer struct{ page.Precision }

// step between code values, for a page whose root mean square is 1: the one of
// least squared error for normally distributed values (J. Max, Quantizing for
// minimum distortion, 1960), 4 bits having 15 levels and 8 bits 255.
func (q quantizer) step() float64 {
	switch q.Bits() {
	case 2:
		return 0.996
	case 4:
		return 0.3534
	}
	return 0.03087
}

// tiny keeps the step of an empty page from 0.
const tiny = 1e-20

// graph rounds pages [P, size]. It returns the values, step times code value, and
// where a latent value is in reach of the code values: there the gradient goes
// straight through.
func (q quantizer) graph(pages *Node) (values, within *Node) {
	if !q.Quantized() {
		return pages, NotEqual(OnesLike(pages), ZerosLike(pages))
	}
	step := MulScalar(rootMeanSquare(pages), q.step())
	codes, within := graphCodes(q.Precision, Div(pages, step))
	return Mul(codes, step), within
}

// rootMeanSquare is that of pages' values other than 0 [P, 1].
func rootMeanSquare(pages *Node) *Node {
	squares := ReduceAndKeep(Mul(pages, pages), ReduceSum, 1)
	used := ConvertDType(NotEqual(pages, ZerosLike(pages)), pages.DType())
	return Sqrt(AddScalar(Div(squares, MaxScalar(ReduceAndKeep(used, ReduceSum, 1), 1)), tiny))
}

// rms is the same on the host.
func rms(p []float32) float64 {
	sum, n := 0.0, 0.0
	for _, v := range p {
		if v != 0 {
			sum, n = sum+float64(v)*float64(v), n+1
		}
	}
	return math.Sqrt(sum/max(1, n) + tiny)
}

// graphCodes are the code values nearest to x, and where x is in reach of them.
func graphCodes(p page.Precision, x *Node) (codes, within *Node) {
	limit := float64(p.Limit())
	codes = Round(x)
	if p == page.Int2 {
		codes = AddScalar(Floor(x), 0.5)
	}
	within = LessOrEqual(Abs(x), MulScalar(OnesLike(x), limit+0.5))
	return MinScalar(MaxScalar(codes, -limit), limit), within
}

// codes replaces one page's latent values by code values and returns the step.
func (q quantizer) codes(p []float32) float32 {
	step := rms(p) * q.step()
	for i, v := range p {
		p[i] = q.Round(float32(float64(v) / step))
	}
	return float32(step)
}

// encode stores a set of float32 in a format: pages as code values, which codes replaces those of a
// page by and returns the step between them, the steps multiplied into the scales. Pages, which are
// counted over shared and all exclusive ones, hold code values already if they are fixed.
func encode(set *page.Set, as page.Format, fixed func(page int) bool,
	codes func(q quantizer, values []float32) float32) {
	next := 0
	round := func(p page.Precision, values []float32) (steps []float32) {
		for one := range slices.Chunk(values, set.Size) {
			step := float32(1)
			if p.Quantized() && !fixed(next) {
				step = codes(quantizer{p}, one)
			}
			steps = append(steps, step)
			next++
		}
		return steps
	}
	ofShared, ofOwn := as.Precisions()
	values := set.SharedValues()
	shared := round(ofShared, values)
	for i := range set.Networks {
		m, own := &set.Networks[i], set.ExclusiveValues(i)
		steps := slices.Concat(shared, round(ofOwn, own))
		for b := range m.Scales {
			m.Scales[b] *= steps[m.Table.Entries[b]]
		}
		m.Exclusive = ofOwn.Pack(own, set.Size)
	}
	set.Pages = ofShared.Pack(values, set.Size)
	as.Size, as.Shared = set.Size, set.Shared
	set.Format = as
}

// checkScales reports a scale of the given networks that its format cannot hold to within a share: its page
// would be executed as another one. What is a millionth of the network's largest is no loss as 0: dead channels
// leave such pages.
func checkScales(set *page.Set, networks []int, within float64) error {
	for _, i := range networks {
		largest := 0.0
		for _, s := range set.Networks[i].Scales {
			largest = max(largest, math.Abs(float64(s)))
		}
		for b, s := range set.Networks[i].Scales {
			r, size := set.ScaleFormat.Round(s), math.Abs(float64(s))
			if math.Abs(float64(r-s)) > within*size && size > largest/1e6 {
				return fmt.Errorf("network %s: the scale of page %d is %v, as %v %v: want another format "+
					"of scales", set.Networks[i].Name, b, s, set.ScaleFormat, r)
			}
		}
	}
	return nil
}

// roundScales rounds network i's scales to their format.
func roundScales(set *page.Set, i int) {
	scales := set.Networks[i].Scales
	for b, s := range scales {
		scales[b] = set.ScaleFormat.Round(s)
	}
}

// keyStep is the step between the latent values of neighbouring keys: a key is the code value
// nearest to its latent value. It is a power of two, so that graphs and Go agree on every quotient.
// 0.1, 0.125 and 0.2 led to the same accuracy, 0.05 to less.
const keyStep = 0.25

// graphKeys gives the keys of latent values [rows, width], and where a latent value is in reach of
// the keys: there the gradient goes straight through.
func graphKeys(p page.Precision, latent *Node) (keys, within *Node) {
	return graphCodes(p, MulScalar(latent, 1/keyStep))
}

// roundKeys replaces latent values by their keys.
func roundKeys(p page.Precision, latent []float32) {
	for i, v := range latent {
		latent[i] = p.Round(v / keyStep)
	}
}

// Untrained stores a plan's pages in a format as they are, without training: each page in the steps of
// least squared error. What shares a page suffers; pages of one network's own lose the rounding
// only. Networks of held, if it is not nil, stay bit for bit as they are stored there. Shared pages that
// no network uses are left out.
func Untrained(plan *overlapping.Plan, held *page.Set, as page.Format) (*page.Set, error) {
	set := plan.Set(false)
	var err error
	if shared, own := as.Precisions(); held != nil {
		set, err = plan.Extend(held, as.KeyPrecision)
	} else if shared.Quantized() || own.Quantized() || as.KeyPrecision != 0 {
		set, err = plan.StartSet(as.KeyPrecision)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	var rounded []int
	for i, m := range set.Networks {
		names = append(names, m.Name)
		if held == nil || held.Index(m.Name) < 0 {
			rounded = append(rounded, i)
		}
	}
	l := newLayout(set, rounded)
	encode(set, as, func(p int) bool { return l.fixed[p] }, quantizer.leastCodes)
	if err := checkScales(set, rounded, 0.05); err != nil {
		return nil, err
	}
	for _, i := range rounded {
		roundScales(set, i)
	}
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set.Keep(names...)
}

// leastCodes replaces a page's values by code values and returns the step: the one of least squared
// error of those between the one that reaches the largest value and a tenth of it.
func (q quantizer) leastCodes(values []float32) float32 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(float64(v)))
	}
	best, least := float32(tiny), math.Inf(1) // of a page of zeros
	for k := range 91 {
		step := float32(largest / float64(q.Limit()) * (1 - 0.01*float64(k)))
		sum := 0.0
		for _, v := range values {
			if d := float64(v) - float64(q.Round(v/step)*step); v != 0 { // else it is padding, see quantizer
				sum += d * d
			}
		}
		if sum < least {
			best, least = step, sum
		}
	}
	for k, v := range values {
		values[k] = q.Round(v / best)
	}
	return best
}
