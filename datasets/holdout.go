package datasets

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// holdOutShare is the inverse of the share of training samples held out as
// validation data.
const holdOutShare = 10

// The streams of random numbers that a dataset's seed is used for. Each has its
// own, so that using one more or less of one does not move the others. Their numbers
// stay: they decide which samples of real data come first.
const (
	streamHoldOut = iota
	streamMaxTrain
	streamMaxValidation
	streamMaxTest
	streamPrototype
	streamTrain
	streamTest
	_
	_
	streamTestOrder
)

// seeded returns a generator for element number at of one stream of a dataset.
func seeded(seed uint64, name string, stream int, at ...int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	hi := mix(seed ^ mix(h.Sum64()))
	lo := mix(uint64(stream))
	for _, n := range at {
		lo = mix(lo ^ uint64(n))
	}
	return rand.New(rand.NewPCG(hi, lo))
}

// mix spreads small differences over all bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// holdOut parts the training samples: a tenth becomes validation data, at least one sample
// in all, both in shuffled order. It holds out whole groups of related samples if there are
// groups, and else a tenth of each class. It reports false if the groups are too few, and
// then parts them.
func holdOut(s *Split, classes int, r *rand.Rand) (train, validation *Split, whole bool) {
	if s.Groups != nil {
		if in, out := holdOutGroups(s, classes, r); len(out) > 0 {
			return s.pick(in).shuffled(r), s.pick(out).shuffled(r), true
		}
	}
	chosen, rest := stratify(s.Labels, classes, max(1, s.Len()/holdOutShare), r)
	return s.pick(rest), s.pick(chosen), s.Groups == nil
}

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

// holdOutGroups returns the indices of the samples to train on and to hold out, whole groups.
// It takes these in random order, each if that brings what is held out nearer to a tenth
// (lessens the distances from it of each class and of the whole, added up) and leaves
// samples of its classes to train on.
func holdOutGroups(s *Split, classes int, r *rand.Rand) (in, out []int) {
	groups := members(s.Groups)
	whole := float64(s.Len()) / holdOutShare
	missing := make([]float64, classes) // of a tenth of the class
	left := make([]float64, classes)    // to train on
	for _, c := range s.Labels {
		missing[c] += 1.0 / holdOutShare
		left[c]++
	}
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
	for g, samples := range groups {
		if !chosen[g] {
			in = append(in, samples...)
		}
	}
	return in, out
}

// shuffled returns the samples in random order.
func (s *Split) shuffled(r *rand.Rand) *Split { return s.pick(r.Perm(s.Len())) }

// limit returns n of the samples, balanced as all of them are, in their order.
// If there are no more than n it returns s.
func limit(s *Split, classes, n int, r *rand.Rand) *Split {
	if n >= s.Len() {
		return s
	}
	chosen, _ := stratify(s.Labels, classes, n, r)
	slices.Sort(chosen)
	return s.pick(chosen)
}

// stratify chooses n of the labels' indices at random, from each class in proportion
// to its size. It returns the chosen and the other indices, both shuffled.
func stratify(labels []int32, classes, n int, r *rand.Rand) (chosen, rest []int) {
	quota := quotas(labels, classes, n)
	for _, i := range r.Perm(len(labels)) {
		if c := labels[i]; quota[c] > 0 {
			quota[c]--
			chosen = append(chosen, i)
		} else {
			rest = append(rest, i)
		}
	}
	return chosen, rest
}

// counts returns how many of the labels each class has.
func counts(labels []int32, classes int) []int {
	count := make([]int, classes)
	for _, c := range labels {
		count[c]++
	}
	return count
}

// quotas returns how many of n samples go to each class: its proportional share
// rounded down, and one more for the largest remainders (equal: the lower class).
func quotas(labels []int32, classes, n int) []int {
	count, quota, order := counts(labels, classes), make([]int, classes), make([]int, classes)
	left := n
	for c := range quota {
		quota[c] = count[c] * n / len(labels)
		left -= quota[c]
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return count[b]*n%len(labels) - count[a]*n%len(labels)
	})
	for _, c := range order[:left] {
		quota[c]++
	}
	return quota
}

// absentClasses returns how many classes none of the labels has.
func absentClasses(labels []int32, classes int) int {
	return len(slices.DeleteFunc(counts(labels, classes), func(n int) bool { return n > 0 }))
}
