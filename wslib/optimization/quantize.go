package optimization

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

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
	squares := ReduceAndKeep(Mul(pages, pages), ReduceSum, 1)
	used := ConvertDType(NotEqual(pages, ZerosLike(pages)), pages.DType())
	mean := Div(squares, MaxScalar(ReduceAndKeep(used, ReduceSum, 1), 1))
	step := MulScalar(Sqrt(AddScalar(mean, tiny)), q.step())
	scaled := Div(pages, step)
	limit := float64(q.Limit())
	code := Round(scaled)
	if q.Precision == page.Int2 {
		code = AddScalar(Floor(scaled), 0.5)
	}
	within = LessOrEqual(Abs(scaled), MulScalar(OnesLike(scaled), limit+0.5))
	return Mul(MinScalar(MaxScalar(code, -limit), limit), step), within
}

// codes replaces one page's latent values by code values and returns the step.
func (q quantizer) codes(p []float32) float32 {
	sum, n := 0.0, 0.0
	for _, v := range p {
		if v != 0 {
			sum, n = sum+float64(v)*float64(v), n+1
		}
	}
	step := math.Sqrt(sum/max(1, n)+tiny) * q.step()
	for i, v := range p {
		p[i] = q.Round(float32(float64(v) / step))
	}
	return float32(step)
}

// pages replaces the values of pages by code values and returns each page's step, 1
// of float32 and of fixed pages, which hold code values already. fixed may be nil.
func (q quantizer) pages(values []float32, size int, fixed []bool) []float32 {
	steps := make([]float32, len(values)/size)
	for p := range steps {
		steps[p] = 1
		if q.Quantized() && (fixed == nil || !fixed[p]) {
			steps[p] = q.codes(values[p*size : (p+1)*size])
		}
	}
	return steps
}
