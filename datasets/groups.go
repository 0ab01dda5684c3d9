package datasets

import (
	"math"
	"math/rand/v2"
	"slices"
)

// members returns the indices of the samples of each group, each sample without
// relatives being one, in the order of their first samples.
func members(groups []int32) [][]int {
	var all [][]int
	place := map[int32]int{}
	for i, g := range groups {
		at, ok := place[g]
		if !ok || g < 0 {
			at = len(all)
			all = append(all, nil)
			place[g] = at
		}
		all[at] = append(all[at], i)
	}
	return all
}

// holdOutGroups parts the training samples as holdOut does, but holds out whole groups.
// It takes them in random order, each if that brings what is held out nearer to a tenth
// (lessens the distances from it of each class and of the whole, added up) and leaves
// samples of its classes to train on. It reports false if there is no such group.
func holdOutGroups(s *Split, classes int, r *rand.Rand) (train, validation *Split, ok bool) {
	groups := members(s.Groups)
	whole := float64(s.Len()) / holdOutShare
	missing := make([]float64, classes) // of a tenth of the class
	left := make([]float64, classes)    // to train on
	for _, c := range s.Labels {
		missing[c] += 1.0 / holdOutShare
		left[c]++
	}
	var out []int
	chosen := make([]bool, len(groups))
	counts := make([]float64, classes)
	for _, g := range r.Perm(len(groups)) {
		clear(counts)
		for _, i := range groups[g] {
			counts[s.Labels[i]]++
		}
		size := float64(len(groups[g]))
		gain := math.Abs(whole) - math.Abs(whole-size)
		for c, n := range counts {
			gain += math.Abs(missing[c]) - math.Abs(missing[c]-n)
			if n > 0 && n == left[c] {
				gain = math.Inf(-1)
			}
		}
		if gain <= 1e-9 {
			continue
		}
		chosen[g] = true
		out = append(out, groups[g]...)
		whole -= size
		for c, n := range counts {
			missing[c] -= n
			left[c] -= n
		}
	}
	if len(out) == 0 {
		return nil, nil, false
	}
	var in []int
	for g, samples := range groups {
		if !chosen[g] {
			in = append(in, samples...)
		}
	}
	return s.pick(in).shuffled(r), s.pick(out).shuffled(r), true
}

// shuffled returns the samples in random order.
func (s *Split) shuffled(r *rand.Rand) *Split { return s.pick(r.Perm(s.Len())) }

// absentClasses returns how many classes none of the labels has.
func absentClasses(labels []int32, classes int) int {
	return len(slices.DeleteFunc(counts(labels, classes), func(n int) bool { return n > 0 }))
}
