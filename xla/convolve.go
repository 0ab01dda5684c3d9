package xla

import "github.com/gomlx/gomlx/core/graph"

// Convolve is the VALID convolution of stride 1.
// x [batch, height, width, in], kernel [kh, kw, in, out];
// the result is [batch, height-kh+1, width-kw+1, out].
//
// It is left to XLA. Patches and one matrix product, patches along the width and
// one product a kernel row, and mixtures of them for forward and gradients were
// tried once, for cifar10 and mnist on a busy machine, and were not clearly
// faster. To measure: BenchmarkTrainStep in package network.
func Convolve(x, kernel *graph.Node) *graph.Node {
	return graph.Convolve(x, kernel).NoPadding().Done()
}
