// Package play writes a page to play with: one HTML file that needs no network and nothing beside it. On
// it margin and number of shared pages are sliders, the grids' points show what packing costs, and the map
// of pages grows network by network.
package play

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"math"

	"weightsep/datasets/files"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// File is the usual name of the page's file.
const File = "play.html"

// Page is what the page shows. Its texts are data: none is read as HTML or as a script.
type Page struct {
	Title     string // of the run
	Densities string // a sentence: where the densities are from
	Size      int    // weights of a page
	Networks  []Network
	Settings  Settings // those of the run
	Points    []Point  // may be none
	Grids     string   // a sentence: where the points are from
}

// Network is one of the networks, in order of formation.
type Network struct {
	Name    string
	Data    string // real, stand-in or own; empty: not said
	Weights int
	State   int       // values beside its weights
	Max     int       // most exclusive pages where [Settings] are bounded; 0: only those that do not fit
	Density []float64 // contribution density of each page, in any order
	Table   []int32   // page table; nil: not made yet
	Layers  []pack.Layer
}

// Settings decide which pages are exclusive and how all are stored.
type Settings struct {
	TPR, Margin float64
	Shared      int  // number of shared pages
	Bounded     bool // a network has at most Max exclusive pages, unless more do not fit
	Doubling    bool // any number of pages fits on the shared ones

	SharedBits, ExclusiveBits int // of a value
	ScaleBytes                int // of a page's scale; 0: no scales
	KeyBits                   int // of a key for each weight on shared pages; 0: no keys
}

// Interval is a change of accuracy in points, and its interval of 95 %.
type Interval struct{ Change, Low, High float64 }

// Point is a cell of a grid.
type Point struct {
	Grid, Method, Seeds string
	Bytes               int
	Ratio               float64 // packing, in bytes
	Networks, StandIns  int     // how many there are, and how many of them have stand-in data
	Real                *Interval
	All                 *Interval // mean over all networks
}

// Format sets how pages are stored; scales tells whether there are any.
func (s *Settings) Format(f page.Format, scales bool) {
	shared, exclusive := f.Precisions()
	s.Shared, s.SharedBits, s.ExclusiveBits = f.Shared, shared.Bits(), exclusive.Bits()
	s.ScaleBytes, s.KeyBits = 0, int(f.KeyPrecision)
	if scales {
		s.ScaleBytes = f.ScaleFormat.Bytes()
	}
}

// FromPack is a page of a pack's networks, with their densities by name. Bounds are the exclusive
// pages that the networks have in the pack.
func FromPack(f *pack.File, densities map[string][]float64) (Page, error) {
	p := Page{Size: f.Set.Size}
	scales, keys := false, false
	for i, m := range f.Set.Networks {
		n := Network{Name: m.Name, Weights: m.Weights, State: len(m.State), Max: len(m.Table.Exclusive()),
			Density: densities[m.Name], Table: m.Table.Entries, Layers: f.Networks[i].Layers}
		p.Networks = append(p.Networks, n)
		scales, keys = scales || m.Scales != nil, keys || m.Keys != nil
	}
	d := separation.Defaults()
	p.Settings = Settings{TPR: d.TPR, Margin: d.Margin, Bounded: true, Doubling: true}
	p.Settings.Format(f.Set.Format, scales)
	if !keys {
		p.Settings.KeyBits = 0
	}
	return p, p.check()
}

// check returns an error for a page whose numbers do not fit each other.
func (p Page) check() error {
	if p.Size < 1 || p.Settings.Shared < 1 || len(p.Networks) == 0 {
		return fmt.Errorf("play: %d networks on %d shared pages of %d, want some of each", len(p.Networks),
			p.Settings.Shared, p.Size)
	}
	for _, n := range p.Networks {
		pages := page.Count(n.Weights, p.Size)
		if len(n.Density) != pages || n.Table != nil && len(n.Table) != pages {
			return fmt.Errorf("play: %s: %d densities and a table of %d for %d pages", n.Name,
				len(n.Density), len(n.Table), pages)
		}
		for _, d := range n.Density {
			if !(d >= 0 && d <= 1) {
				return fmt.Errorf("play: %s: a page has density %v, want 0 to 1", n.Name, d)
			}
		}
		if err := (page.Table{Shared: p.Settings.Shared, Entries: n.Table}).Validate(); err != nil {
			return fmt.Errorf("play: %s: %w", n.Name, err)
		}
	}
	for _, x := range p.Points {
		if !(x.Ratio > 0) || math.IsInf(x.Ratio, 1) {
			return fmt.Errorf("play: %s of %s: packing ratio %v", x.Method, x.Grid, x.Ratio)
		}
	}
	return nil
}

//go:embed page.html
var text string

var layout = template.Must(template.New("page").Funcs(template.FuncMap{"uses": uses}).Parse(text))

// uses counts a table's exclusive pages and the shared ones that it names; nil for none.
func uses(shared int, table []int32) []int {
	if table == nil {
		return nil
	}
	t := page.Table{Shared: shared, Entries: table}
	on := 0
	for _, networks := range page.Occupancy([]page.Table{t}, shared) {
		on += networks
	}
	return []int{len(t.Exclusive()), on}
}

// HTML is the page as a file. Equal pages are equal bytes.
func (p Page) HTML() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(p) // which writes <, > and & so that no text ends the script
	if err != nil {
		return nil, fmt.Errorf("play: %s: %w", p.Title, err)
	}
	var b bytes.Buffer
	if err := layout.Execute(&b, struct {
		Page
		JSON template.JS
	}{p, template.JS(raw)}); err != nil {
		return nil, fmt.Errorf("play: %s: %w", p.Title, err)
	}
	return b.Bytes(), nil
}

// Save writes the page to a file, whole or not at all.
func (p Page) Save(path string) error {
	raw, err := p.HTML()
	if err != nil {
		return err
	}
	return files.WritePath(path, raw)
}
