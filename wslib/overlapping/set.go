package overlapping

import "weightsep/wslib/page"

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
			member.Scales = make([]float32, len(m.Table.Entries))
			for i := range member.Scales {
				member.Scales[i] = 1
			}
		}
		s.Networks = append(s.Networks, member)
	}
	return s
}
