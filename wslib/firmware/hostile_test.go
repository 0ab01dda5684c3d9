package firmware

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
)

// graphModel is the weights and sizes of a graph, as onnx.Parse gives them.
type graphModel struct {
	network.Model
	input  []int
	layers []network.Layer
}

func (m graphModel) Input() []int            { return m.input }
func (m graphModel) Output() []int           { return []int{3} }
func (m graphModel) Layers() []network.Layer { return slices.Clone(m.layers) }

// lower turns a graph with an output into layers, without XLA. All initializers of an axis are weights.
func (g *onnxGraph) lower(output string) (*model, error) {
	m := graphModel{}
	for _, d := range g.Input[0].Type.GetTensorType().Shape.Dim[1:] {
		m.input = append(m.input, int(d.GetDimValue()))
	}
	at := 0
	for _, t := range g.Initializer {
		l := network.Layer{Name: t.Name, Offset: at}
		for _, d := range t.Dims {
			l.Shape = append(l.Shape, int(d))
		}
		if t.DataType == int32(onnxpb.TensorProto_FLOAT) && len(l.Shape) > 0 {
			m.layers, at = append(m.layers, l), at+l.Size()
		}
	}
	return ofGraph(&network.Network{Name: "n", Model: m}, g.file(output))
}

// after is a graph that a node follows, of an image of 3 x 9 x 7.
func after(op string, a ...*onnxpb.AttributeProto) func(g *onnxGraph) string {
	return func(g *onnxGraph) string {
		return g.node(op, []string{g.conv("x", 3, 3, 1, 1)}, a...)
	}
}

// with is a graph of a node with more inputs after a convolution.
func with(op string, more func(g *onnxGraph) string, a ...*onnxpb.AttributeProto) func(g *onnxGraph) string {
	return func(g *onnxGraph) string {
		return g.node(op, []string{g.conv("x", 3, 3, 1, 1), more(g)}, a...)
	}
}

func weightsOf(sizes ...int) func(g *onnxGraph) string {
	return func(g *onnxGraph) string { return g.weights(sizes...) }
}

func listOf(v ...int) func(g *onnxGraph) string {
	return func(g *onnxGraph) string { return g.list(v...) }
}

