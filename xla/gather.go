package xla

import "github.com/gomlx/gomlx/core/graph"

// GatherPages assembles a network's pages through its page table.
//
// pages [P, size] holds shared pages and then the network's own; table int32 [n]
// has values in 0..P-1. The result is [n, size]. Its gradient adds up where several
// entries name one page.
//
// The table is an argument, not a constant: another table needs no recompile.
func GatherPages(pages, table *graph.Node) *graph.Node {
	return graph.Gather(pages, graph.InsertAxes(table, -1))
}

// FlatWeights cuts gathered pages [n, size] down to the flat weight vector
// [weights]: the padding of the last page is dropped.
func FlatWeights(pages *graph.Node, weights int) *graph.Node {
	return graph.Slice(graph.Reshape(pages, -1), graph.AxisRange(0, weights))
}
