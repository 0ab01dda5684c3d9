package onnx

import (
	"fmt"

	"weightsep/wslib/network"
)

// described adds the layers of a described network, after those of its weights: what
// [network.Described.Forward] computes, with the channels of images before their rows.
func (b *builder) described(d *network.Described) {
	b.Input = append(b.Input, value("input", typeFloat, 0, int64(d.Shape[0]), int64(d.Shape[1]),
		int64(d.Shape[2])))
	x := "input"
	transpose := func(x string, order ...int64) string {
		return b.node("Transpose", []string{x}, integers("perm", order...))
	}
	leaky := func(x string) string { return b.node("LeakyRelu", []string{x}, number("alpha", 0.2)) }
	if len(d.Convs) > 0 {
		x = transpose(x, 0, 3, 1, 2)
		for i, c := range d.Convs {
			name := fmt.Sprintf("conv%d/", i)
			x = b.node("Conv", []string{x, transpose(name+"kernel", 3, 2, 0, 1)})
			x = b.node("MaxPool", []string{x}, integers("kernel_shape", 2, 2), integers("strides", 2, 2))
			bias := b.node("Reshape", []string{name + "bias", b.longs(int64(c.Out), 1, 1)})
			x = leaky(b.node("Add", []string{x, bias}))
		}
		x = transpose(x, 0, 2, 3, 1)
	}
	x = b.node("Reshape", []string{x, b.longs(-1, int64(d.Dense[0]))})
	last := len(d.Dense) - 2
	for i := range last {
		x = b.node("Add", b.dense(x, i))
		if d.Activation == network.SigmoidActivation {
			x = b.node("Sigmoid", []string{x})
		} else {
			x = leaky(x)
		}
	}
	b.nodeAs("logits", "Add", b.dense(x, last))
	b.Output = append(b.Output, value("logits", typeFloat, 0, int64(d.Dense[last+1])))
}

// dense adds a product with a dense layer's kernel; it and the bias are to be added.
func (b *builder) dense(x string, i int) []string {
	name := fmt.Sprintf("dense%d/", i)
	return []string{b.node("MatMul", []string{x, name + "kernel"}), name + "bias"}
}
