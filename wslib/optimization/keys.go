package optimization

import (
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// keyer turns latent values into keys and back: a key is the code value nearest to the latent
// value, in steps of keyStep.
type keyer struct{ page.Precision }

// keyStep is the step between the latent values of neighbouring keys. It is a power of
// two, so that graphs and Go agree on every quotient. 0.1, 0.125 and 0.2 led to the same accuracy,
// 0.05 to less.
const keyStep = 0.25

// graph gives the keys of latent values [rows, width], and where a latent value is in reach of
// the keys: there the gradient goes straight through.
func (k keyer) graph(latent *Node) (codes, within *Node) {
	limit, scaled := float64(k.Limit()), MulScalar(latent, 1/keyStep)
	codes = MinScalar(MaxScalar(AddScalar(Floor(scaled), 0.5), -limit), limit)
	return codes, LessOrEqual(Abs(scaled), MulScalar(OnesLike(scaled), limit+0.5))
}

// codes replaces latent values by their keys.
func (k keyer) codes(latent []float32) {
	for i, v := range latent {
		latent[i] = k.Round(v / keyStep)
	}
}

// latent replaces keys by latent values that give them back.
func (k keyer) latent(codes []float32) {
	for i := range codes {
		codes[i] *= keyStep
	}
}
