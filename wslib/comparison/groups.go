package comparison

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

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
