package xla

import (
	"reflect"
	"sync"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// CorrectGradients puts right two gradients of GoMLX v0.28.1, once a process: that of a
// convolution with respect to its input, which is wrong where the kernel has an even number
// of rows or columns, and that of batch normalization at inference, which is missing.
// [Open] calls it. It changes graph.VJPRegistration, which GoMLX exports for such ends.
func CorrectGradients() {
	correct.Do(func() {
		original := graph.VJPRegistration[graph.NodeTypeConvGeneral]
		graph.VJPRegistration[graph.NodeTypeConvGeneral] = func(node *graph.Node, v []*graph.Node, s shapes.Shape) []*graph.Node {
			return convolutionGradient(original, node, v, s)
		}
		graph.VJPRegistration[graph.NodeTypeBatchNormForInference] = batchNormGradient
	})
}

var correct sync.Once

// convolutionGradient is the gradient of an equal convolution with a kernel of odd size: zeros
// are put after the kernel's rows and columns, and as many after those of the input.
func convolutionGradient(original graph.VJP, node *graph.Node, v []*graph.Node, s shapes.Shape) []*graph.Node {
	x, kernel := node.Inputs()[0], node.Inputs()[1]
	static := staticInputs(node)
	axes := static.FieldByName("axes")
	channels := x.Shape().Dimensions[axes.FieldByName("InputChannels").Int()]
	if int(static.FieldByName("channelGroupCount").Int()) == channels && channels > 1 && channels == node.Shape().Dimensions[axes.FieldByName("OutputChannels").Int()] {
		return depthwiseGradient(x, kernel, v[0], static)
	}
	ofInput, ofKernel := ints(axes.FieldByName("InputSpatial")), ints(axes.FieldByName("KernelSpatial"))
	dilations := ints(static.FieldByName("kernelDilations"))
	wideX, wideKernel := x, kernel
	for i := range ofKernel {
		if kernel.Shape().Dimensions[ofKernel[i]]%2 == 1 {
			continue
		}
		more := 1
		if len(dilations) > 0 {
			more = dilations[i]
		}
		wideKernel = fit(wideKernel, ofKernel[i], kernel.Shape().Dimensions[ofKernel[i]]+1)
		wideX = fit(wideX, ofInput[i], x.Shape().Dimensions[ofInput[i]]+more)
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

// depthwiseGradient is that of a convolution of every channel with a kernel of its own, place by
// place of the kernel: GoMLX makes two convolutions of every channel.
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
			padding[i+1] = graph.PadAxis{Start: int(p.Index(i).Index(0).Int()), End: int(p.Index(i).Index(1).Int())}
		}
	}
	zero := graph.ScalarZero(x.Graph(), x.DType())
	padded := graph.Pad(turned, zero, padding...)
	places, sizes := 1, k.Shape().Dimensions[1:rank-1]
	for _, n := range sizes {
		places *= n
	}
	flat := graph.Reshape(k, places, -1)
	var onKernel []*graph.Node
	var onX *graph.Node
	for place := range places {
		ranges, spread := make([]graph.SliceAxisSpec, rank), make([]graph.PadAxis, rank)
		ranges[0], ranges[rank-1] = graph.AxisRange(), graph.AxisRange()
		for i, rest := rank-3, place; i >= 0; i-- {
			start, stride := rest%sizes[i]*at("kernelDilations", i), at("strides", i)
			rest /= sizes[i]
			end := start + (dy.Shape().Dimensions[i+1]-1)*stride + 1
			ranges[i+1] = graph.AxisRange(start, end).Stride(stride)
			spread[i+1] = graph.PadAxis{Start: start, End: padded.Shape().Dimensions[i+1] - end, Interior: stride - 1}
		}
		seen := graph.Mul(graph.Slice(padded, ranges...), dy)
		onKernel = append(onKernel, graph.Reshape(graph.ReduceSum(graph.Reshape(seen, -1, seen.Shape().Dimensions[rank-1]), 0), 1, -1))
		weight := graph.Reshape(graph.Slice(flat, graph.AxisRange(place, place+1)), append(ones(rank-1), -1)...)
		part := graph.Pad(graph.Mul(dy, weight), zero, spread...)
		if onX != nil {
			part = graph.Add(onX, part)
		}
		onX = part
	}
	ranges := make([]graph.SliceAxisSpec, rank)
	for i, p := range padding {
		ranges[i] = graph.AxisRange(p.Start, p.Start+turned.Shape().Dimensions[i])
	}
	gradient := graph.Reshape(graph.Concatenate(onKernel, 0), k.Shape().Dimensions...)
	return []*graph.Node{graph.TransposeAllAxes(graph.Slice(onX, ranges...), inverse(ofX)...), graph.TransposeAllAxes(gradient, inverse(ofKernel)...)}
}

func ones(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = 1
	}
	return v
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
	dims := make([]int, x.Rank())
	var others []int
	for i := range dims {
		dims[i] = 1
		if i != axis {
			others = append(others, i)
		}
	}
	dims[axis] = x.Shape().Dimensions[axis]
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

// staticInputs are the arguments of an operation that are no nodes. GoMLX keeps them to itself;
// its version is pinned, and tests compare the gradients with numbers.
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
