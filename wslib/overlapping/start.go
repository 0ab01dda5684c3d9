package overlapping

import (
	"fmt"
	"math"
	"math/rand/v2"

	"weightsep/wslib/page"
)

// Start says where optimization with scales starts from.
type Start string

const (
	// AveragePages: the Fisher-weighted means of the networks' own weights, scales 1.
	AveragePages Start = "average"
	// RandomPages, normally distributed; each scale brings its page to the root
	// mean square of the network's own weights there.
	RandomPages Start = "random"
	// NormalizedPages: each network's page is divided by its root mean square, which
	// becomes its scale; a shared page is the sum of the pages on it, divided by the
	// square root of their number, so that it keeps that magnitude. Of the three it
	// leads to the best accuracy in few steps.
	NormalizedPages Start = "normalized"
	// SignedPages: each network keeps the signs of its weights on shared pages, a key of a bit
	// each ([page.Table.PackKeys]), and divides their magnitudes by the page's root mean square,
	// which becomes its scale; a shared page is the mean of the magnitudes on it. Networks start
	// with far less lost than from the others.
	SignedPages Start = "signed"
	// KeyedPages: the same with keys of two bits, which also tell small weights from large
	// ones; a shared page is the value of least squared error. Less still is lost.
	KeyedPages Start = "keyed"
)

// deviation of random and normalized pages: that of a typical trained layer, so
// that one learning rate fits shared and exclusive pages.
const deviation = 0.05

// keyedDeviation is that of pages with keys, shared and exclusive: at one learning rate they move
// less than others for their size, for they have less to learn. Of 0.05, 0.2 and 1 it led to the best
// accuracy with signs (results/optimization.md).
const keyedDeviation = 0.2

// Starts are all starts there are.
func Starts() []Start {
	return []Start{AveragePages, RandomPages, NormalizedPages, SignedPages, KeyedPages}
}

// Keys is the precision of the networks' keys, see [page.Set]; 0: they have none.
func (s Start) Keys() page.Precision {
	switch s {
	case SignedPages:
		return page.Int1
	case KeyedPages:
		return page.Int2
	}
	return 0
}

// KeyedStart is the start of networks with keys of a precision, Int1 or Int2.
func KeyedStart(keys page.Precision) Start {
	if keys == page.Int1 {
		return SignedPages
	}
	return KeyedPages
}

// StartSet is the plan's pages with a scale per page and network, ready to be
// optimized. The seed matters for random pages only.
func (p *Plan) StartSet(start Start, seed uint64) (*page.Set, error) {
	s := p.Set(true)
	switch start {
	case AveragePages:
		return s, nil
	case RandomPages:
		rng := rand.New(rand.NewPCG(seed, 0x7061676573))
		for i := range s.Pages {
			s.Pages[i] = float32(rng.NormFloat64() * deviation)
		}
	case NormalizedPages:
		clear(s.Pages)
		count := make([]float32, p.Shared)
		for i := range p.Members {
			p.Members[i].eachSharing(p.PageSize, func(_, shared int, weights, _ []float32) {
				count[shared]++
				if r := rms(weights); r > 0 {
					for j, w := range weights {
						s.Pages[shared*p.PageSize+j] += w / r * deviation
					}
				}
			})
		}
		for i := range s.Pages {
			if c := count[i/p.PageSize]; c > 0 {
				s.Pages[i] /= float32(math.Sqrt(float64(c)))
			}
		}
	case SignedPages, KeyedPages:
		p.key(s, start.Keys())
		return s, nil
	default:
		return nil, fmt.Errorf("overlapping: start %q, want one of %v", start, Starts())
	}
	for i := range s.Networks {
		for b, e := range s.Networks[i].Table.Entries {
			if int(e) < p.Shared {
				// 0 of a page of zeros, whose scale can learn.
				s.Networks[i].Scales[b] = rms(cut(p.Members[i].Weights, b, p.PageSize)) / deviation
			}
		}
	}
	return s, nil
}

// key gives the networks of a set with scales keys that follow their weights. Exclusive pages
// are brought to the magnitude of the shared ones, too.
func (p *Plan) key(s *page.Set, keys page.Precision) {
	clear(s.Pages)
	s.KeyPrecision = keys
	squares := make([]float32, len(s.Pages)) // sums of the keys' squares
	for i := range s.Networks {
		m, weights := &s.Networks[i], p.Members[i].Weights
		values := make([]float32, len(weights))
		own := 0
		for b, e := range m.Table.Entries {
			w := cut(weights, b, p.PageSize)
			if r := rms(w); r > 0 {
				m.Scales[b] = r / keyedDeviation
			}
			if int(e) >= p.Shared {
				for j := range w {
					m.Exclusive[own*p.PageSize+j] /= m.Scales[b]
				}
				own++
				continue
			}
			for j, v := range w {
				v /= m.Scales[b]
				// Of two bits, 1.5 is the key from about the root mean square of the network's page on.
				key := keys.Round(v / keyedDeviation)
				values[b*p.PageSize+j] = key
				at := int(e)*p.PageSize + j
				s.Pages[at] += v * key
				squares[at] += key * key
			}
		}
		m.Keys = m.Table.PackKeys(values, p.PageSize, keys)
	}
	for i, square := range squares {
		if square > 0 {
			s.Pages[i] /= square
		}
	}
}

// rms is the root mean square of a page, its padding left out.
func rms(v []float32) float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return float32(math.Sqrt(sum / float64(len(v))))
}

// takeKeys gives s the precision of keys of an optimized set, part of which it takes over.
func takeKeys(s, old *page.Set) error {
	if s.KeyPrecision == 0 {
		s.KeyPrecision = old.KeyPrecision
	}
	if old.KeyPrecision != 0 && old.KeyPrecision != s.KeyPrecision {
		return fmt.Errorf("overlapping: optimized networks have keys of %v, the others would start with keys of %v", old.KeyPrecision, s.KeyPrecision)
	}
	return nil
}
