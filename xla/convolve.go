package xla

import "github.com/gomlx/gomlx/core/graph"

// Convolve is the VALID convolution of stride 1.
// x [batch, height, width, in], kernel [kh, kw, in, out];
// the result is [batch, height-kh+1, width-kw+1, out].
//
// It is left to XLA: of the lowerings tried (patches and one matrix product,
// patches along the width and one product a kernel row, mixtures of them for
// forward and gradients), none was faster for all ten networks. Convolution
// benchmarks: BenchmarkTrainStep in package network.
func Convolve(x, kernel *graph.Node) *graph.Node {
	return graph.Convolve(x, kernel).NoPadding().Done()
}
