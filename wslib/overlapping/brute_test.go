package overlapping

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// The oracle: the rules of overlapping written down once more, as literally as
// possible, on plain slices, with nothing shared with the package.

type bruteNet struct {
	w, f  [][]float64 // pages
	own   map[int]bool
	table []int
	cost  float64
}

// meet is the cost of two pages, terms rounded as documented: ties must be ties.
func meet(fa, wa, fb, wb []float64) (c float64) {
	for j := range fa {
		if fa[j] > 0 && fb[j] > 0 {
			d := wa[j] - wb[j]
			c += (fa[j] + fb[j]) * d * d
		}
	}
	return c
}

// bruteOverlap fills in tables and costs; value and fish are those of the shared
// pages with all networks but the last on them. Networks of more than S sharable
// pages are placed in rounds.
func bruteOverlap(nets []*bruteNet, S, size int) (total float64, value, fish [][]float64) {
	users := make([][][2]int, S) // (network, page) on each shared page
	for n, net := range nets {
		value, fish = make([][]float64, S), make([][]float64, S)
		sum := make([]float64, S)
		for a := range S {
			value[a], fish[a] = make([]float64, size), make([]float64, size)
			for j := range size {
				sw, sfw := 0.0, 0.0
				for _, u := range users[a] {
					fish[a][j] += nets[u[0]].f[u[1]][j]
					sfw += nets[u[0]].f[u[1]][j] * nets[u[0]].w[u[1]][j]
					sw += nets[u[0]].w[u[1]][j]
				}
				if fish[a][j] > 0 {
					value[a][j] = sfw / fish[a][j]
				} else if len(users[a]) > 0 {
					value[a][j] = sw / float64(len(users[a]))
				}
				sum[a] += fish[a][j]
			}
		}
		pageSum := func(b int) (s float64) {
			for _, x := range net.f[b] {
				s += x
			}
			return s
		}
		mine := make([][]int, S) // pages of this network on each shared page, of earlier rounds
		cost := func(a, b int) float64 {
			c := meet(fish[a], value[a], net.f[b], net.w[b])
			for _, o := range mine[a] {
				c += meet(net.f[o], net.w[o], net.f[b], net.w[b])
			}
			return c
		}
		net.table = make([]int, len(net.w))
		var left []int
		own := 0
		for b := range net.w {
			if net.own[b] {
				net.table[b] = S + own
				own++
			} else {
				left = append(left, b)
			}
		}
		placed := [][2]int{} // (shared, own) in this round
		put := func(a, b int) {
			net.table[b] = a
			net.cost += cost(a, b)
			placed = append(placed, [2]int{a, b})
		}
		endRound := func() {
			for _, ab := range placed {
				mine[ab[0]] = append(mine[ab[0]], ab[1])
				sum[ab[0]] += pageSum(ab[1])
			}
			placed = nil
		}
		if n == 0 {
			for a := 0; a < S && len(left) > 0; a++ {
				put(a, left[0])
				left = left[1:]
			}
			endRound()
		}
		for occ := 0; len(left) > 0; occ++ {
			var A []int
			for a := range S {
				fresh := true
				for _, ab := range placed {
					fresh = fresh && ab[0] != a
				}
				if fresh && len(users[a])+len(mine[a]) == occ {
					A = append(A, a)
				}
			}
			B := left
			sort.Slice(A, func(i, j int) bool {
				return sum[A[i]] > sum[A[j]] || sum[A[i]] == sum[A[j]] && A[i] < A[j]
			})
			sort.Slice(B, func(i, j int) bool {
				return pageSum(B[i]) > pageSum(B[j]) || pageSum(B[i]) == pageSum(B[j]) && B[i] < B[j]
			})
			left = nil
			for len(A) > len(B) {
				A = A[1:]
			}
			for len(B) > len(A) {
				left = append([]int{B[len(B)-1]}, left...)
				B = B[:len(B)-1]
			}
			for len(A) > 0 {
				i, j := 0, 0
				if sum[A[0]] > pageSum(B[0]) {
					least := cost(A[0], B[0])
					for k := range B {
						if c := cost(A[0], B[k]); c < least || c == least && B[k] < B[j] {
							j, least = k, c
						}
					}
				} else {
					least := cost(A[0], B[0])
					for k := range A {
						if c := cost(A[k], B[0]); c < least || c == least && A[k] < A[i] {
							i, least = k, c
						}
					}
				}
				put(A[i], B[j])
				A = slices.Delete(slices.Clone(A), i, i+1)
				B = slices.Delete(slices.Clone(B), j, j+1)
			}
			if len(placed) == S {
				endRound()
				occ = -1
			}
		}
		for b, a := range net.table {
			if a < S {
				for _, u := range users[a] {
					total += meet(nets[u[0]].f[u[1]], nets[u[0]].w[u[1]], net.f[b], net.w[b])
				}
				users[a] = append(users[a], [2]int{n, b})
			}
		}
	}
	return total, value, fish
}

