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

func bruteOverlap(nets []*bruteNet, S, size int) (total float64) {
	users := make([][][2]int, S) // (network, page) on each shared page
	for n, net := range nets {
		value := make([][]float64, S)
		fish := make([][]float64, S)
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
		cost := func(a, b int) (c float64) {
			for j := range size {
				if fish[a][j] > 0 && net.f[b][j] > 0 {
					c += (fish[a][j] + net.f[b][j]) * math.Pow(value[a][j]-net.w[b][j], 2)
				}
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
		put := func(a, b int) {
			net.table[b] = a
			net.cost += cost(a, b)
		}
		if n == 0 {
			for a, b := range left {
				put(a, b)
			}
			left = nil
		}
		for occ := 0; len(left) > 0; occ++ {
			var A []int
			for a := range S {
				if len(users[a]) == occ {
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
					for k := range B {
						if c, d := cost(A[0], B[k]), cost(A[0], B[j]); c < d || c == d && B[k] < B[j] {
							j = k
						}
					}
				} else {
					for k := range A {
						if c, d := cost(A[k], B[0]), cost(A[i], B[0]); c < d || c == d && A[k] < A[i] {
							i = k
						}
					}
				}
				put(A[i], B[j])
				A = slices.Delete(slices.Clone(A), i, i+1)
				B = slices.Delete(slices.Clone(B), j, j+1)
			}
		}
		for b, a := range net.table {
			if a < S {
				for _, u := range users[a] {
					o := nets[u[0]]
					for j := range size {
						if o.f[u[1]][j] > 0 && net.f[b][j] > 0 {
							total += (o.f[u[1]][j] + net.f[b][j]) * math.Pow(o.w[u[1]][j]-net.w[b][j], 2)
						}
					}
				}
			}
		}
		for b, a := range net.table {
			if a < S {
				users[a] = append(users[a], [2]int{n, b})
			}
		}
	}
	return total
}

// randomCase draws networks of different sizes, with zero Fisher values, equal
// pages and whole-zero networks among them, so that ties occur.
func randomCase(seed uint64, S, size int) ([]Network, []*bruteNet) {
	rng := rand.New(rand.NewPCG(seed, 1))
	var nets []Network
	var brute []*bruteNet
	for i := range 2 + rng.IntN(5) {
		pages := 1 + rng.IntN(S+3)
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
		n.Exclusive = perm[:max(0, pages-S)+rng.IntN(min(2, S))]
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
		nets, brute := randomCase(seed, S, size)
		total := bruteOverlap(brute, S, size)
		p, err := New(size, S)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nets {
			m, err := p.Add(n)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			p.Average()
			for b, e := range m.Table.Entries {
				if int(e) != brute[i].table[b] {
					t.Fatalf("seed %d: network %d table %v, brute force %v", seed, i, m.Table.Entries, brute[i].table)
				}
			}
			if math.Abs(m.Cost-brute[i].cost) > 1e-9 {
				t.Fatalf("seed %d: network %d cost %v, brute force %v", seed, i, m.Cost, brute[i].cost)
			}
		}
		if got := p.TotalCost(); math.Abs(got-total) > 1e-9 {
			t.Fatalf("seed %d: total cost %v, brute force %v", seed, got, total)
		}
	}
}

// Optimal is compared with trying every assignment.
func TestOptimalAgainstAllPermutations(t *testing.T) {
	plan := func(nets []Network) *Plan {
		p, _ := New(3, 5)
		for _, n := range nets {
			if _, err := p.Add(n); err != nil {
				t.Fatal(err)
			}
			p.Average()
		}
		return p
	}
	for seed := range uint64(100) {
		nets, _ := randomCase(seed, 5, 3)
		before, last := nets[:len(nets)-1], nets[len(nets)-1]
		greedy, err := plan(before).Add(last)
		if err != nil {
			t.Fatal(err)
		}
		optimal, err := plan(before).AddWith(last, Optimal)
		if err != nil {
			t.Fatal(err)
		}
		p := plan(before)
		best := math.Inf(1)
		sharable := p.sharable(last)
		var try func(used int, placed []int)
		try = func(used int, placed []int) {
			if len(placed) == len(sharable) {
				c := 0.0
				for i, a := range placed {
					w, f := pad(last.Weights, 3), pad(last.Fisher, 3)
					c += p.cost(a, w, f, sharable[i])
				}
				best = min(best, c)
				return
			}
			for a := range 5 {
				if used&(1<<a) == 0 {
					try(used|1<<a, append(slices.Clone(placed), a))
				}
			}
		}
		try(0, nil)
		if math.Abs(optimal.Cost-best) > 1e-9 {
			t.Fatalf("seed %d: optimal %v, best of all %v", seed, optimal.Cost, best)
		}
		if greedy.Cost < best-1e-9 {
			t.Fatalf("seed %d: greedy %v below the optimum %v", seed, greedy.Cost, best)
		}
	}
}

func pad(v []float32, size int) []float32 {
	for len(v)%size != 0 {
		v = append(v[:len(v):len(v)], 0)
	}
	return v
}
