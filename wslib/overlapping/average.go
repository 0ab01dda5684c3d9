package overlapping

// lay adds a page to what a shared page holds of all networks. Sums holds, for each
// shared weight, the sum of F w over the pages on it as long as FisherSum is above
// 0, else the sum of w: never are both wanted, and the order of summation is that of
// joining, so that an average needs no look back at the networks.
func (p *Plan) lay(_, shared int, weights, fisher []float32) {
	at := shared * p.PageSize
	sums, fishers := p.sums[at:][:len(weights)], p.FisherSum[at:][:len(weights)]
	for j, x := range fisher {
		f, w := float64(x), float64(weights[j])
		switch {
		case fishers[j] > 0:
			sums[j] += f * w
		case f > 0:
			sums[j] = 0 + f*w
		default:
			sums[j] += w
		}
		fishers[j] += f
	}
	p.pages[shared]++
}

// Average sets every shared weight to the mean of the networks' original weights
// on it, weighted by their Fisher information; where all of that is 0, to the
// plain mean over its pages, the padding of which counts as 0. Pages that nobody uses become 0.
func (p *Plan) Average() {
	for a, count := range p.pages {
		at := a * p.PageSize
		values := p.Values[at:][:p.PageSize]
		if count == 0 {
			clear(values)
			continue
		}
		for j := range values {
			if f := p.FisherSum[at+j]; f > 0 {
				values[j] = p.sums[at+j] / f
			} else {
				values[j] = p.sums[at+j] / float64(count)
			}
		}
	}
}

// eachSharing calls f for every page b of the network that is on a shared page,
// pages rising. The last page of a network is as short as its weights are.
func (m *Member) eachSharing(size int, f func(b, shared int, weights, fisher []float32)) {
	for b, e := range m.Table.Entries {
		if int(e) < m.Table.Shared {
			f(b, int(e), cut(m.Weights, b, size), cut(m.Fisher, b, size))
		}
	}
}

// cut is page b of a flat vector, without the padding of the last one.
func cut(v []float32, b, size int) []float32 { return v[b*size : min((b+1)*size, len(v))] }

// TotalCost is the pairwise cost summed over all pairs of pages that meet on a
// shared page, on their networks' original weights and Fisher information. With
// doubling, pages of one network meet as those of two do.
func (p *Plan) TotalCost() float64 {
	total := 0.0
	for i, row := range p.Between() {
		for _, cost := range row[i:] {
			total += cost
		}
	}
	return total
}

// Between splits [Plan.TotalCost] by networks: in row i and column j is the cost of pages of networks i and
// j that meet, on the diagonal that of a network's own pages.
func (p *Plan) Between() [][]float64 {
	type tenant struct {
		member          int
		weights, fisher []float32
	}
	tenants := make([][]tenant, p.Shared)
	for i := range p.Members {
		p.Members[i].eachSharing(p.PageSize, func(_, shared int, weights, fisher []float32) {
			tenants[shared] = append(tenants[shared], tenant{i, weights, fisher})
		})
	}
	costs := make([][]float64, len(p.Members))
	for i := range costs {
		costs[i] = make([]float64, len(p.Members))
	}
	pairs := make([][]float64, p.Shared) // costs, in order of joining
	inParallel(p.Shared, func(a int) {
		for k, t := range tenants[a] {
			for _, before := range tenants[a][:k] {
				pairs[a] = append(pairs[a], pageCost(before.fisher, before.weights, t.fisher, t.weights))
			}
		}
	})
	for a, on := range tenants { // in one order, whoever computes them
		for k, t := range on {
			for _, before := range on[:k] {
				costs[before.member][t.member] += pairs[a][0]
				pairs[a] = pairs[a][1:]
			}
		}
	}
	for i := range costs {
		for j := range i {
			costs[i][j] = costs[j][i]
		}
	}
	return costs
}
