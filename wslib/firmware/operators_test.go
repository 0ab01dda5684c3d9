package firmware

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"weightsep/wslib/network"
)

// written are graphs of an image of 3 x 9 x 7, one for each way of writing layers that exporters have.
var written = map[string]func(g *onnxGraph) string{
	"largest of 2x2": func(g *onnxGraph) string {
		x := g.conv("x", 5, 3, 3, 3, ints("pads", 0, 1, 2, 1))
		return g.gemm(g.pool("MaxPool", g.unary("Relu", x), 2, 2), 5*4*3, 4)
	},
	"largest of 2x2, half of them outside": func(g *onnxGraph) string {
		x := g.conv("x", 5, 3, 3, 3, ints("pads", 1, 1, 1, 1))
		return g.gemm(g.pool("MaxPool", x, 2, 2, 0, 0, 1, 1), 5*5*4, 4)
	},
	"largest of 2x2 twice, bias and activation after": func(g *onnxGraph) string {
		x := g.node("Conv", []string{"x", g.weights(4, 3, 2, 3)}, ints("pads", 1, 0, 0, 2))
		x = g.add(g.weights(4, 1, 1), g.pool("MaxPool", x, 2, 2))
		return g.gemm(g.pool("MaxPool", g.unary("Sigmoid", x), 2, 2), 4*2*1, 3)
	},
	"largest of 3x3": func(g *onnxGraph) string {
		x := g.pool("MaxPool", g.conv("x", 4, 3, 1, 1), 3, 2, 1, 0, 1, 2)
		return g.gemm(g.unary("Relu", x), 4*5*4, 3)
	},
	"means of windows": func(g *onnxGraph) string {
		x := g.pool("AveragePool", g.conv("x", 4, 3, 2, 2), 3, 2, 0, 1, 2, 1)
		return g.gemm(g.unary("Sigmoid", x), 4*4*3, 3)
	},
	"mean of an image": func(g *onnxGraph) string {
		x := g.unary("Relu", g.conv("x", 6, 3, 3, 3, ints("strides", 2, 3)))
		return g.gemm(g.unary("GlobalAveragePool", x), 6, 3)
	},
	"mean of axes": func(g *onnxGraph) string {
		x := g.conv("x", 6, 3, 3, 3)
		a := g.node("ReduceMean", []string{x}, ints("axes", -1, 2), integer("keepdims", 0))
		b := g.node("ReduceMean", []string{x}, ints("axes", 2, 3))
		b = g.node("Squeeze", []string{b, g.list(3, -2)})
		b = g.node("Unsqueeze", []string{b, g.list(-1, 2)})
		return g.add(g.gemm(a, 6, 3), g.gemm(b, 6, 3))
	},
	"sums": func(g *onnxGraph) string {
		x := g.unary("Relu", g.conv("x", 4, 3, 1, 1))
		x = g.unary("Relu", g.add(x, g.conv(x, 4, 4, 3, 3, ints("pads", 1, 1, 1, 1))))
		x = g.add(x, x)
		return g.gemm(g.add(g.conv(x, 4, 4, 1, 1), x), 4*9*7, 3)
	},
	"sum with the sample": func(g *onnxGraph) string { // as if of 9 x 7 x 3, channels last
		x := g.node("Transpose", []string{"x"}, ints("perm", 0, 3, 1, 2))
		return g.gemm(g.add(g.conv(x, 7, 7, 1, 1), x), 3*9*7, 3)
	},
	"sum of vectors": func(g *onnxGraph) string {
		a := g.unary("Flatten", g.conv("x", 4, 3, 2, 2))
		b := g.unary("Flatten", g.conv("x", 4, 3, 2, 2))
		return g.gemm(g.add(a, b), 4*8*6, 3)
	},
	"sum of vectors in two orders": func(g *onnxGraph) string {
		a := g.unary("Flatten", g.conv("x", 4, 3, 2, 2))
		b := g.node("Transpose", []string{g.conv("x", 4, 3, 2, 2)}, ints("perm", 0, 2, 3, 1))
		return g.gemm(g.add(a, g.unary("Flatten", b)), 4*8*6, 3)
	},
	"factors and addends": func(g *onnxGraph) string {
		x := g.conv("x", 4, 3, 2, 2)
		x = g.unary("Relu", g.add(g.node("Mul", []string{x, g.weights(4, 1, 1)}), g.weights(1, 4, 1, 1)))
		x = g.node("Mul", []string{g.unary("Flatten", x), g.weights(4 * 8 * 6)})
		return g.gemm(g.add(x, g.weights(1, 4*8*6)), 4*8*6, 3)
	},
	"channels last": func(g *onnxGraph) string { // 3 x 9 x 7 are rows, columns and channels
		x := g.node("Transpose", []string{"x"}, ints("perm", 0, 3, 1, 2))
		x = g.unary("Relu", g.conv(x, 4, 7, 2, 2))
		x = g.node("Transpose", []string{x}, ints("perm", 0, 2, 3, 1))
		x = g.add(g.node("Mul", []string{x, g.weights(4)}), g.weights(4))
		x = g.node("Reshape", []string{x, g.list(-1, 4*2*8)})
		x = g.add(g.node("MatMul", []string{x, g.weights(4*2*8, 6)}), g.weights(6))
		return g.add(g.node("MatMul", []string{g.unary("Relu", x), g.weights(6, 3)}), g.weights(3))
	},
	"there and back": func(g *onnxGraph) string {
		x := g.node("Transpose", []string{"x"}, ints("perm", 0, 2, 3, 1))
		x = g.node("Transpose", []string{x}, ints("perm", 0, 3, 1, 2))
		return g.gemm(g.conv(x, 2, 3, 2, 2), 2*8*6, 3)
	},
	"dense only": func(g *onnxGraph) string {
		x := g.node("Reshape", []string{"x", g.list(0, -1)})
		x = g.unary("Sigmoid", g.node("Gemm", []string{x, g.weights(8, 189)}, integer("transB", 1)))
		x = g.node("Gemm", []string{x, g.weights(3, 8), g.weights(1, 3)}, integer("transB", 1))
		return g.unary("Softmax", x)
	},
	"sample of another shape": func(g *onnxGraph) string {
		x := g.node("Reshape", []string{"x", g.list(0, 9, -1)})
		x = g.node("Conv", []string{x, g.weights(6, 3, 4)}, ints("strides", 2), ints("pads", 3, 1),
			integer("group", 3))
		x = g.node("MaxPool", []string{x}, ints("kernel_shape", 2), ints("strides", 2))
		x = g.node("AveragePool", []string{x}, ints("kernel_shape", 3), ints("pads", 0, 2)) // of stride 1
		return g.gemm(x, 6*5, 3)
	},
	"groups": func(g *onnxGraph) string {
		x := g.conv("x", 6, 1, 3, 2, integer("group", 3), ints("pads", 2, 1, 0, 0))
		x = g.node("Clip", []string{x, g.number(0), g.number(0.05)})
		x = g.conv(x, 4, 3, 2, 2, integer("group", 2), ints("strides", 1, 2))
		x = g.node("Clip", []string{x, g.number(0), g.number(float32(math.Inf(1)))})
		return g.gemm(g.pool("MaxPool", x, 2, 2), 4*4*1, 3)
	},
	"values that are read twice": func(g *onnxGraph) string {
		x := g.conv("x", 4, 3, 2, 2)
		same := g.unary("Identity", x)
		a, b := g.unary("Relu", same), g.unary("Sigmoid", g.unary("Flatten", x))
		g.node("Clip", []string{x, "", g.number(0.1)}) // C has no such limit; nothing reads it
		c := g.node("Clip", []string{x, g.number(0), g.number(0.1)})
		d := g.pool("MaxPool", x, 2, 2)
		g.unary("Relu", d) // nothing reads it
		return g.add(g.add(g.gemm(g.add(a, c), 4*8*6, 3), g.gemm(b, 4*8*6, 3)), g.gemm(d, 4*4*3, 3))
	},
	"activated sample": func(g *onnxGraph) string {
		x := g.node("Mul", []string{g.unary("Flatten", "x"), g.weights(189)})
		return g.gemm(g.add(g.unary("Relu", x), g.unary("Sigmoid", g.unary("Flatten", "x"))), 189, 3)
	},
	"one place": func(g *onnxGraph) string {
		x := g.conv("x", 6, 3, 9, 7)
		x = g.node("Reshape", []string{g.unary("Flatten", g.unary("Relu", x)), g.list(0, 6, 1, 1)})
		x = g.conv(x, 4, 6, 3, 3, ints("pads", 2, 1, 2, 1))
		return g.unary("Flatten", g.pool("AveragePool", x, 1, 1))
	},
}

