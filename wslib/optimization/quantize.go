package optimization

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// quantizer rounds latent page values to the code values of a precision, in steps
// that are a constant times the page's root mean square: the constant of least
// squared error for normally distributed values.
type quantizer struct {
	bits int
}

// none tells that values stay float32.
func (q quantizer) none() bool { return q.bits == 0 || q.bits == 32 }

// half tells that code values lie between the integers: -0.5, 0.5 and so on.
func (q quantizer) half() bool { return q.bits <= 2 }

// most is the largest code value.
func (q quantizer) most() float64 {
	switch q.bits {
	case 1:
		return 0.5
	case 2:
		return 1.5
	}
	return float64(int(1)<<(q.bits-1) - 1)
}

// step of a page whose root mean square is 1.
func (q quantizer) step() float64 {
	switch q.bits {
	case 1:
		return 1.596
	case 2:
		return 0.996
	case 4:
		return 0.335
	case 8:
		return 0.0308
	}
	return 5 / q.most()
}

// graph rounds pages [P, size]. It returns the values, step times code value, and
// where a value is within reach of the code values, so that the gradient goes
// straight through to it.
func (q quantizer) graph(pages *Node) (values, within *Node) {
	step := MulScalar(Sqrt(AddScalar(ReduceAndKeep(Mul(pages, pages), ReduceMean, 1), 1e-20)), q.step())
	scaled := Div(pages, step)
	within = LessOrEqual(Abs(scaled), MulScalar(OnesLike(scaled), q.most()+0.5))
	var code *Node
	if q.half() {
		code = AddScalar(Floor(scaled), 0.5)
	} else {
		code = Round(scaled)
	}
	code = MinScalar(MaxScalar(code, -q.most()), q.most())
	return Mul(code, step), within
}

// host is the same in Go: it replaces one page's values by codes and returns the step.
func (q quantizer) host(p []float32) float32 {
	sum := 0.0
	for _, v := range p {
		sum += float64(v) * float64(v)
	}
	step := math.Sqrt(sum/float64(len(p))+1e-20) * q.step()
	for i, v := range p {
		c := float64(v) / step
		if q.half() {
			c = math.Floor(c) + 0.5
		} else {
			c = math.RoundToEven(c)
		}
		p[i] = float32(min(max(c, -q.most()), q.most()))
	}
	return float32(step)
}
