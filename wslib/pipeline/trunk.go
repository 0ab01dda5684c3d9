package pipeline

import (
	"fmt"

	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
)

// trunk is TrunkPlacement of a network n, which joins those before it among nets.
func trunk(nets []*network.Network, n *network.Network, size int) overlapping.Placement {
	// on says which convolutions page b holds, and where; "" of other layers.
	on := func(n *network.Network, b int) (convolutions string) {
		for _, l := range n.Layers() {
			if l.Offset < (b+1)*size && l.Offset+l.Size() > b*size {
				if len(l.Shape) != 4 {
					return ""
				}
				convolutions += fmt.Sprint(b, l.Offset, l.Shape)
			}
		}
		return convolutions
	}
	return func(p *overlapping.Plan, _ overlapping.Network, sharable []int) []int {
		pages, next := map[string]int{}, 0 // shared pages by what they hold, and the first that is free
		for i, m := range p.Members {
			for b, e := range m.Table.Entries {
				if int(e) < p.Shared {
					next = max(next, int(e)+1)
					pages[on(nets[i], b)] = int(e)
				}
			}
		}
		delete(pages, "")
		placed := make([]int, len(sharable))
		for i, b := range sharable {
			if e, there := pages[on(n, b)]; there {
				placed[i] = e
			} else {
				placed[i] = next
				next++
			}
		}
		return placed
	}
}
