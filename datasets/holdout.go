package datasets

import (
	"hash/fnv"
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

// holdOut parts the training samples: a tenth of each class becomes validation
// data, at least one sample in all. Both come in shuffled order.
func holdOut(s *Split, classes int, r *rand.Rand) (train, validation *Split) {
	chosen, rest := stratify(s.Labels, classes, max(1, s.Len()/holdOutShare), r)
	return s.pick(rest), s.pick(chosen)
}

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
