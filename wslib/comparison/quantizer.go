package comparison

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// quantizer rounds values to evenly spaced levels, as many below 0 as above: integers
// times a step if their number is odd, else half-integers, -0.5, 0.5 and so on. The
// step is a constant times the root mean square of the values that share it.
type quantizer struct {
	levels int
	step   float64 // of values whose root mean square is 1
}

// newQuantizer has the steps of least squared error for normally distributed values.
func newQuantizer(levels int) quantizer {
	switch levels {
	case 2:
		return quantizer{levels, 1.59577}
	case 4:
		return quantizer{levels, 0.99569}
	case 15:
		return quantizer{levels, 0.353411}
	case 16:
		return quantizer{levels, 0.335201}
	case 255:
		return quantizer{levels, 0.0308701}
	case 256:
		return quantizer{levels, 0.0307624}
	}
	panic(fmt.Sprintf("comparison: no quantizer of %d levels", levels))
}

// forBits has a zero among its levels, where there are more than 4.
func forBits(bits int) quantizer {
	if bits > 2 {
		return newQuantizer(1<<bits - 1)
	}
	return newQuantizer(1 << bits)
}

// withoutZero uses all codes of the bits, for values that are known not to be 0.
func withoutZero(bits int) quantizer { return newQuantizer(1 << bits) }

func checkBits(bits int) error {
	switch bits {
	case 8, 4, 2, 1:
		return nil
	}
	return fmt.Errorf("values of %d bits, want 8, 4, 2 or 1", bits)
}

// half tells that levels lie between the integers.
func (q quantizer) half() bool { return q.levels%2 == 0 }

// most is the largest level, in steps.
func (q quantizer) most() float64 { return float64(q.levels-1) / 2 }

// Steps are normal numbers of float16: those of smaller values are raised.
const leastStep, mostStep = 0x1p-14, 65504

// graphStep is the step for root mean squares of any shape, rounded to float16.
// XLA may drop a conversion to float16 and back, so the bits are rounded.
func (q quantizer) graphStep(rms *Node) *Node {
	step := MaxScalar(MinScalar(MulScalar(rms, q.step), mostStep), leastStep)
	b := Bitcast(step, dtypes.Int32)
	constant := func(v int32) *Node { return BroadcastToDims(Const(b.Graph(), v), b.Shape().Dimensions...) }
	odd := BitwiseAnd(BitwiseShiftRightArithmetic(b, constant(13)), constant(1))
	b = BitwiseAnd(Add(b, Add(odd, constant(0xfff))), constant(^0x1fff))
	return Bitcast(b, dtypes.Float32)
}

// hostStep is the same in Go.
func (q quantizer) hostStep(rms float64) float32 {
	return page.ScaleFloat16.Round(float32(min(max(rms*q.step, leastStep), mostStep)))
}

// graph rounds values with the step of each, of the same shape. within is where a
// value lies no further out than rounding reaches, so that its gradient is taken for
// that of the rounded one.
func (q quantizer) graph(values, step *Node) (rounded, within *Node) {
	scaled := Div(values, step)
	within = LessOrEqual(Abs(scaled), MulScalar(OnesLike(scaled), q.most()+0.5))
	var level *Node
	if q.half() {
		level = AddScalar(Floor(scaled), 0.5)
	} else {
		level = Round(scaled)
	}
	return Mul(MinScalar(MaxScalar(level, -q.most()), q.most()), step), within
}

// host is the same for one value in Go.
func (q quantizer) host(value, step float32) float32 {
	level := float64(value / step)
	if q.half() {
		level = math.Floor(level) + 0.5
	} else {
		level = math.RoundToEven(level)
	}
	return float32(min(max(level, -q.most()), q.most())) * step
}