// randomCase draws networks of different sizes, with zero Fisher values, equal
// pages and whole-zero networks among them, so that ties occur. At most most pages of
// a network are sharable.
func randomCase(seed uint64, S, size, most int) ([]Network, []*bruteNet) {
	rng := rand.New(rand.NewPCG(seed, 1))
	var nets []Network
	var brute []*bruteNet
	for i := range 2 + rng.IntN(5) {
		pages := 1 + rng.IntN(most+3)
		n := Network{Name: fmt.Sprint("n", i)}
		length := pages*size - rng.IntN(size)
		for range length {
			f := float32(rng.IntN(4)) / 4 // few values: equal sums happen
			if seed%5 == 0 && i == 1 {
				f = 0
			}
			n.Fisher = append(n.Fisher, f)
			n.Weights = append(n.Weights, float32(rng.IntN(5)-2)/2)
		}
		perm := rng.Perm(pages)
		n.Exclusive = perm[:max(0, pages-most)+rng.IntN(min(2, S))]
		slices.Sort(n.Exclusive)
		n.Exclusive = slices.DeleteFunc(n.Exclusive, func(b int) bool { return b >= pages })
		b := &bruteNet{own: map[int]bool{}}
		for k := range pages {
			pw, pf := make([]float64, size), make([]float64, size)
			for j := range size {
				if at := k*size + j; at < length {
					pw[j], pf[j] = float64(n.Weights[at]), float64(n.Fisher[at])
				}
			}
			b.w, b.f = append(b.w, pw), append(b.f, pf)
		}
		for _, e := range n.Exclusive {
			b.own[e] = true
		}
		nets, brute = append(nets, n), append(brute, b)
	}
	return nets, brute
}

func TestGreedyAgainstBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		S, size := 1+int(seed%9), 1+int(seed%4)
		againstBruteForce(t, seed, S, size, S)
	}
	for seed := range uint64(20) { // more than one batch of costs
		againstBruteForce(t, seed, 30+int(seed), 2, 30+int(seed))
	}
}

func TestDoublingAgainstBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		S, size := 1+int(seed%7), 1+int(seed%4)
		againstBruteForce(t, seed, S, size, S*(1+int(seed%5)))
	}
	for seed := range uint64(10) {
		againstBruteForce(t, seed, 20+int(seed), 2, 60)
	}
}

// againstBruteForce places networks of at most most sharable pages each.
func againstBruteForce(t *testing.T, seed uint64, S, size, most int) {
	t.Helper()
	nets, brute := randomCase(seed, S, size, most)
	total, value, fish := bruteOverlap(brute, S, size)
	p, err := New(size, S)
	if err != nil {
		t.Fatal(err)
	}
	p.Doubling = most > S
	for i, n := range nets {
		p.Average()
		if i == len(nets)-1 && (!slices.Equal(p.Values, slices.Concat(value...)) ||
			!slices.Equal(p.FisherSum, slices.Concat(fish...))) {
			t.Fatalf("seed %d: values %v, Fisher information %v, brute force %v and %v", seed, p.Values,
				p.FisherSum, value, fish)
		}
		m, err := p.Add(n)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for b, e := range m.Table.Entries {
			if int(e) != brute[i].table[b] {
				t.Fatalf("seed %d: network %d table %v, brute force %v", seed, i, m.Table.Entries,
					brute[i].table)
			}
		}
		if math.Abs(m.Cost-brute[i].cost) > 1e-9*max(1, m.Cost) {
			t.Fatalf("seed %d: network %d cost %v, brute force %v", seed, i, m.Cost, brute[i].cost)
		}
	}
	if got := p.TotalCost(); math.Abs(got-total) > 1e-9*max(1, total) {
		t.Fatalf("seed %d: total cost %v, brute force %v", seed, got, total)
	}
	between := p.Between()
	for i := range nets {
		for j := range nets {
			if want := brutePair(brute[i], brute[j], S); math.Abs(between[i][j]-want) > 1e-9*max(1, want) {
				t.Fatalf("seed %d: between %d and %d %v, brute force %v", seed, i, j, between[i][j], want)
			}
		}
	}
}

// brutePair is the cost between the pages of two networks that are on the same shared pages.
func brutePair(a, b *bruteNet, S int) (cost float64) {
	for p, e := range a.table {
		for q, f := range b.table {
			if e == f && e < S && (a != b || p < q) {
				cost += meet(a.f[p], a.w[p], b.f[q], b.w[q])
			}
		}
	}
	return cost
}
