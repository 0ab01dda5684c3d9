package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// related makes a split of samples with the given groups and classes. The value of
// sample i is i.
func related(groups, labels []int32) *Split {
	v := make([]float32, len(groups))
	for i := range v {
		v[i] = float32(i)
	}
	s := &Split{size: 1, floats: v, Labels: labels}
	s.Groups = groups
	return s
}

func TestMembers(t *testing.T) {
	got := members([]int32{4, -1, 2, 4, -1, 2, 2})
	want := [][]int32{{0, 3}, {1}, {2, 5, 6}, {4}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// randomSplit draws groups of sizes and classes of many kinds.
func randomSplit(r *rand.Rand) (s *Split, classes int) {
	classes = 1 + r.IntN(6)
	most := 1 + r.IntN(12)
	var groups, labels []int32
	for g := range 1 + r.IntN(60) {
		mixed, own := r.IntN(3) == 0, r.IntN(classes)
		for range 1 + r.IntN(most) {
			if mixed {
				own = r.IntN(classes)
			}
			number := int32(g)
			if g%11 == 10 {
				number = -1
			}
			groups, labels = append(groups, number), append(labels, int32(own))
		}
	}
	r.Shuffle(len(groups), func(i, j int) {
		groups[i], groups[j] = groups[j], groups[i]
		labels[i], labels[j] = labels[j], labels[i]
	})
	return related(groups, labels), classes
}

// distance is how far a validation split is from a tenth: of the whole and of each
// class, in samples.
func distance(s *Split, held map[int]bool, classes int) float64 {
	missing := make([]float64, classes+1)
	for i, c := range s.Labels {
		tenth := 0.1
		if held[i] {
			tenth--
		}
		missing[c] += tenth
		missing[classes] += tenth
	}
	sum := 0.0
	for _, m := range missing {
		sum += math.Abs(m)
	}
	return sum
}

// What is promised of held out groups must be so for whatever groups there are, by
// computing it anew.
func TestHoldOutGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	possible := 0
	for round := range 400 {
		s, classes := randomSplit(r)
		train, validation, ok := holdOut(s, classes, seeded(uint64(round), "a", streamHoldOut))

		// The units: groups, and samples without relatives.
		units := map[string][]int{}
		for i, g := range s.Groups {
			name := fmt.Sprint("group ", g)
			if g < 0 {
				name = fmt.Sprint("sample ", i)
			}
			units[name] = append(units[name], i)
		}
		held := map[int]bool{}
		if ok {
			possible++
			checkParts(t, s, train, validation)
			for i := range validation.Len() {
				held[int(validation.Sample(i)[0])] = true
			}
		}
		for name, of := range units {
			n := 0
			for _, i := range of {
				if held[i] {
					n++
				}
			}
			if n != 0 && n != len(of) {
				t.Errorf("round %d: %s is in both parts", round, name)
			}
		}
		left, all := make([]int, classes), make([]int, classes)
		for i, c := range s.Labels {
			all[c]++
			if !held[i] {
				left[c]++
			}
		}
		for c := range classes {
			if all[c] > 0 && left[c] == 0 {
				t.Errorf("round %d: class %d is without training samples", round, c)
			}
		}
		// There must be no unit left that would bring it nearer to a tenth; if none was
		// held out there must not have been one at all.
		now := distance(s, held, classes)
		for name, of := range units {
			if held[of[0]] {
				continue
			}
			with := map[int]bool{}
			for i := range held {
				with[i] = true
			}
			rest := slices.Clone(left)
			for _, i := range of {
				with[i] = true
				rest[s.Labels[i]]--
			}
			empties := slices.ContainsFunc(of, func(i int) bool { return rest[s.Labels[i]] == 0 })
			if then := distance(s, with, classes); then < now-1e-6 && !empties {
				t.Errorf("round %d: %s would bring the distance from %.2f to %.2f and is not held out",
					round, name, now, then)
			}
		}
	}
	if possible < 200 || possible == 400 {
		t.Errorf("holding out was possible in %d of 400 rounds: the test does not cover both", possible)
	}
}

// checkParts checks that two splits are all samples of a split, with what belongs to
// them.
func checkParts(t *testing.T, s *Split, parts ...*Split) {
	t.Helper()
	seen := map[int]bool{}
	for _, p := range parts {
		if len(p.Labels) != len(p.Groups) {
			t.Fatalf("%d labels, %d groups", len(p.Labels), len(p.Groups))
		}
		for i := range p.Len() {
			at := int(p.Sample(i)[0])
			if seen[at] {
				t.Errorf("sample %d is there twice", at)
			}
			seen[at] = true
			if p.Labels[i] != s.Labels[at] || p.Groups[i] != s.Groups[at] {
				t.Errorf("sample %d has label %d and group %d, want %d and %d", at, p.Labels[i], p.Groups[i],
					s.Labels[at], s.Groups[at])
			}
		}
	}
	if len(seen) != s.Len() {
		t.Errorf("%d samples in the parts, want %d", len(seen), s.Len())
	}
}

// Of many small groups, a tenth of each class and of the whole can be had.
func TestHoldOutGroupsShare(t *testing.T) {
	const classes = 5
	var groups, labels []int32
	for g := range 600 {
		for range 3 + g%5 {
			groups, labels = append(groups, int32(g)), append(labels, int32(g%classes))
		}
	}
	s := related(groups, labels)
	for seed := range uint64(5) {
		_, validation, ok := holdOut(s, classes, seeded(seed, "a", streamHoldOut))
		if !ok {
			t.Fatal("nothing was held out")
		}
		if share := float64(validation.Len()) / float64(s.Len()); share < 0.095 || share > 0.105 {
			t.Errorf("seed %d: %.3f of the samples are held out", seed, share)
		}
		all := classCounts(s, classes)
		for c, n := range classCounts(validation, classes) {
			if share := float64(n) / float64(all[c]); share < 0.09 || share > 0.11 {
				t.Errorf("seed %d: %.3f of class %d are held out", seed, share, c)
			}
		}
	}
}

func TestHoldOutGroupsImpossible(t *testing.T) {
	for _, c := range []struct {
		name           string
		groups, labels []int32
	}{
		{"one group", []int32{0, 0, 0, 0}, []int32{0, 1, 0, 1}},
		{"a group a class", []int32{0, 0, 1, 1, 2, 2}, []int32{0, 0, 1, 1, 2, 2}},
		{"two halves", []int32{0, 0, 0, 1, 1, 1}, []int32{0, 0, 0, 0, 0, 0}}, // worse than nothing
	} {
		if _, _, ok := holdOut(related(c.groups, c.labels), 3, seeded(1, "a", streamHoldOut)); ok {
			t.Errorf("%s: groups were held out", c.name)
		}
	}
}

func TestHoldOutGroupsRepeats(t *testing.T) {
	s, classes := randomSplit(rand.New(rand.NewPCG(3, 9)))
	hold := func(seed uint64, name string) string {
		train, validation, ok := holdOut(s, classes, seeded(seed, name, streamHoldOut))
		if !ok {
			t.Fatal("nothing was held out")
		}
		return fmt.Sprint(values(train), values(validation))
	}
	first := hold(1, "a")
	if hold(1, "a") != first {
		t.Error("the same seed gives other parts")
	}
	if hold(2, "a") == first || hold(1, "b") == first {
		t.Error("another seed or dataset gives the same parts")
	}
}

// Both parts come shuffled: the first n are a fair subset of all.
func TestHoldOutGroupsShuffled(t *testing.T) {
	var groups, labels []int32
	for i := range int32(2000) {
		groups, labels = append(groups, i/4), append(labels, i/1000)
	}
	train, validation, _ := holdOut(related(groups, labels), 2, seeded(1, "a", streamHoldOut))
	for name, s := range map[string]*Split{"training": train, "validation": validation} {
		half := classCounts(s.Slice(s.Len()/2), 2)
		if n := s.Len() / 2; half[0] < n/3 || half[0] > n*2/3 {
			t.Errorf("%s: the first half has %v samples of the classes", name, half)
		}
	}
}
