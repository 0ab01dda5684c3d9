// Package networktest has what tests of several packages need of networks.
package networktest

import (
	"testing"

	"weightsep/wslib/network"
)

// Initial gives a network's seeded weights.
func Initial(t testing.TB, n *network.Network, seed uint64) []float32 {
	t.Helper()
	w, _, err := n.Initial(seed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
