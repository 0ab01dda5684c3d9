package overlapping

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"weightsep/wslib/page"
)

// deviation of shared pages at the start: that of a typical trained layer, so that one
// learning rate fits shared and exclusive pages.
const deviation = 0.05

// keyedDeviation is that of pages with keys, shared and exclusive: at one learning rate they move
// less than others for their size, for they have less to learn. Of 0.05, 0.2 and 1 it led to the best
// accuracy (results/optimization.md).
const keyedDeviation = 0.2

// StartSet is the plan's pages with a scale per page and network, ready to be optimized.
// keys is the precision of the networks' keys, [page.Int2], or 0 for none.
//
// Each network's page is divided by its root mean square, which becomes its scale. Without
// keys a shared page is the sum of the pages on it, divided by the square root of their
// number, so that it keeps that magnitude. With keys each network keeps for each weight a
// sign and one of two magnitudes ([page.Table.PackKeys]), and a shared page is the value of
// least squared error.
func (p *Plan) StartSet(keys page.Precision) (*page.Set, error) {
	if keys != 0 && keys != page.Int2 {
		return nil, fmt.Errorf("overlapping: keys of %v, want %v or 0 for none", keys, page.Int2)
	}
	s := p.Set(true)
	if s.KeyPrecision = keys; keys != 0 {
		p.key(s)
	} else {
		p.normalized(s)
	}
	return s, nil
}

// normalized starts the shared pages and scales of a set without keys.
func (p *Plan) normalized(s *page.Set) {
	values := make([]float32, p.Shared*p.PageSize)
	for i := range p.Members {
		p.Members[i].eachSharing(p.PageSize, func(b, shared int, weights, _ []float32) {
			r := rms(weights)
			s.Networks[i].Scales[b] = r / deviation // 0 of a page of zeros, whose scale can learn
			for j, w := range weights {
				if r > 0 {
					values[shared*p.PageSize+j] += w / r * deviation
				}
			}
		})
	}
	for i := range values {
		if c := p.pages[i/p.PageSize]; c > 0 {
			values[i] /= float32(math.Sqrt(float64(c)))
		}
	}
	s.Pages = page.PackFloats(values)
}

// key gives the networks of a set with scales keys that follow their weights. Exclusive pages
// are brought to the magnitude of the shared ones, too.
func (p *Plan) key(s *page.Set) {
	pages := make([]float32, p.Shared*p.PageSize)
	squares := make([]float32, len(pages)) // sums of the keys' squares
	for i := range s.Networks {
		m, weights := &s.Networks[i], p.Members[i].Weights
		values, exclusive := make([]float32, len(weights)), s.ExclusiveValues(i)
		for b, e := range m.Table.Entries {
			w := cut(weights, b, p.PageSize)
			if r := rms(w); r > 0 {
				m.Scales[b] = r / keyedDeviation
			}
			if own := int(e) - p.Shared; own >= 0 {
				for j := range w {
					exclusive[own*p.PageSize+j] /= m.Scales[b]
				}
				continue
			}
			for j, v := range w {
				v /= m.Scales[b]
				// 1.5 is the key from about the root mean square of the network's page on.
				key := s.KeyPrecision.Round(v / keyedDeviation)
				values[b*p.PageSize+j] = key
				at := int(e)*p.PageSize + j
				pages[at] += v * key
				squares[at] += key * key
			}
		}
		m.Exclusive, m.Keys = page.PackFloats(exclusive), m.Table.PackKeys(values, p.PageSize)
	}
	for i, square := range squares {
		if square > 0 {
			pages[i] /= square
		}
	}
	s.Pages = page.PackFloats(pages)
}

// rms is the root mean square of a page, its padding left out.
func rms(v []float32) float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return float32(math.Sqrt(sum / float64(len(v))))
}

// Set is the plan's pages before optimization: shared pages as they are, each
// network's own weights in its exclusive pages. With scales, each page gets
// scale 1 to be trained later.
func (p *Plan) Set(scales bool) *page.Set {
	s := &page.Set{Format: page.Format{Size: p.PageSize, Shared: p.Shared}}
	values := make([]float32, len(p.Values))
	for i, v := range p.Values {
		values[i] = float32(v)
	}
	s.Pages = page.PackFloats(values)
	for _, m := range p.Members {
		member := page.Member{Name: m.Name, Weights: len(m.Weights), Table: m.Table, State: m.State}
		own := make([]float32, len(m.Exclusive)*p.PageSize)
		for k, b := range m.Exclusive {
			copy(own[k*p.PageSize:], cut(m.Weights, b, p.PageSize))
		}
		member.Exclusive = page.PackFloats(own)
		if scales {
			member.Scales = slices.Repeat([]float32{1}, len(m.Table.Entries))
		}
		s.Networks = append(s.Networks, member)
	}
	return s
}

// Extend is [Plan.StartSet] for networks that join optimized ones which are held, bit for
// bit, while the others are trained: those that old holds have pages and scales as they are
// stored there, code values as float32. The plan's first shared pages are those of old; others
// may follow.
//
// It is an error if the plan has fewer shared pages, or of another size, if old has no scales,
// or a network of old is missing or lies on other pages in the plan.
func (p *Plan) Extend(old *page.Set, keys page.Precision) (*page.Set, error) {
	s, err := p.resume(old, keys)
	if err != nil {
		return nil, err
	}
	held := old.SharedValues()
	page.PutFloats(s.Pages, held)
	for _, n := range old.Networks {
		if s.Index(n.Name) < 0 {
			return nil, fmt.Errorf("overlapping: network %s is held, but not in the plan", n.Name)
		}
	}
	// The values on held pages have another magnitude than those that training starts from.
	for i := range s.Networks {
		m := &s.Networks[i]
		if old.Index(m.Name) >= 0 {
			continue
		}
		for b, e := range m.Table.Entries {
			if int(e) < old.Shared {
				if r := rms(held[int(e)*s.Size : (int(e)+1)*s.Size]); r > 0 {
					m.Scales[b] = rms(cut(p.Members[i].Weights, b, p.PageSize)) / r
				}
			}
		}
	}
	return s, nil
}

// resume is [Plan.StartSet] with exclusive pages, in float32, scales, keys and states of networks
// that old holds. The plan may have more shared pages than old, after those of old.
func (p *Plan) resume(old *page.Set, keys page.Precision) (*page.Set, error) {
	more := p.Shared - old.Shared
	s, err := p.StartSet(keys)
	if err != nil {
		return nil, err
	}
	if old.Size != p.PageSize || more < 0 {
		return nil, fmt.Errorf("overlapping: optimized pages are %d of %d, the plan has %d of %d",
			old.Shared, old.Size, p.Shared, p.PageSize)
	}
	s.KeyPrecision = cmp.Or(s.KeyPrecision, old.KeyPrecision)
	for i := range s.Networks {
		m := &s.Networks[i]
		k := old.Index(m.Name)
		if k < 0 {
			continue
		}
		n := old.Networks[k]
		same := func(now, then int32) bool {
			if int(then) >= old.Shared {
				then += int32(more)
			}
			return now == then
		}
		if n.Scales == nil || n.Weights != m.Weights ||
			!slices.EqualFunc(m.Table.Entries, n.Table.Entries, same) {
			return nil, fmt.Errorf("overlapping: network %s is optimized without scales or on "+
				"other pages", m.Name)
		}
		m.Exclusive = page.PackFloats(old.ExclusiveValues(k))
		m.Scales, m.Keys, m.State = slices.Clone(n.Scales), slices.Clone(n.Keys), slices.Clone(n.State)
	}
	return s, nil
}
