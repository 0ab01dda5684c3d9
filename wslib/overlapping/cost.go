package overlapping

import "sync"

// pageCost is the cost of putting page b on page a: over the weights where both
// Fisher values are above 0, the sum of (Fa + Fb) (wa - wb)^2, in float64 and in
// order of the weights. Either page may be short, as the last of a network is.
func pageCost(fa, wa []float64, fb, wb []float32) float64 {
	cost := 0.0
	for j, f := range fb[:min(len(fb), len(fa))] {
		if f > 0 && fa[j] > 0 {
			d := wa[j] - float64(wb[j])
			cost += float64((fa[j] + float64(f)) * d * d)
		}
	}
	return cost
}

// cost of putting a network's page on shared page a, as the plan is now.
func (p *Plan) cost(a int, weights, fisher []float32) float64 {
	n := p.PageSize
	return pageCost(p.FisherSum[a*n:][:n], p.Values[a*n:][:n], fisher, weights)
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// four holds four pages of a network weight by weight, so that one pass over a page costs them
// all: four sums that do not wait for each other. Each of them is pageCost to the bit.
// (Expanding the square into matrix products would be faster still, but rounds equal costs
// apart, and ties must go to the lower page index.)
type four struct {
	weights []fourWeights // [page size]
	fa, wa  []float64     // scratch of meet
}

var fours = sync.Pool{New: func() any { return new(four) }}

// fourWeights are Fisher information, weights, and 1 where the former is above 0, else 0.
type fourWeights struct{ f, w, counts [4]float64 }

func (q *four) meet(weights, fisher []float32) [4]float64 {
	q.fa, q.wa = q.fa[:0], q.wa[:0]
	for j, f := range fisher {
		q.fa, q.wa = append(q.fa, float64(f)), append(q.wa, float64(weights[j]))
	}
	return q.costs(q.fa, q.wa)
}

// set takes over one to four pages; missing ones, and the end of a short page, get
// Fisher information 0, which costs nothing.
func (q *four) set(size, pages int, at func(i int) (weights, fisher []float32)) {
	if len(q.weights) != size {
		q.weights = make([]fourWeights, size)
	}
	clear(q.weights)
	for i := range pages {
		weights, fisher := at(i)
		for j, f := range fisher {
			b := &q.weights[j]
			if b.f[i], b.w[i] = float64(f), float64(weights[j]); f > 0 {
				b.counts[i] = 1
			}
		}
	}
}

func (q *four) costs(fa, wa []float64) [4]float64 {
	var c0, c1, c2, c3 float64
	weights, wa := q.weights[:len(fa)], wa[:len(fa)]
	for j, f := range fa {
		if f <= 0 {
			continue
		}
		b, w := &weights[j], wa[j]
		d0, d1, d2, d3 := w-b.w[0], w-b.w[1], w-b.w[2], w-b.w[3]
		c0 += float64((f+b.f[0])*d0*d0) * b.counts[0]
		c1 += float64((f+b.f[1])*d1*d1) * b.counts[1]
		c2 += float64((f+b.f[2])*d2*d2) * b.counts[2]
		c3 += float64((f+b.f[3])*d3*d3) * b.counts[3]
	}
	return [4]float64{c0, c1, c2, c3}
}
