package network

import (
	"fmt"
	"slices"
	"strings"
)

// Ten are the ten networks of the PerCom 2022 paper in the order of formation:
// 667,582 weights, 1,310 pages of 512.
func Ten() []*Network {
	c := func(h, w, in, out int) Conv { return Conv{h, w, in, out} }
	of := func(name string, h, w, channels int, dense []int, a Activation, convs ...Conv) *Network {
		return Describe(name, Described{[3]int{h, w, channels}, convs, dense, a})
	}
	const sigmoid, leaky = SigmoidActivation, LeakyActivation
	return []*Network{
		of("cifar10", 32, 32, 3, []int{208, 128, 128, 10}, sigmoid, c(3, 3, 3, 16), c(3, 3, 16, 32),
			c(3, 3, 32, 52)),
		of("mnist", 28, 28, 1, []int{48, 256, 128, 10}, leaky, c(3, 3, 1, 16), c(3, 3, 16, 32),
			c(3, 3, 32, 48)),
		of("fmnist", 28, 28, 1, []int{52, 256, 128, 10}, leaky, c(3, 3, 1, 24), c(3, 3, 24, 32),
			c(3, 3, 32, 52)),
		of("gtsrb", 32, 32, 1, []int{208, 128, 128, 43}, leaky, c(3, 3, 1, 16), c(3, 3, 16, 32),
			c(3, 3, 32, 52)),
		of("svhn", 32, 32, 3, []int{208, 128, 128, 10}, sigmoid, c(3, 3, 3, 16), c(3, 3, 16, 32),
			c(3, 3, 32, 52)),
		of("obs", 45, 80, 1, []int{320, 128, 128, 4}, leaky, c(12, 24, 1, 8), c(3, 3, 8, 32),
			c(3, 3, 32, 32)),
		of("gsc", 61, 13, 1, []int{280, 128, 128, 35}, leaky, c(12, 6, 1, 14), c(6, 3, 14, 28)),
		of("esc10", 60, 41, 2, []int{384, 128, 64, 10}, sigmoid, c(12, 6, 2, 8), c(3, 3, 8, 16),
			c(3, 3, 16, 32)),
		of("us8k", 60, 41, 2, []int{480, 124, 10}, leaky, c(3, 3, 2, 8), c(3, 3, 8, 16), c(3, 3, 16, 32)),
		of("hhar", 20, 120, 1, []int{832, 60, 6}, sigmoid, c(3, 3, 1, 8), c(3, 3, 8, 32), c(2, 3, 32, 64)),
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
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("network %q is named twice", name)
		}
		at := slices.IndexFunc(nets, func(n *Network) bool { return n.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("unknown network %q: want one of %s", name,
				strings.Join(Names(nets), ", "))
		}
		picked = append(picked, nets[at])
	}
	return picked, nil
}
