package figures

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/pack"
)

// Columns stand by how many networks share them, those of the same networks side by side.
func TestPageMapColumns(t *testing.T) {
	on := [][]int{nil, {0}, {0, 1}, {1}, {0}, {0, 1}, {1}} // networks on each shared page
	m := &pageMap{shared: len(on)}
	for i := range 2 {
		r := mapRow{on: make([][]int, len(on))}
		for e, networks := range on {
			if slices.Contains(networks, i) {
				r.on[e] = []int{0}
			}
		}
		m.rows = append(m.rows, r)
	}
	for _, networks := range on {
		m.users = append(m.users, len(networks))
	}
	m.sort()
	if want := []int{2, 5, 1, 4, 3, 6, 0}; !slices.Equal(m.order, want) {
		t.Errorf("columns %v: want %v", m.order, want)
	}
	if got, want := m.summary(), "2 on 2 of the shared pages, 1 on 4 of the shared pages, "+
		"0 on 1 of the shared pages"; got != want {
		t.Errorf("it says %q: want %q", got, want)
	}
}

// A page is of the layer that most of its weights are of, kernel and bias together.
func TestPageLayers(t *testing.T) {
	for _, c := range []struct {
		parts string // a letter a weight, by name; pages of 4
		want  string
	}{
		{"aaaabbbb", "a b"},
		{"abbbbbbb", "b b"},
		{"aabbbaaa", "a a"}, // of two as large the first
		{"aaaabb", "a b"},
		{"", " "}, // not said
	} {
		var parts []pack.Layer
		for i, name := range c.parts {
			part := pack.Layer{Name: fmt.Sprintf("%c/%d", name, i), Shape: []int{1}, Offset: i}
			parts = append(parts, part)
		}
		var r mapRow
		r.nameLayers(parts, 2, 4)
		var got []string
		for _, l := range r.of {
			got = append(got, r.layers[l])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: layers %q: want %q", c.parts, got, c.want)
		}
	}
}
