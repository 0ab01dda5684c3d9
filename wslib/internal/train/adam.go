// Package train has what every training loop here shares: the Adam update as
// graph operations, learning-rate schedules, and batches that depend on seed,
// network and step only, so that a resumed run sees the same ones.
package train

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// Adam's constants: those of the original system.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// Adam is one update of params by grads, all of one shape; m and v are the
// moments, t the step counted from 1 and rate the learning rate, each a scalar or of
// the same shape.
func Adam(params, grads, m, v, t, rate *Node) (params2, m2, v2 *Node) {
	m2 = Add(MulScalar(m, beta1), MulScalar(grads, 1-beta1))
	v2 = Add(MulScalar(v, beta2), MulScalar(Mul(grads, grads), 1-beta2))
	correct1 := OneMinus(Pow(Scalar(t.Graph(), t.DType(), beta1), t))
	correct2 := OneMinus(Pow(Scalar(t.Graph(), t.DType(), beta2), t))
	update := Div(Div(m2, correct1), AddScalar(Sqrt(Div(v2, correct2)), epsilon))
	return Sub(params, Mul(update, rate)), m2, v2
}

// Cosine is the learning rate of step 0..steps-1: a linear rise over the first
// warmup steps, then half a cosine from rate down to 0.
func Cosine(rate float64, step, warmup, steps int) float64 {
	if step < warmup {
		return rate * float64(step+1) / float64(warmup)
	}
	return rate / 2 * (1 + math.Cos(math.Pi*float64(step-warmup)/float64(max(1, steps-warmup))))
}
