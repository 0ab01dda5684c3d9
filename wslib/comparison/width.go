package comparison

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
)

// WidthScaled makes networks narrower: the same architecture with all hidden widths
// times a factor, trained from scratch as the separate networks were, with batch and dropout of
// Scratch for every network, then quantized and trained on like [Quantized].
type WidthScaled struct {
	Factor  float64             // above 0; see [FactorFor]
	Bits    int                 // 8, 4, 2 or 1 [8]
	Page    int                 // weights with one scale [512]
	Scratch optimization.Recipe // of the training from scratch
}

// Name is width-FACTOR-BITS.
func (m WidthScaled) Name() string { return fmt.Sprintf("width-%.4g-%d", m.Factor, m.quantized().Bits) }

// Stored is values and scales of the narrower networks.
func (m WidthScaled) Stored(networks []*network.Network) Stored {
	return m.quantized().Stored(scaleAll(networks, m.Factor))
}

func (m WidthScaled) quantized() Quantized { return Quantized{Bits: cmp.Or(m.Bits, 8), Page: m.Page} }

func (m WidthScaled) validate() error {
	if !(m.Factor > 0) || math.IsInf(m.Factor, 0) {
		return fmt.Errorf("factor %v of widths, want a number above 0", m.Factor)
	}
	if err := m.Scratch.Validate(); err != nil {
		return fmt.Errorf("training from scratch: %w", err)
	}
	return m.quantized().validate()
}

func (m WidthScaled) train(ctx context.Context, r *run) (*Result, error) {
	return r.separate(ctx, func(i int) recipe {
		task := r.tasks[i]
		task.Network = narrow(task.Network, m.Factor)
		return recipe{task: task, start: task.Network.Initial(r.Seed), scratch: &m.Scratch,
			form:   m.quantized().form(task.Network),
			stored: func([]bool) Stored { return m.quantized().Stored([]*network.Network{task.Network}) }}
	})
}

// narrow is a network with the output channels of its convolutions and its hidden
// dense sizes times a factor, rounded, 1 at least. Name, input and classes stay.
func narrow(n *network.Network, factor float64) *network.Network {
	scaled := func(width int) int { return max(1, int(math.Round(factor*float64(width)))) }
	s := *n
	s.Convs = append([]network.Conv(nil), n.Convs...)
	s.Dense = append([]int(nil), n.Dense...)
	channels := n.Input[2]
	for i := range s.Convs {
		s.Convs[i].In, s.Convs[i].Out = channels, scaled(n.Convs[i].Out)
		channels = s.Convs[i].Out
	}
	if k := len(n.Convs); k > 0 {
		s.Dense[0] = n.Dense[0] / n.Convs[k-1].Out * channels // pooled height times width stays
	}
	for i := 1; i < len(s.Dense)-1; i++ {
		s.Dense[i] = scaled(n.Dense[i])
	}
	return &s
}

func scaleAll(networks []*network.Network, factor float64) []*network.Network {
	scaled := make([]*network.Network, len(networks))
	for i, n := range networks {
		scaled[i] = narrow(n, factor)
	}
	return scaled
}