// operators is a program of packs of those graphs.
func operators(t *testing.T) *program {
	p, rng := newProgram(t), rand.New(rand.NewPCG(5, 6))
	for i, name := range slices.Sorted(maps.Keys(written)) {
		g := newGraph(3, 9, 7)
		n := g.parse(t, written[name](g))
		for k := range 3 {
			f, nets := packOf(rng, formats()[(4*i+31*k)%len(formats())], n)
			p.add(t, fmt.Sprintf("p%d_%d", i, k), f, nets)
		}
	}
	return p
}

func TestOperators(t *testing.T) {
	p := operators(t)
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
	p.near8(t)
	p.depend(t)
}

// depend fails where no pack of a network has outputs that the sample changes.
func (p *program) depend(t *testing.T) {
	t.Helper()
	changed := map[string]bool{}
	for i, n := range p.nets {
		weights, x := p.sets[i].Weights(0), sample(n.Samples())
		a := p.outputs(t, n, weights, x)
		clear(x)
		for k, b := range p.outputs(t, n, weights, x) {
			if off := math.Abs(float64(a[k] - b)); off > 1e-3 && off > 1e-3*math.Abs(float64(b)) {
				changed[n.Architecture()] = true
			}
		}
	}
	for i, n := range p.nets {
		if !changed[n.Architecture()] {
			t.Errorf("%s: its outputs do not depend on the sample", p.all[i])
		}
	}
}

