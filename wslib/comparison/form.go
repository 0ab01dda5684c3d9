package comparison

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// form is how a separate network is stored: latent weights [weights], which are
// trained, to the weights that are executed. The zero value leaves them as they are.
type form struct {
	quantizer *quantizer // nil: float32
	groups    groups     // that share a scale; layers of a pruned network
	keep      int        // weights that are kept of a pruned network; 0: not pruned
}

// graph is the weights as executed, and where the gradient with respect to them
// goes on to the latent weights; nil: everywhere. mask holds 1 for what is kept and
// 0 elsewhere; nil: all is kept. The latent weights are 0 outside of the mask.
func (f form) graph(latent, mask *Node) (weights, within *Node) {
	if f.quantizer == nil {
		return latent, nil
	}
	count := OnesLike(latent)
	if mask != nil {
		count = mask
	}
	meanSquare := Div(f.groups.sum(Mul(latent, latent)), MaxScalar(f.groups.sum(count), 1))
	step := f.groups.spread(f.quantizer.graphStep(Sqrt(meanSquare)))
	weights, within = f.quantizer.graph(latent, step)
	if mask != nil {
		weights = Mul(weights, mask)
	}
	return weights, within
}

// straightThrough is the gradient with respect to the latent weights, given that
// with respect to the weights as executed.
func straightThrough(gradient, within, mask *Node) *Node {
	if within != nil {
		gradient = Where(within, gradient, ZerosLike(gradient))
	}
	if mask != nil {
		gradient = Mul(gradient, mask)
	}
	return gradient
}

// host is the same as graph in Go, with the mask of what is largest; nil: all.
func (f form) host(latent []float32) (weights []float32, mask []bool) {
	if f.keep > 0 {
		mask = largest(latent, f.groups, f.keep)
	}
	weights = make([]float32, len(latent))
	copy(weights, latent)
	kept := func(i int) bool { return mask == nil || mask[i] }
	if f.quantizer == nil {
		return weights, mask
	}
	for g := range f.groups.len() {
		begin, end := f.groups.bounds[g], f.groups.bounds[g+1]
		squares, count := 0.0, 0
		for i := begin; i < end; i++ {
			if kept(i) {
				squares += float64(latent[i]) * float64(latent[i])
				count++
			}
		}
		step := f.quantizer.hostStep(math.Sqrt(squares / float64(max(count, 1))))
		for i := begin; i < end; i++ {
			if kept(i) {
				weights[i] = f.quantizer.host(latent[i], step)
			} else {
				weights[i] = 0
			}
		}
	}
	return weights, mask
}

// groups are consecutive weights that share a scale: pages, or layers.
type groups struct {
	bounds []int // where each begins, and where the last ends
	size   int   // of pages; 0 for layers
}

func pageGroups(n, size int) groups {
	g := groups{size: size}
	for i := range page.Count(n, size) {
		g.bounds = append(g.bounds, i*size)
	}
	g.bounds = append(g.bounds, n)
	return g
}

func layerGroups(n *network.Network) groups {
	var g groups
	for _, l := range n.Layers() {
		g.bounds = append(g.bounds, l.Offset)
	}
	slices.Sort(g.bounds) // layers may lie in another order
	g.bounds = append(g.bounds, n.Weights())
	return g
}

func (g groups) len() int { return len(g.bounds) - 1 }

// weights in all groups.
func (g groups) weights() int { return g.bounds[g.len()] }

// sum adds up the values [weights] of each group: [groups].
func (g groups) sum(values *Node) *Node {
	if g.size > 0 {
		if pad := g.len()*g.size - g.weights(); pad > 0 {
			values = Concatenate([]*Node{values, Zeros(values.Graph(), shapes.Make(dtypes.Float32, pad))}, 0)
		}
		return ReduceSum(Reshape(values, g.len(), g.size), 1)
	}
	sums := make([]*Node, g.len())
	for i := range sums {
		sums[i] = Reshape(ReduceAllSum(Slice(values, AxisRange(g.bounds[i], g.bounds[i+1]))), 1)
	}
	return Concatenate(sums, 0)
}

// spread gives every weight the value of its group: [groups] to [weights].
func (g groups) spread(values *Node) *Node {
	if g.size > 0 {
		all := BroadcastToDims(InsertAxes(values, -1), g.len(), g.size)
		return Slice(Reshape(all, -1), AxisRange(0, g.weights()))
	}
	parts := make([]*Node, g.len())
	for i := range parts {
		parts[i] = BroadcastToDims(Slice(values, AxisRange(i, i+1)), g.bounds[i+1]-g.bounds[i])
	}
	return Concatenate(parts, 0)
}
