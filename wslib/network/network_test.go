package network

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// Weights and pages of each network, as the original counts them.
func TestTen(t *testing.T) {
	want := map[string][2]int{
		"cifar10": {64670, 127}, "mnist": {65402, 128}, "fmnist": {69966, 137}, "gtsrb": {68639, 135},
		"svhn": {64670, 127}, "obs": {72012, 141}, "gsc": {65101, 128}, "esc10": {65154, 128},
		"us8k": {66854, 131}, "hhar": {65114, 128},
	}
	weights, pages := 0, 0
	for _, n := range Ten() {
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
		w, p := n.Weights(), page.Count(n.Weights(), page.DefaultSize)
		if got := [2]int{w, p}; got != want[n.Name] {
			t.Errorf("%s: %v weights and pages, want %v", n.Name, got, want[n.Name])
		}
		weights, pages = weights+w, pages+p
	}
	if weights != 667582 || pages != 1310 {
		t.Errorf("%d weights, %d pages in all, want 667582 and 1310", weights, pages)
	}
}

// Formation, a page table in any order, and gathering give every network back.
func TestFormationAndGatherAreInverse(t *testing.T) {
	for _, n := range Ten() {
		w := initial(n, 1)
		formed := page.Form(w, page.DefaultSize)
		pages := len(formed) / page.DefaultSize
		set := &page.Set{Format: page.Format{Size: page.DefaultSize, Shared: pages},
			Pages: make([]byte, 4*len(formed))}
		exclusive := 0
		m := page.Member{Name: n.Name, Weights: len(w), Table: page.Table{Shared: pages}}
		for b, at := range rand.New(rand.NewPCG(1, 1)).Perm(pages) {
			own := formed[b*page.DefaultSize : (b+1)*page.DefaultSize]
			if b%10 == 3 {
				m.Table.Entries = append(m.Table.Entries, int32(pages+exclusive))
				m.Exclusive = append(m.Exclusive, page.PackFloats(own)...)
				exclusive++
				continue
			}
			m.Table.Entries = append(m.Table.Entries, int32(at))
			page.PutFloats(set.Pages[4*at*page.DefaultSize:], own)
		}
		set.Networks = []page.Member{m}
		if err := set.Validate(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(set.Weights(0), w) {
			t.Errorf("%s: gathered weights differ from those that were formed", n.Name)
		}
	}
}

func TestInitialIsGlorotAndSeeded(t *testing.T) {
	n := Ten()[0]
	w := initial(n, 1)
	if len(w) != n.Weights() {
		t.Fatalf("%d weights", len(w))
	}
	l := n.Layers()[2] // 3x3 kernel, 16 to 32 channels
	limit := math.Sqrt(6.0 / (9*16 + 9*32))
	top := 0.0
	for _, v := range w[l.Offset : l.Offset+l.Size()] {
		top = max(top, math.Abs(float64(v)))
	}
	if top > limit || top < 0.98*limit {
		t.Errorf("%s: largest weight %v, want just under %v", l.Name, top, limit)
	}
	if v := initial(n, 2); v[0] == w[0] {
		t.Error("another seed gives the same weights")
	}
	if v := initial(n, 1); v[100] != w[100] {
		t.Error("the same seed gives other weights")
	}
}

func TestValidateNamesTheFault(t *testing.T) {
	for want, change := range map[string]func(n *Network){
		"expects 4 channels":         func(n *Network) { described(n).Convs[1].In = 4 },
		"flattened 2x2x52 is 208":    func(n *Network) { described(n).Dense[0] = 100 },
		"leaves an image":            func(n *Network) { described(n).Convs[0].Height = 32 },
		`activation "relu"`:          func(n *Network) { described(n).Activation = "relu" },
		"want letters, digits":       func(n *Network) { n.Name = "../x" },
		"want logits of 2 classes":   func(n *Network) { described(n).Dense[3] = 1 },
		"want positive height":       func(n *Network) { described(n).Shape[2] = 0 },
		"want an input and the outp": func(n *Network) { described(n).Dense = nil },
	} {
		n := Ten()[0]
		change(n)
		if err := n.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestSelect(t *testing.T) {
	if _, err := Select(Ten(), "mnist", "minst"); err == nil || !strings.Contains(err.Error(), `"minst"`) ||
		!strings.Contains(err.Error(), "cifar10, mnist") {
		t.Errorf("error %v, want the unknown name and the known ones", err)
	}
	if _, err := Select(Ten(), "mnist", "mnist"); err == nil {
		t.Error("a network named twice was accepted")
	}
}

func described(n *Network) *Described { return n.Model.(*Described) }

// A file's sizes decide no allocation: what is beyond 2 GiB of weights is refused.
func TestSizesAreBounded(t *testing.T) {
	for _, d := range []Described{
		{Shape: [3]int{1, 1, 2}, Dense: []int{2, math.MaxInt, 2}},
		{Shape: [3]int{1, 1, 2}, Dense: []int{2, 100_000, 100_000, 2}},
		{Shape: [3]int{1, 1, 2}, Dense: []int{2, 1 << 28, 2}},
		{Shape: [3]int{math.MaxInt, math.MaxInt, 2}, Dense: []int{2, 2}},
		{Shape: [3]int{8, 8, 2}, Convs: []Conv{{Height: 3, Width: 3, In: 2, Out: math.MaxInt}},
			Dense: []int{2, 2}},
	} {
		d.Activation = LeakyActivation
		if err := Describe("big", d).Validate(); err == nil {
			t.Errorf("%+v is no error", d)
		}
	}
}
