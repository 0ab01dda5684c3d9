package xla

import "github.com/gomlx/gomlx/core/graph"

// The ways between which the exported functions choose.
var (
	ConvolveTurned          = convolveTurned
	ConvolveBatch           = convolveBatch
	ShiftedSums             = shiftedSums
	AutomaticKernelGradient = automaticKernelGradient
)

// PatchesKernelGradient is the kernel gradient as a product with patches of blocks.
func PatchesKernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	return blockOf(kh, kw, x.Shape().Dimensions[3]).kernelGradient(x, dy, kh, kw)
}
