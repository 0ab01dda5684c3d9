package pipeline

import (
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// cifar10 and svhn have 366 biases, then convolutions up to weight 20,382: pages 1 to 38 of 512 hold
// nothing else and are common, but for those that one of them has to itself. gtsrb's convolutions of the
// same shapes lie elsewhere, mnist's are others: all their pages are their own.
func TestTrunk(t *testing.T) {
	nets, err := network.Select(network.Ten(), "cifar10", "mnist", "svhn", "gtsrb")
	if err != nil {
		t.Fatal(err)
	}
	const size = page.DefaultSize
	plan, err := overlapping.New(size, 600)
	if err != nil {
		t.Fatal(err)
	}
	exclusive := map[string][]int{"cifar10": {0, 3}, "svhn": {1, 40}, "gtsrb": {0}}
	for i := range nets {
		nets[i] = nets[i].WithOrder(network.BiasesFirst)
		zeros := make([]float32, nets[i].Weights())
		if _, err := plan.AddWith(overlapping.Network{Name: nets[i].Name, Weights: zeros, Fisher: zeros,
			Exclusive: exclusive[nets[i].Name]}, trunk(nets, nets[i], size)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[int32]int{} // pages on shared ones
	for _, m := range plan.Members {
		for _, e := range m.Table.Entries {
			if int(e) < plan.Shared {
				seen[e]++
			}
		}
	}
	cifar10, svhn := plan.Members[0].Table.Entries, plan.Members[2].Table.Entries
	common := 0
	for b, e := range cifar10 {
		want := 1
		if b >= 1 && b <= 38 && b != 3 && b != 1 {
			want = 2
			common++
			if svhn[b] != e {
				t.Errorf("page %d lies on shared page %d of cifar10, %d of svhn", b, e, svhn[b])
			}
		}
		if int(e) < plan.Shared && seen[e] != want {
			t.Errorf("%d pages lie with page %d of cifar10, want %d", seen[e], b, want)
		}
	}
	// 127, 128, 127 and 135 pages, without five exclusive ones, and 36 counted once.
	if len(seen) != 127+128+127+135-5-36 || common != 36 {
		t.Errorf("%d shared pages, %d common, want 476 and 36", len(seen), common)
	}
}
