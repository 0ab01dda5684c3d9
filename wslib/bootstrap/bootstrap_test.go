package bootstrap

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pairOf is a pair with the differences after - before; where there is none, both are right.
func pairOf(differences ...int) Pair {
	var p Pair
	for _, d := range differences {
		p.Before = append(p.Before, d <= 0)
		p.After = append(p.After, d >= 0)
	}
	return p
}

func changes(t *testing.T, networks []Network, o Options) *Result {
	t.Helper()
	r, err := Changes(t.Context(), networks, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// differ are samples without relatives: so many that got right, wrong, and stayed.
func differ(right, wrong, stay int) Network {
	return Network{Name: "a", Pairs: []Pair{pairOf(slices.Concat(
		slices.Repeat([]int{1}, right), slices.Repeat([]int{-1}, wrong), slices.Repeat([]int{0}, stay))...)}}
}

// For many samples the distribution is normal, with the standard error of a mean.
func TestNormal(t *testing.T) {
	const right, wrong, n = 500, 700, 10_000
	mean := float64(right-wrong) / n
	for level, z := range map[float64]float64{0: 1.959964, 0.95: 1.959964, 0.8: 1.281552} { // 0 is 0.95
		got := changes(t, []Network{differ(right, wrong, n-right-wrong)}, Options{Level: level}).Networks[0]
		half := 100 * z * math.Sqrt((float64(right+wrong)/n-mean*mean)/n)
		if !near(got.Change, -2, 1e-12) || !near(got.Low, -2-half, 0.04*half) ||
			!near(got.High, -2+half, 0.04*half) {
			t.Errorf("level %v: %+v: want -2 ± %.4f", level, got, half)
		}
	}
}

// Both ways to draw are of the same distribution: samples of a normal one, whatever their
// number of kinds.
func TestNormalByUnit(t *testing.T) {
	const groups = 400
	n := Network{Name: "a", Pairs: []Pair{{}}}
	rng := rand.New(rand.NewPCG(1, 1))
	var changed []float64 // of each group, all of 50 samples
	for g := range groups {
		gain := rng.IntN(50)
		for i := range 50 {
			n.Pairs[0].Before = append(n.Pairs[0].Before, false)
			n.Pairs[0].After = append(n.Pairs[0].After, i < gain)
			n.Groups = append(n.Groups, int32(g))
		}
		changed = append(changed, 2*float64(gain))
	}
	u, err := newUnits(n)
	if err != nil || len(u.kinds)*40 < len(u.of) {
		t.Fatalf("%d kinds of %d units, error %v: want too many for binomial numbers", len(u.kinds),
			len(u.of), err)
	}
	var mean, square float64
	for _, c := range changed {
		mean += c / groups
		square += c * c / groups
	}
	half := 1.959964 * math.Sqrt((square-mean*mean)/groups)
	got := changes(t, []Network{n}, Options{}).Networks[0]
	if !near(got.Change, mean, 1e-9) || !near(got.Low, mean-half, 0.04*half) ||
		!near(got.High, mean+half, 0.04*half) {
		t.Errorf("%+v: want %v ± %v", got, mean, half)
	}
}

// One changed sample in many: how often it is drawn is binomial, near Poisson.
func TestRare(t *testing.T) {
	const n, resamples = 10_000, 100_000
	u, err := newUnits(differ(1, 0, n-1))
	if err != nil {
		t.Fatal(err)
	}
	times := slices.Repeat([][]int64{{1}}, resamples)
	all, err := u.resample(t.Context(), times, rand.NewPCG(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	share := map[int]float64{}
	for _, c := range all {
		share[int(math.Round(c*n/100))] += 1.0 / resamples
	}
	p := math.Pow(1-1.0/n, n) // none
	for k := range 6 {
		if !near(share[k], p, 5*math.Sqrt(p/resamples)) {
			t.Errorf("drawn %d times in %.5f of the resamples: want %.5f", k, share[k], p)
		}
		p *= float64(n-k) / float64(k+1) / (n - 1)
	}
}

// Samples are drawn for each network on its own, so that the mean of four is known twice
// as well as one.
func TestMeanNarrows(t *testing.T) {
	var four []Network
	for _, name := range []string{"a", "b", "c", "d"} {
		n := differ(500, 700, 8800)
		n.Name = name
		four = append(four, n)
	}
	r := changes(t, four, Options{})
	one, mean := r.Networks[0], r.Mean
	if ratio := (one.High - one.Low) / (mean.High - mean.Low); !near(ratio, 2, 0.08) {
		t.Errorf("interval of one network is %.3f times that of the mean of four: want 2", ratio)
	}
}

// Where the samples of a group all change alike, it is as if there were only as many
// samples as groups.
func TestGroupsWiden(t *testing.T) {
	const size, n = 25, 20_000
	n1 := differ(1500, 2000, n-3500)
	rng := rand.New(rand.NewPCG(1, 2))
	n1.Groups = make([]int32, n)
	for i := range n {
		n1.Groups[i] = int32(i / size)
	}
	one := differ(1500, 2000, n-3500)
	one.Name = "b"
	r := changes(t, []Network{n1, one}, Options{})
	wide, narrow := r.Networks[0].High-r.Networks[0].Low, r.Networks[1].High-r.Networks[1].Low
	if !near(wide/narrow, math.Sqrt(size), 0.05*math.Sqrt(size)) {
		t.Errorf("interval of groups is %.3f times as wide: want %v", wide/narrow, math.Sqrt(size))
	}
	// Unrelated samples in groups: no wider.
	rng.Shuffle(n, func(i, j int) { n1.Groups[i], n1.Groups[j] = n1.Groups[j], n1.Groups[i] })
	r = changes(t, []Network{n1}, Options{})
	if w := r.Networks[0].High - r.Networks[0].Low; !near(w/narrow, 1, 0.1) {
		t.Errorf("interval of groups of unrelated samples is %.3f times as wide: want 1", w/narrow)
	}
}

func TestRepeats(t *testing.T) {
	a := differ(30, 20, 500)
	a.Pairs = append(a.Pairs, differ(5, 40, 505).Pairs...)
	a.Groups = make([]int32, 550)
	for i := range a.Groups {
		a.Groups[i] = int32(i%13) - 1
	}
	b := differ(1, 2, 30)
	b.Name, b.Pairs = "b", append(b.Pairs, differ(2, 0, 31).Pairs...)
	both := changes(t, []Network{a, b}, Options{Seed: 5})
	again := changes(t, []Network{a, b}, Options{Seed: 5})
	if !slices.Equal(both.Networks, again.Networks) || both.Mean != again.Mean {
		t.Errorf("the same seed gave %+v, then %+v", both, again)
	}
	if other := changes(t, []Network{a, b}, Options{Seed: 6}); other.Networks[0] == both.Networks[0] {
		t.Errorf("seeds 5 and 6 both gave %+v", other.Networks[0])
	}
	if alone := changes(t, []Network{b}, Options{Seed: 5}); alone.Networks[0] != both.Networks[1] ||
		alone.Mean != both.Networks[1] {
		t.Errorf("alone, b has %+v, mean %+v: want %+v, as beside a", alone.Networks[0], alone.Mean,
			both.Networks[1])
	}
	// Another order of samples is the same data.
	turned := Network{Name: "a", Groups: slices.Clone(a.Groups)}
	slices.Reverse(turned.Groups)
	for _, p := range a.Pairs {
		p = Pair{Before: slices.Clone(p.Before), After: slices.Clone(p.After)}
		slices.Reverse(p.Before)
		slices.Reverse(p.After)
		turned.Pairs = append(turned.Pairs, p)
	}
	if got := changes(t, []Network{turned}, Options{Seed: 5}); got.Networks[0] != both.Networks[0] {
		t.Errorf("samples from the last on give %+v: want %+v", got.Networks[0], both.Networks[0])
	}
}

// Before and after exchanged, and everything that is drawn alike: nothing but the sign.
func TestSymmetric(t *testing.T) {
	var values, negative []float64
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		v := rng.NormFloat64()
		values, negative = append(values, v), append(negative, -v)
	}
	for _, level := range []float64{0.5, 0.9, 0.95, 0.999, 0.9999} {
		a, b := interval(1, values, level), interval(-1, negative, level)
		if a.Low != -b.High || a.High != -b.Low {
			t.Errorf("level %v: %+v, with the other sign %+v", level, a, b)
		}
		inside := 0
		for _, v := range values {
			if v >= a.Low && v <= a.High {
				inside++
			}
		}
		if want := math.Round(1000 * level); float64(inside) < want || float64(inside) > want+1 {
			t.Errorf("level %v: %d of 1000 are inside", level, inside)
		}
	}
}

func TestRefused(t *testing.T) {
	good := func() Network { return differ(1, 1, 2) }
	of := func(change func(*Network)) []Network {
		n := good()
		change(&n)
		return []Network{n}
	}
	named := good()
	named.Name = "b"
	for _, c := range []struct {
		networks []Network
		options  Options
		want     string
	}{
		{nil, Options{}, "no networks"},
		{of(func(n *Network) { n.Pairs = nil }), Options{}, "no pairs"},
		{of(func(n *Network) { n.Pairs = []Pair{{}} }), Options{}, `"a": seed 0: no samples`},
		{of(func(n *Network) { n.Pairs[0].After = n.Pairs[0].After[1:] }), Options{},
			"seed 0: 4 samples before and 3 after"},
		{of(func(n *Network) { n.Pairs = append(n.Pairs, pairOf(0, 1)) }), Options{},
			"seed 1 has 2 samples: want 4"},
		{of(func(n *Network) { n.Groups = []int32{} }), Options{}, "groups of 0 samples"},
		{of(func(n *Network) { n.Groups = make([]int32, 5) }), Options{}, "groups of 5 samples, 4 samples"},
		{[]Network{good(), good()}, Options{}, "twice"},
		{append(of(func(n *Network) { n.Pairs = append(n.Pairs, n.Pairs...) }), named), Options{},
			`"b" has 1 seeds: want 2`},
		{[]Network{good()}, Options{Level: 1}, "level 1"},
		{[]Network{good()}, Options{Level: math.NaN()}, "level NaN"},
		{[]Network{good()}, Options{Resamples: -1}, "-1 resamples"},
	} {
		r, err := Changes(t.Context(), c.networks, c.options)
		if err == nil || r != nil || !strings.Contains(err.Error(), c.want) ||
			!strings.HasPrefix(err.Error(), "bootstrap: ") {
			t.Errorf("result %v, error %v: want one with %q", r, err, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Changes(ctx, []Network{differ(1, 1, 2)}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v: want that it was cancelled", err)
	}
}

// 10,000 resamples of 10,000 samples.
func BenchmarkChanges(b *testing.B) {
	one := differ(500, 700, 8800)
	five := differ(500, 700, 8800)
	rng := rand.New(rand.NewPCG(1, 2))
	for len(five.Pairs) < 5 {
		d := make([]int, 10_000)
		for i := range d {
			d[i] = int(rng.Float64()*1.05) - int(rng.Float64()*1.07)
		}
		five.Pairs = append(five.Pairs, pairOf(d...))
	}
	groups := one
	for i := range 10_000 {
		groups.Groups = append(groups.Groups, int32(i/(1+i%7)))
	}
	for name, n := range map[string]Network{"one seed": one, "five seeds": five, "groups": groups} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Changes(b.Context(), []Network{n}, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
