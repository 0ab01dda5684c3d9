package xla

import (
	"reflect"
	"slices"
	"sync"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// CorrectGradients corrects two gradients of GoMLX v0.28.1, once a process: that of a
// convolution with respect to its input, which is wrong where the kernel has an even number
// of rows or columns, and that of batch normalization at inference, which is missing.
// [Open] calls it. It changes graph.VJPRegistration, which GoMLX exports for that.
func CorrectGradients() {
	correct.Do(func() {
		original := graph.VJPRegistration[graph.NodeTypeConvGeneral]
		corrected := func(node *graph.Node, v []*graph.Node, s shapes.Shape) []*graph.Node {
			return convolutionGradient(original, node, v, s)
		}
		graph.VJPRegistration[graph.NodeTypeConvGeneral] = corrected
		graph.VJPRegistration[graph.NodeTypeBatchNormForInference] = batchNormGradient
	})
}

var correct sync.Once

// convolutionGradient extends kernels of even size to odd size with zeros after their rows
// and columns, and the input likewise: the convolution is the same, and GoMLX's gradient right.
func convolutionGradient(original graph.VJP, node *graph.Node, v []*graph.Node,
	s shapes.Shape) []*graph.Node {
	x, kernel := node.Inputs()[0], node.Inputs()[1]
	static := staticInputs(node)
	axes := static.FieldByName("axes")
	channels := x.Shape().Dimensions[axes.FieldByName("InputChannels").Int()]
	if channels > 1 && int(static.FieldByName("channelGroupCount").Int()) == channels &&
		channels == node.Shape().Dimensions[axes.FieldByName("OutputChannels").Int()] {
		return depthwiseGradient(x, kernel, v[0], static)
	}
	ofInput, ofKernel := ints(axes.FieldByName("InputSpatial")), ints(axes.FieldByName("KernelSpatial"))
	dilations := ints(static.FieldByName("kernelDilations"))
	wideX, wideKernel := x, kernel
	for i, axis := range ofKernel {
		if n := kernel.Shape().Dimensions[axis]; n%2 == 0 {
			more := 1
			if len(dilations) > 0 {
				more = dilations[i]
			}
			wideKernel = fit(wideKernel, axis, n+1)
			wideX = fit(wideX, ofInput[i], x.Shape().Dimensions[ofInput[i]]+more)
		}
	}
	if wideKernel == kernel {
		return original(node, v, s)
	}
	gradients := original(node.CloneWithInputs(wideX, wideKernel), v, s)
	for i, like := range []*graph.Node{x, kernel} {
		for axis, n := range like.Shape().Dimensions {
			gradients[i] = fit(gradients[i], axis, n)
		}
	}
	return gradients
}

// depthwiseGradient is the gradient where every channel has a kernel of its own. It sums over
// the places of the kernel; GoMLX makes two convolutions of every channel.
func depthwiseGradient(x, kernel, dy *graph.Node, static reflect.Value) []*graph.Node {
	axes := static.FieldByName("axes")
	axis := func(name string) int { return int(axes.FieldByName(name).Int()) }
	// Spatial axes between batch and channels; of the kernel its places, then channels.
	order := func(first int, spatial string, last int) []int {
		return append(append([]int{first}, ints(axes.FieldByName(spatial))...), last)
	}
	ofX := order(axis("InputBatch"), "InputSpatial", axis("InputChannels"))
	ofY := order(axis("OutputBatch"), "OutputSpatial", axis("OutputChannels"))
	ofKernel := order(axis("KernelInputChannels"), "KernelSpatial", axis("KernelOutputChannels"))
	turned, k := graph.TransposeAllAxes(x, ofX...), graph.TransposeAllAxes(kernel, ofKernel...)
	dy = graph.TransposeAllAxes(dy, ofY...)
	rank := turned.Rank()
	at := func(name string, i int) int {
		if v := ints(static.FieldByName(name)); len(v) > 0 {
			return v[i]
		}
		return 1
	}
	padding := make([]graph.PadAxis, rank)
	if p := static.FieldByName("paddings"); p.Len() > 0 {
		for i := range rank - 2 {
			padding[i+1] = graph.PadAxis{Start: int(p.Index(i).Index(0).Int()),
				End: int(p.Index(i).Index(1).Int())}
		}
	}
	zero := graph.ScalarZero(x.Graph(), x.DType())
	padded := graph.Pad(turned, zero, padding...)
	sizes := k.Shape().Dimensions[1 : rank-1]
	flat := graph.Reshape(k, -1, k.Shape().Dimensions[rank-1])
	var onKernel []*graph.Node
	var onX *graph.Node
	for place := range flat.Shape().Dimensions[0] {
		ranges, spread := make([]graph.SliceAxisSpec, rank), make([]graph.PadAxis, rank)
		ranges[0], ranges[rank-1] = graph.AxisRange(), graph.AxisRange()
		for i, rest := rank-3, place; i >= 0; i-- {
			start, stride := rest%sizes[i]*at("kernelDilations", i), at("strides", i)
			rest /= sizes[i]
			end := start + (dy.Shape().Dimensions[i+1]-1)*stride + 1
			ranges[i+1] = graph.AxisRange(start, end).Stride(stride)
			spread[i+1] = graph.PadAxis{Start: start, End: padded.Shape().Dimensions[i+1] - end,
				Interior: stride - 1}
		}
		seen := graph.Mul(graph.Slice(padded, ranges...), dy)
		seen = graph.ReduceSum(graph.Reshape(seen, -1, seen.Shape().Dimensions[rank-1]), 0)
		onKernel = append(onKernel, graph.Reshape(seen, 1, -1))
		weight := graph.Slice(flat, graph.AxisRange(place, place+1))
		weight = graph.Reshape(weight, append(slices.Repeat([]int{1}, rank-1), -1)...)
		onX = plus(onX, graph.Pad(graph.Mul(dy, weight), zero, spread...))
	}
	ranges := make([]graph.SliceAxisSpec, rank)
	for i, p := range padding {
		ranges[i] = graph.AxisRange(p.Start, p.Start+turned.Shape().Dimensions[i])
	}
	gradient := graph.Reshape(graph.Concatenate(onKernel, 0), k.Shape().Dimensions...)
	return []*graph.Node{
		graph.TransposeAllAxes(graph.Slice(onX, ranges...), inverse(ofX)...),
		graph.TransposeAllAxes(gradient, inverse(ofKernel)...),
	}
}

// inverse is the permutation that undoes another.
func inverse(p []int) []int {
	v := make([]int, len(p))
	for i, at := range p {
		v[at] = i
	}
	return v
}

// batchNormGradient is the gradient with respect to input, scale and offset; mean and variance
// are the network's state, not trained.
func batchNormGradient(node *graph.Node, v []*graph.Node, _ shapes.Shape) []*graph.Node {
	x, scale, mean, variance := node.Inputs()[0], node.Inputs()[1], node.Inputs()[3], node.Inputs()[4]
	static, g := staticInputs(node), v[0]
	axis := int(static.FieldByName("featureAxis").Int())
	dims, others := slices.Repeat([]int{1}, x.Rank()), []int{}
	for i := range dims {
		if i != axis {
			others = append(others, i)
		}
	}
	dims[axis] = -1
	per := func(n *graph.Node) *graph.Node { return graph.Reshape(n, dims...) }
	deviation := graph.Sqrt(graph.AddScalar(variance, static.FieldByName("epsilon").Float()))
	normalized := graph.Div(graph.Sub(x, per(mean)), per(deviation))
	return []*graph.Node{
		graph.Mul(g, per(graph.Div(scale, deviation))),
		graph.ReduceSum(graph.Mul(g, normalized), others...),
		graph.ReduceSum(g, others...),
		nil, nil,
	}
}

// staticInputs are the arguments of an operation that are no nodes. GoMLX does not export them;
// its version is pinned, and tests compare the gradients with differences.
func staticInputs(node *graph.Node) reflect.Value {
	return reflect.ValueOf(node).Elem().FieldByName("inputs").Elem().Elem()
}

func ints(v reflect.Value) []int {
	out := make([]int, v.Len())
	for i := range out {
		out[i] = int(v.Index(i).Int())
	}
	return out
}
