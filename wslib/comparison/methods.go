package comparison

import (
	"cmp"
	"fmt"
	"math"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Further trains separate networks on, in float32: what the further steps alone are
// worth.
type Further struct{}

// Name is further.
func (Further) Name() string { return "further" }

func (Further) validate() error { return nil }

func (Further) form(*network.Network) form { return form{} }

func (Further) bytes(n *network.Network, _ []bool) int { return 4 * n.Weights() }

// Quantized stores separate networks as small integers with a scale for each page,
// a constant times the page's root mean square. Training rounds in the loop, with
// the gradient of a rounded weight passed straight through to the weight where that
// is within reach of the levels. Levels are the integers up to ±127 for 8 bits and
// ±7 for 4, ±0.5 and ±1.5 scales for 2 bits, and a sign for 1.
type Quantized struct {
	Bits int // 8, 4, 2 or 1
	Page int // weights with one scale [512]
}

// Name is quantized-BITS.
func (m Quantized) Name() string { return fmt.Sprintf("quantized-%d", m.Bits) }

func (m Quantized) validate() error {
	if m.Page < 0 {
		return fmt.Errorf("pages of %d weights, want 1 or more", m.Page)
	}
	return checkBits(m.Bits)
}

func (m Quantized) page() int { return cmp.Or(m.Page, page.DefaultSize) }

func (m Quantized) form(n *network.Network) form {
	q := forBits(m.Bits)
	return form{quantizer: &q, groups: pageGroups(n.Weights(), m.page())}
}

func (m Quantized) bytes(n *network.Network, _ []bool) int {
	return packed(n.Weights(), m.Bits) + scaleBytes*page.Count(n.Weights(), m.page())
}

// Pruned keeps of each network the weights of largest magnitude, relative to that of
// their layer (LAMP, Lee et al., ICLR 2021), by one threshold for the whole network
// and gradually over the first half of the steps. What is kept is stored as
// half-integers with a scale for each layer (pages would have few weights each), and
// where, as a bit mask or as the gaps between in a Rice code, whichever is smaller.
type Pruned struct {
	Bits int     // of a kept weight: 8, 4, 2 or 1 [8]
	Keep float64 // share of a network's weights, above 0, at most 1; see [KeepFor]
}

// Name is pruned-BITS-KEEP.
func (m Pruned) Name() string { return fmt.Sprintf("pruned-%d-%.4g", m.bits(), m.Keep) }

func (m Pruned) validate() error {
	if !(m.Keep > 0 && m.Keep <= 1) {
		return fmt.Errorf("share of weights kept is %v, want it above 0, and 1 at most", m.Keep)
	}
	return checkBits(m.bits())
}

func (m Pruned) bits() int { return cmp.Or(m.Bits, 8) }

// kept is the number of weights that are kept, 1 at least.
func (m Pruned) kept(n *network.Network) int {
	return max(1, int(math.Round(m.Keep*float64(n.Weights()))))
}

func (m Pruned) form(n *network.Network) form {
	q := withoutZero(m.bits())
	return form{quantizer: &q, groups: layerGroups(n), keep: m.kept(n)}
}

func (m Pruned) bytes(n *network.Network, mask []bool) int {
	indices := indexBytesMost(n.Weights(), m.kept(n))
	if mask != nil {
		indices = indexBytes(mask)
	}
	return packed(m.kept(n), m.bits()) + scaleBytes*len(n.Layers()) + min(indices, packed(n.Weights(), 1))
}

// KeepFor is the largest share of weights, the same for all networks, with which
// [Pruned] stores them in at most budget bytes, wherever the kept weights lie.
func KeepFor(networks []*network.Network, bits, budget int) (float64, error) {
	bytes := func(keep float64) int { return bytesAtMost(Pruned{Bits: bits, Keep: keep}, networks) }
	if bytes(1) <= budget {
		return 1, nil
	}
	low, high := 1e-6, 1.0
	if least := bytes(low); least > budget {
		return 0, fmt.Errorf("comparison: pruned networks take %d bytes at least, the budget is %d", least, budget)
	}
	for range 40 { // bytes never fall with the share
		if middle := (low + high) / 2; bytes(middle) <= budget {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}
