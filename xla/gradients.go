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
