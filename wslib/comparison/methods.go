package comparison

import (
	"cmp"
	"context"
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

// Stored is 4 bytes a weight.
func (Further) Stored(networks []*network.Network) Stored {
	return sum(networks, func(n *network.Network) Stored { return Stored{Values: 4 * n.Weights()}.total() })
}

func (Further) validate() error { return nil }

func (m Further) train(ctx context.Context, r *run) (*Result, error) {
	return r.separate(ctx, func(i int) recipe {
		n := r.tasks[i].Network
		return recipe{task: r.tasks[i], start: r.weights[i], stored: func([]bool) Stored { return m.Stored([]*network.Network{n}) }}
	})
}

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

// Stored is values and scales.
func (m Quantized) Stored(networks []*network.Network) Stored {
	return sum(networks, func(n *network.Network) Stored {
		return storedQuantized(n.Weights(), m.Bits, cmp.Or(m.Page, page.DefaultSize))
	})
}

func (m Quantized) validate() error {
	if m.Page < 0 {
		return fmt.Errorf("pages of %d weights, want 1 or more", m.Page)
	}
	return checkBits(m.Bits)
}

// form of a network.
func (m Quantized) form(n *network.Network) form {
	q := forBits(m.Bits)
	return form{quantizer: &q, groups: pageGroups(n.Weights(), cmp.Or(m.Page, page.DefaultSize))}
}

func (m Quantized) train(ctx context.Context, r *run) (*Result, error) {
	return r.separate(ctx, func(i int) recipe {
		n := r.tasks[i].Network
		return recipe{task: r.tasks[i], start: r.weights[i], form: m.form(n),
			stored: func([]bool) Stored { return m.Stored([]*network.Network{n}) }}
	})
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
func (m Pruned) Name() string { return fmt.Sprintf("pruned-%d-%.4g", cmp.Or(m.Bits, 8), m.Keep) }

// Stored is what the networks take at most: how well places compress depends on
// the weights.
func (m Pruned) Stored(networks []*network.Network) Stored {
	return sum(networks, func(n *network.Network) Stored {
		return m.stored(n, indexBytesMost(n.Weights(), m.kept(n)))
	})
}

// stored is values, scales, and the smaller of indices and mask.
func (m Pruned) stored(n *network.Network, indices int) Stored {
	s := Stored{Values: packed(m.kept(n), cmp.Or(m.Bits, 8)), Scales: scaleBytes * len(n.Layers())}
	if mask := packed(n.Weights(), 1); mask <= indices {
		s.Masks = mask
	} else {
		s.Indices = indices
	}
	return s.total()
}

// kept is the number of weights that are kept, 1 at least.
func (m Pruned) kept(n *network.Network) int {
	return max(1, int(math.Round(m.Keep*float64(n.Weights()))))
}

func (m Pruned) validate() error {
	if !(m.Keep > 0 && m.Keep <= 1) {
		return fmt.Errorf("share of weights kept is %v, want it above 0, and 1 at most", m.Keep)
	}
	return checkBits(cmp.Or(m.Bits, 8))
}

func (m Pruned) train(ctx context.Context, r *run) (*Result, error) {
	return r.separate(ctx, func(i int) recipe {
		n := r.tasks[i].Network
		q := withoutZero(cmp.Or(m.Bits, 8))
		return recipe{task: r.tasks[i], start: r.weights[i],
			form:   form{quantizer: &q, groups: layerGroups(n), keep: m.kept(n)},
			stored: func(mask []bool) Stored { return m.stored(n, indexBytes(mask)) }}
	})
}