// What C has no engine for is refused with the node and the reason.
func TestRefusedGraphs(t *testing.T) {
	window, stride := ints("kernel_shape", 2, 2), ints("strides", 1, 1)
	same := integer("auto_pad", 0)
	same.S = []byte("SAME_UPPER")
	for _, c := range []struct {
		of   func(g *onnxGraph) string
		want string
	}{
		{after("Tanh"), "(Tanh): no engine in C has it"},
		{after("BatchNormalization"), "(BatchNormalization): want it folded into its convolution"},
		{after("MaxPool", window, stride, ints("dilations", 2, 2)), "want windows of an image without dilation"},
		{after("MaxPool", window, stride, ints("dilations", 1, -1)), "want windows of an image without dilation"},
		{after("MaxPool", window, stride, integer("ceil_mode", 1)), "want no auto_pad, ceil_mode"},
		{after("AveragePool", window, stride, integer("count_include_pad", 1)), "or count_include_pad"},
		{after("MaxPool", window, stride, same), "want no auto_pad"},
		{after("MaxPool", stride), "its window is [0 0]"},
		{after("MaxPool", window, ints("strides", 0, 1)), "strides [0 1]"},
		{after("MaxPool", window, ints("strides", math.MinInt64, 1)), "strides [-2147483648 1]"},
		{func(g *onnxGraph) string {
			return g.gemm(after("MaxPool", window, ints("strides", math.MaxInt64, 1))(g), 18, 3)
		}, "a size or stride of 2147483647"},
		{after("MaxPool", window, ints("strides", 1)), "its strides are [1], want 2"},
		{after("MaxPool", window, stride, ints("pads", -1, 0, 0, 0)), "zeros [-1 0 0 0]"},
		{after("MaxPool", window, stride, ints("pads", 0, 0, 2, 0)), "fewer zeros than the window"},
		{after("MaxPool", window, stride, ints("pads", 0, math.MaxInt64, 0, 0)), "zeros [0 2147483647 0 0]"},
		{after("MaxPool", ints("kernel_shape", 10, 1), stride), "want one that fits"},
		{after("MaxPool", ints("kernel_shape", math.MaxInt64, 1), stride), "want one that fits"},
		{after("Transpose", ints("perm", 0, 2, 1, 3)), "in order [0 2 1 3], want channels moved"},
		{after("Transpose", ints("perm", 0, 3, 1, 2)), "in order [0 3 1 2], want channels moved"},
		{after("Transpose"), "in order [0 0 0 0], want channels moved"},
		{after("Transpose", ints("perm", 0, 1)), "its perm are [0 1], want 4"},
		{with("Reshape", listOf(0, 9, 21)), "[3 9 7] become [9 21], want a vector"},
		{with("Reshape", listOf(0, 9, 22)), "[3 9 7] become [9 22], want as many values"},
		{with("Reshape", listOf(0, -1, math.MaxInt64)), "want as many values"},
		{with("Reshape", listOf(0, 1<<31, 1<<31, 1<<31)), "want as many values"},
		{with("Reshape", listOf(0, -2)), "its shape is [0 -2], want sizes"},
		{with("Reshape", listOf(5, -1)), "want that of the batch"},
		{with("Reshape", weightsOf(2)), "is no constant of whole numbers"},
		{after("Reshape"), "its shape is []"},
		{after("Flatten", integer("axis", 2)), "its axis is 2, want 1"},
		{with("Squeeze", listOf(0)), "its axes are [0], want each once and none for the batch"},
		{with("Squeeze", listOf(1)), "its axes are [1] of [3 9 7]"},
		{after("Squeeze"), "it has no axes"},
		{with("Unsqueeze", listOf(100)), "its axes are [100] of [3 9 7]"},
		{with("Unsqueeze", listOf(1, 1)), "its axes are [1 1], want each once"},
		{with("Unsqueeze", listOf(math.MinInt64)), "want each once and none for the batch"},
		{with("Conv", weightsOf(4, 2, 1, 1)), "its kernel is [4 2 1 1] in 1 groups over [3 9 7]"},
		{with("Conv", weightsOf(4, 3)), "its kernel is [4 3] in 1 groups"},
		{with("Conv", weightsOf(4, 3, 1, 1), integer("group", 0)), "in 0 groups"},
		{with("Conv", weightsOf(4, 3, 1, 1), integer("group", math.MinInt64)), "groups over [3 9 7]"},
		{with("Conv", weightsOf(4, 3, 1, 1), ints("dilations", 1, 2)), "dilations [1 2]"},
		{after("Conv"), "its input 1 is not among the network's weights"},
		{func(g *onnxGraph) string {
			return g.node("Conv", []string{"x", g.weights(4, 3, 1, 1), g.weights(5)})
		}, "its bias is [5], want 4 values"},
		{func(g *onnxGraph) string {
			return g.node("Conv", []string{"x", g.node("Reshape", []string{g.weights(12), g.list(4, 3, 1, 1)})})
		}, `(Reshape): its input "w1" is computed of no sample`}, // weights of weights
		{with("MatMul", weightsOf(7, 3)), "its input is [3 9 7], want a vector"},
		{func(g *onnxGraph) string {
			return g.node("Gemm", []string{g.unary("Flatten", "x"), g.weights(188, 3)})
		}, "its kernel is [188 3] for 189 values"},
		{func(g *onnxGraph) string {
			return g.node("Gemm", []string{g.unary("Flatten", "x"), g.weights(189, 3), g.weights(2)})
		}, "its bias is [2], want 3 values"},
		{func(g *onnxGraph) string {
			return g.node("Gemm", []string{g.unary("Flatten", "x"), g.weights(189, 3)}, integer("transA", 1))
		}, "want transA 0, alpha 1 and beta 1"},
		{func(g *onnxGraph) string { return g.add(g.unary("Relu", after("Relu")(g)), g.weights(3, 1, 1)) },
			"to what no Conv, MatMul, Gemm or Mul without a bias makes for it alone"},
		{func(g *onnxGraph) string { return g.add("x", g.weights(3, 1, 1)) }, "want one value for each channel"},
		{with("Add", weightsOf(7)), "its operands are [3 9 7] and [7]"},
		{with("Mul", weightsOf(1, 1, 3, 1, 1)), "want one value for each channel"},
		{after("Add"), "it has 1 inputs"},
		{with("Add", func(g *onnxGraph) string { return g.conv("x", 3, 3, 2, 2) }), "it adds [3 9 7] and [3 8 6]"},
		{with("Mul", func(g *onnxGraph) string { return g.conv("x", 3, 3, 1, 1) }), "is neither weights nor"},
		{with("Clip", func(g *onnxGraph) string { return g.number(-1) }), "its limits are -1 and"},
		{after("Clip"), "its limits are -1 and"},
		{with("Clip", weightsOf(3)), "is no constant number"},
		{after("ReduceMean", ints("axes", 1, 2)), "its axes are [1 2], want [2 3]"},
		{after("ReduceMean", ints("axes", 102, 3)), "its axes are [3 102], want [2 3]"},
		{func(g *onnxGraph) string { // channels first, and last
			y := g.node("Transpose", []string{"x"}, ints("perm", 0, 3, 1, 2))
			return g.add(g.gemm(g.conv(y, 2, 7, 1, 1), 54, 3), g.gemm(g.conv("x", 2, 3, 1, 1), 126, 3))
		}, "the sample is read in two orders"},
		{func(g *onnxGraph) string {
			x := g.conv("x", 2, 3, 1, 1)
			y := g.node("Transpose", []string{x}, ints("perm", 0, 2, 3, 1))
			return g.add(g.gemm(x, 126, 3), g.gemm(y, 126, 3))
		}, "its values are read in two orders"},
		{func(g *onnxGraph) string { return g.unary("Relu", "x") }, "is made without weights"},
		{func(g *onnxGraph) string { return g.weights(3) }, "is made without weights"},
		{func(g *onnxGraph) string { return "missing" }, "is made without weights"},
		{func(g *onnxGraph) string { return g.gemm("x", 189, 4) }, "has 4 values, want 3"},
		{func(g *onnxGraph) string {
			g.Node = append(g.Node, &onnxpb.NodeProto{OpType: "Constant", Output: []string{"c"}})
			return g.node("Reshape", []string{g.conv("x", 3, 3, 1, 1), "c"})
		}, "a constant that is no tensor"},
	} {
		g := newGraph(3, 9, 7)
		m, err := g.lower(c.of(g))
		if err == nil {
			for _, l := range m.layers {
				if err = l.check(); err != nil {
					break
				}
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// Graphs with any attributes, inputs and shapes give layers or an error, and C reads no weights that are not
// there.
func TestHostileGraphs(t *testing.T) {
	rng, refused := rand.New(rand.NewPCG(1, 2)), 0
	numbers := []int64{math.MinInt64, math.MinInt32, -3, -1, 0, 1, 2, 3, 1 << 16, 1 << 31, math.MaxInt64}
	names := slices.Sorted(maps.Keys(written))
	for range 4000 {
		g := newGraph(3, 9, 7)
		output := written[names[rng.IntN(len(names))]](g)
		for range 1 + rng.IntN(2) {
			n := g.Node[rng.IntN(len(g.Node))]
			v := numbers[rng.IntN(len(numbers))]
			switch rng.IntN(6) {
			case 0, 1:
				if len(n.Attribute) > 0 {
					a := n.Attribute[rng.IntN(len(n.Attribute))]
					if a.I = v; len(a.Ints) > 0 {
						a.Ints[rng.IntN(len(a.Ints))] = v
					}
				}
			case 2:
				n.Input[rng.IntN(len(n.Input))] = []string{"", "x", "w2", "Conv3"}[rng.IntN(4)]
			case 3:
				n.Input = n.Input[:rng.IntN(len(n.Input))]
				if rng.IntN(4) == 0 {
					n.Output = nil
				}
				if len(n.Input) == 0 {
					n.Input = []string{"x"}
				}
			case 4:
				n.OpType = g.Node[rng.IntN(len(g.Node))].OpType
			default:
				i := g.Initializer[rng.IntN(len(g.Initializer))]
				if len(i.Int64Data) > 0 {
					i.Int64Data[rng.IntN(len(i.Int64Data))] = v
				} else if len(i.Dims) > 0 {
					i.Dims[rng.IntN(len(i.Dims))] = min(max(v, 0), 9)
				}
			}
		}
		before := proto.Clone(&g.GraphProto)
		m, err := g.lower(output)
		if err != nil {
			refused++
			continue
		}
		end := 0
		for _, i := range g.Initializer {
			if i.DataType == int32(onnxpb.TensorProto_FLOAT) && len(i.Dims) > 0 {
				n := 1
				for _, d := range i.Dims {
					n *= int(d)
				}
				end += n
			}
		}
		for _, l := range m.layers {
			if l.check() == nil && l.kind == convolution && (l.kernel+l.each()*l.to.channels > end ||
				l.bias != none && l.bias+l.to.channels > end) {
				t.Errorf("%s reads more than %d weights: %v", l.name, end, before)
			}
		}
	}
	t.Logf("%d of 4000 graphs are refused", refused)
	if refused < 1000 || refused > 3900 {
		t.Error("want some refused and some not")
	}
}
