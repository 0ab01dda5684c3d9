package optimization

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// keyer turns latent values into keys and back. A key of one bit is the latent value's sign;
// one of two bits is the code value nearest to it in steps of keyStep.
type keyer struct{ page.Precision }

// keyStep is the step between the latent values of neighbouring keys of two bits. It is a power of
// two, so that graphs and Go agree on every quotient. 0.1, 0.125 and 0.2 led to the same accuracy,
// 0.05 to less.
const keyStep = 0.25

// graph gives the keys of latent values [rows, width], and where a latent value is in reach of
// the keys: there the gradient goes straight through.
func (k keyer) graph(latent *Node) (codes, within *Node) {
	if k.Precision == page.Int1 {
		one := OnesLike(latent)
		codes = Where(LessThan(latent, ZerosLike(latent)), Neg(one), one)
		_, within = quantizer{page.Int1}.graph(latent)
		return codes, within
	}
	limit, scaled := float64(k.Limit()), MulScalar(latent, 1/keyStep)
	codes = MinScalar(MaxScalar(AddScalar(Floor(scaled), 0.5), -limit), limit)
	return codes, LessOrEqual(Abs(scaled), MulScalar(OnesLike(scaled), limit+0.5))
}

// codes replaces latent values by their keys.
func (k keyer) codes(latent []float32) {
	step := float32(1)
	if k.Precision == page.Int2 {
		step = keyStep
	}
	for i, v := range latent {
		latent[i] = k.Round(v / step)
	}
}

// latent replaces keys by latent values that give them back. That of a sign is as large as the
// value of the page that it is for: the small ones turn first.
func (k keyer) latent(codes, pages []float32) {
	for i, c := range codes {
		if k.Precision == page.Int2 {
			codes[i] = c * keyStep
		} else {
			codes[i] = c * max(float32(math.Abs(float64(pages[i]))), tiny) // 0 has no sign
		}
	}
}
