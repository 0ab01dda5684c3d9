package firmware

import (
	"math"
)

// span is the least and the largest of a value, with 0 among them.
type span struct{ low, high float32 }

// spans runs samples through a model, one after another, and says between what its values lie.
func (m *model) spans(weights, samples []float32) map[*value]span {
	spans := map[*value]span{}
	see := func(v *value, x []float32) {
		s := spans[v]
		for _, x := range x {
			s.low, s.high = min(s.low, x), max(s.high, x)
		}
		spans[v] = s
	}
	values := map[*value][]float32{}
	for _, l := range m.layers {
		values[l.to] = make([]float32, l.to.size())
	}
	for n := m.sample.size(); len(samples) >= n; samples = samples[n:] {
		values[m.sample] = samples[:n]
		see(m.sample, samples[:n])
		for _, l := range m.layers {
			l.run(weights, values[l.from], values[l.with], values[l.to])
			see(l.to, values[l.to])
		}
	}
	return spans
}

// index is where a value of an image lies in memory.
func (s shape) index(chw bool, y, x, channel int) int {
	if chw {
		return (channel*s.rows+y)*s.columns + x
	}
	return (y*s.columns+x)*s.channels + channel
}

// run computes a layer as weightsep.h does.
func (l *layer) run(weights, in, with, out []float32) {
	for y := range l.to.rows {
		for x := range l.to.columns {
			for o := range l.to.channels {
				var v float32
				switch l.kind {
				case sum:
					v = in[l.in.index(l.from.chw, y, x, o)] + with[l.in.index(l.with.chw, y, x, o)]
				case convolution:
					v = l.point(weights, in, y*l.pool, x*l.pool, o)
					for p := 1; p < l.pool*l.pool; p++ {
						v = max(v, l.point(weights, in, 2*y+p/2, 2*x+p%2, o))
					}
					if l.bias != none {
						v += weights[l.bias+o]
					}
				default:
					v = l.window(in, y, x, o)
				}
				out[l.to.index(l.to.chw, y, x, o)] = l.activate(v)
			}
		}
	}
}

// inside calls f with each place of a window that lies in the input.
func (l *layer) inside(row, column int, f func(y, x, v, u int)) {
	for v := range l.height {
		for u := range l.width {
			y, x := row*l.down-l.top+v, column*l.right-l.left+u
			if y >= 0 && y < l.in.rows && x >= 0 && x < l.in.columns {
				f(y, x, v, u)
			}
		}
	}
}

func (l *layer) point(weights, in []float32, row, column, o int) (total float32) {
	each := l.in.channels / l.groups
	first := o / (l.to.channels / l.groups) * each
	l.inside(row, column, func(y, x, v, u int) {
		k, step := l.kernel+(v*l.width+u)*each*l.to.channels+o, l.to.channels
		if l.oihw {
			k, step = l.kernel+(o*each*l.height+v)*l.width+u, l.height*l.width
		}
		for i := range each {
			total += in[l.in.index(l.from.chw, y, x, first+i)] * weights[k+i*step]
		}
	})
	return total
}

func (l *layer) window(in []float32, row, column, o int) float32 {
	most, total, places := float32(math.Inf(-1)), float32(0), float32(0)
	l.inside(row, column, func(y, x, _, _ int) {
		v := in[l.in.index(l.from.chw, y, x, o)]
		most, total, places = max(most, v), total+v, places+1
	})
	if l.kind == mean {
		return total / places
	}
	return most
}

func (l *layer) activate(x float32) float32 {
	if l.sigmoid {
		return float32(1 / (1 + math.Exp(-float64(x))))
	}
	if x < 0 {
		x *= l.slope
	}
	return min(x, l.limit)
}