// randomGraph is a network of layers that read any values before.
func randomGraph(t *testing.T, rng *rand.Rand) *network.Network {
	type image struct {
		name string
		shape
	}
	g := newGraph(1+rng.IntN(4), 4+rng.IntN(9), 4+rng.IntN(9))
	size := g.Input[0].Type.GetTensorType().Shape.Dim
	at := func(i int) int { return int(size[i].GetDimValue()) }
	all := []image{{"x", shape{at(2), at(3), at(1)}}}
	if rng.IntN(3) == 0 { // channels last
		all[0] = image{g.node("Transpose", []string{"x"}, ints("perm", 0, 3, 1, 2)), shape{at(1), at(2), at(3)}}
	}
	window := func(in, size, stride, before, after int) int { return (in+before+after-size)/stride + 1 }
	for range 3 + rng.IntN(6) {
		x := all[max(rng.IntN(len(all)), rng.IntN(len(all)))]
		k, s := rng.IntN(min(4, x.rows, x.columns))+1, 1+rng.IntN(2)
		before, after := rng.IntN(k), rng.IntN(k)
		pads := []int64{int64(before), int64(after), int64(after), int64(before)}
		to := shape{window(x.rows, k, s, before, after), window(x.columns, k, s, before, after), x.channels}
		name := ""
		switch op := rng.IntN(9); op {
		case 0, 1, 2, 3:
			groups := 1
			if to.channels = 1 + rng.IntN(6); rng.IntN(3) == 0 {
				groups, to.channels = x.channels, x.channels*(1+rng.IntN(2))
			}
			in := []string{x.name, g.weights(to.channels, x.channels/groups, k, k)}
			if op > 1 {
				in = append(in, g.weights(to.channels))
			}
			name = g.node("Conv", in, ints("strides", int64(s), int64(s)), ints("pads", pads...),
				integer("group", int64(groups)))
			if op == 1 {
				name = g.add(name, g.weights(to.channels, 1, 1))
			}
			if op < 3 {
				name = g.unary([]string{"Relu", "Sigmoid"}[rng.IntN(2)], name)
			}
			if rng.IntN(2) == 0 && min(to.rows, to.columns) > 1 {
				name = g.pool("MaxPool", name, 2, 2)
				to.rows, to.columns = to.rows/2, to.columns/2
			}
		case 4, 5:
			name = g.pool([]string{"MaxPool", "AveragePool"}[op-4], x.name, int64(k), int64(s), pads...)
		case 6:
			name, to = g.unary([]string{"Relu", "Sigmoid"}[rng.IntN(2)], x.name), x.shape
			if x.name == "x" {
				continue // a sample that is no image yet
			}
		case 7:
			name = g.node("Mul", []string{x.name, g.weights(x.channels, 1, 1)})
			if to = x.shape; x.name == "x" {
				continue
			}
		default:
			same := slices.IndexFunc(all, func(y image) bool { return y.shape == x.shape })
			if to = x.shape; x.name == "x" || all[same].name == "x" {
				continue
			}
			name = g.add(x.name, all[same].name)
		}
		all = append(all, image{name, to})
	}
	logits := ""
	for i, x := range all[1:] {
		last := g.gemm(x.name, x.size(), 3)
		if logits == "" {
			logits = last
		} else if rng.IntN(2) == 0 || i == len(all)-2 { // others are read by nothing
			logits = g.add(logits, last)
		}
	}
	return g.parse(t, g.unary("Softmax", logits))
}

func TestRandomGraphs(t *testing.T) {
	p, rng := newProgram(t), rand.New(rand.NewPCG(5, 7))
	for i := range 8 {
		n := randomGraph(t, rng)
		for k := range 2 {
			f, nets := packOf(rng, formats()[(4*i+49*k)%len(formats())], n)
			p.add(t, fmt.Sprintf("p%d_%d", i, k), f, nets)
		}
	}
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
	p.near8(t)
	p.depend(t)
}
