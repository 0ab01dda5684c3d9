package bootstrap

import "testing"

// The oracle: every resample there is, each as likely as the others.

// digits visits all numbers of n digits of a base.
func digits(base, n int, visit func([]int)) {
	d := make([]int, n)
	for {
		visit(d)
		i := 0
		for ; i < n; i++ {
			if d[i]++; d[i] < base {
				break
			}
			d[i] = 0
		}
		if i == n {
			return
		}
	}
}

// unit is a group, written by hand: its samples, and of each seed the sum of differences.
type unit struct {
	samples float64
	gain    []float64
}

// everyChange returns the changes in all resamples of units, given the seeds.
func everyChange(units []unit, seeds []int) []float64 {
	var all []float64
	digits(len(units), len(units), func(drawn []int) {
		var gain, samples float64
		for _, k := range drawn {
			for _, s := range seeds {
				gain += units[k].gain[s]
				samples += units[k].samples
			}
		}
		all = append(all, 100*gain/samples)
	})
	return all
}

// fits tells whether the ends of an interval are the percentiles of all changes, but for
// what chance moves them.
func fits(all []float64, i Interval, level float64) bool {
	const margin = 0.006 // of 100,000 resamples: four standard errors
	at := func(v, p float64) bool {
		var below, upTo float64
		for _, c := range all {
			if c < v-1e-9 {
				below += 1 / float64(len(all))
			}
			if c <= v+1e-9 {
				upTo += 1 / float64(len(all))
			}
		}
		return below <= p+margin && upTo >= p-margin
	}
	return at(i.Low, (1-level)/2) && at(i.High, (1+level)/2)
}

func TestEveryResample(t *testing.T) {
	// Two seeds. Samples 0, 2, 5 are of one group, 1 and 4 of another, 3 has no relatives.
	a := Network{Name: "a", Groups: []int32{7, 2, 7, -1, 2, 7}, Pairs: []Pair{
		pairOf(1, 0, -1, 1, 1, 1),
		pairOf(-1, 0, 0, 1, -1, -1),
	}}
	unitsA := []unit{{3, []float64{1, -2}}, {2, []float64{1, -1}}, {1, []float64{1, 1}}}
	b := Network{Name: "b", Groups: []int32{-1, -1, -1, -1},
		Pairs: []Pair{pairOf(0, -1, 0, 1), pairOf(-1, 1, 1, 1)}}
	unitsB := []unit{{1, []float64{0, -1}}, {1, []float64{-1, 1}}, {1, []float64{0, 1}},
		{1, []float64{1, 1}}}
	c := Network{Name: "c", Pairs: []Pair{pairOf(1, -1, -1, 0)}}
	unitsC := []unit{{1, []float64{1}}, {1, []float64{-1}}, {1, []float64{-1}}, {1, []float64{0}}}

	var allA, allB, mean, apart []float64
	digits(2, 2, func(seeds []int) {
		ofA, ofB := everyChange(unitsA, seeds), everyChange(unitsB, seeds)
		// As often as the others, which are of as many resamples.
		allA, allB = append(allA, ofA...), append(allB, ofB...)
		for _, x := range ofA {
			for _, y := range ofB {
				mean = append(mean, (x+y)/2)
			}
		}
	})
	for _, x := range allA {
		for _, y := range allB {
			apart = append(apart, (x+y)/2)
		}
	}
	told := false // that seeds are drawn for both networks together
	for _, level := range []float64{0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99} {
		o := Options{Resamples: 100_000, Level: level, Seed: 9}
		ab, onlyC := changes(t, []Network{a, b}, o), changes(t, []Network{c}, o)
		for _, e := range []struct {
			name   string
			all    []float64
			got    Interval
			change float64
		}{
			{"a", allA, ab.Networks[0], 100.0 / 12},
			{"b", allB, ab.Networks[1], 100.0 * 2 / 8},
			{"mean", mean, ab.Mean, (100.0/12 + 100.0*2/8) / 2},
			{"c", everyChange(unitsC, []int{0}), onlyC.Networks[0], -25},
		} {
			if !near(e.got.Change, e.change, 1e-9) {
				t.Errorf("%s: change %v: want %v", e.name, e.got.Change, e.change)
			}
			if !fits(e.all, e.got, level) {
				t.Errorf("%s, level %v: %+v is not of the %d resamples there are", e.name, level, e.got,
					len(e.all))
			}
		}
		told = told || !fits(apart, ab.Mean, level)
	}
	if !told {
		t.Error("the mean could as well be of seeds drawn for each network: want a case that tells")
	}
}
