package network

import (
	"fmt"
	"strings"
)

// Ten are the ten networks of the PerCom 2022 paper in the order of formation:
// 667,582 weights, 1,310 pages of 512.
func Ten() []*Network {
	c := func(h, w, in, out int) Conv { return Conv{h, w, in, out} }
	return []*Network{
		Describe("cifar10", Described{[3]int{32, 32, 3}, []Conv{c(3, 3, 3, 16), c(3, 3, 16, 32), c(3, 3, 32, 52)}, []int{208, 128, 128, 10}, SigmoidActivation}),
		Describe("mnist", Described{[3]int{28, 28, 1}, []Conv{c(3, 3, 1, 16), c(3, 3, 16, 32), c(3, 3, 32, 48)}, []int{48, 256, 128, 10}, LeakyActivation}),
		Describe("fmnist", Described{[3]int{28, 28, 1}, []Conv{c(3, 3, 1, 24), c(3, 3, 24, 32), c(3, 3, 32, 52)}, []int{52, 256, 128, 10}, LeakyActivation}),
		Describe("gtsrb", Described{[3]int{32, 32, 1}, []Conv{c(3, 3, 1, 16), c(3, 3, 16, 32), c(3, 3, 32, 52)}, []int{208, 128, 128, 43}, LeakyActivation}),
		Describe("svhn", Described{[3]int{32, 32, 3}, []Conv{c(3, 3, 3, 16), c(3, 3, 16, 32), c(3, 3, 32, 52)}, []int{208, 128, 128, 10}, SigmoidActivation}),
		Describe("obs", Described{[3]int{45, 80, 1}, []Conv{c(12, 24, 1, 8), c(3, 3, 8, 32), c(3, 3, 32, 32)}, []int{320, 128, 128, 4}, LeakyActivation}),
		Describe("gsc", Described{[3]int{61, 13, 1}, []Conv{c(12, 6, 1, 14), c(6, 3, 14, 28)}, []int{280, 128, 128, 35}, LeakyActivation}),
		Describe("esc10", Described{[3]int{60, 41, 2}, []Conv{c(12, 6, 2, 8), c(3, 3, 8, 16), c(3, 3, 16, 32)}, []int{384, 128, 64, 10}, SigmoidActivation}),
		Describe("us8k", Described{[3]int{60, 41, 2}, []Conv{c(3, 3, 2, 8), c(3, 3, 8, 16), c(3, 3, 16, 32)}, []int{480, 124, 10}, LeakyActivation}),
		Describe("hhar", Described{[3]int{20, 120, 1}, []Conv{c(3, 3, 1, 8), c(3, 3, 8, 32), c(2, 3, 32, 64)}, []int{832, 60, 6}, SigmoidActivation}),
	}
}

// Names lists the names of the given networks.
func Names(nets []*Network) []string {
	names := make([]string, len(nets))
	for i, n := range nets {
		names[i] = n.Name
	}
	return names
}

// Select picks networks by name, in the order of names. No names means all.
func Select(nets []*Network, names ...string) ([]*Network, error) {
	if len(names) == 0 {
		return nets, nil
	}
	var picked []*Network
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return nil, fmt.Errorf("network %q is named twice", name)
		}
		seen[name] = true
		found := false
		for _, n := range nets {
			if n.Name == name {
				picked, found = append(picked, n), true
			}
		}
		if !found {
			return nil, fmt.Errorf("unknown network %q: want one of %s", name, strings.Join(Names(nets), ", "))
		}
	}
	return picked, nil
}
