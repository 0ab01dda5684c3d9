package play

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/gridtable"
	"weightsep/wslib/pack"
)

// documented is the run whose pages the page of the documented results shows.
const documented = "joint-32"

// Documented is the page of the documented results: a run's pages and the points of all grids.
func Documented(results fs.FS) (Page, error) {
	p, err := readDocumented(results)
	if err != nil {
		return p, fmt.Errorf("play: results: %w", err)
	}
	return p, nil
}

func readDocumented(results fs.FS) (p Page, err error) {
	raw, err := fs.ReadFile(results, documented+"/pack.safetensors")
	if err != nil {
		return p, err
	}
	packed, err := pack.Read(raw)
	if err != nil {
		return p, fmt.Errorf("%s/pack.safetensors: %w", documented, err)
	}
	var densities map[string][]float64
	var summary struct{ Networks []struct{ Name, Data string } }
	for name, into := range map[string]any{"density.json": &densities, "summary.json": &summary} {
		raw, err := fs.ReadFile(results, path.Join(documented, name))
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			return p, fmt.Errorf("%s/%s: %w", documented, name, err)
		}
	}
	if p, err = FromPack(packed, densities); err != nil {
		return p, err
	}
	for i := range p.Networks {
		for _, n := range summary.Networks {
			if n.Name == p.Networks[i].Name {
				p.Networks[i].Data = n.Data
			}
		}
	}
	p.Title = "results/" + documented
	p.Densities = "The densities are read off this run's own chart (" + documented +
		"/figures/density.svg), to 0.01 % of a network's Fisher information."
	p.Grids = "The points are those of every table.csv in results/packing*; each directory has its own " +
		"reference."
	tables, err := fs.Glob(results, "packing*/"+gridtable.File)
	if err != nil {
		return p, err
	}
	for _, name := range tables {
		lines, err := gridtable.Read(results, path.Dir(name))
		if err != nil {
			return p, err
		}
		p.Points = append(p.Points, Points(path.Dir(name), lines)...)
	}
	return p, nil
}

// Points are the cells of a grid's table but the reference, whose change is 0, in its order.
func Points(grid string, lines []gridtable.Line) (points []Point) {
	for _, l := range lines {
		if l.Method == gridtable.Further {
			continue
		}
		i := slices.IndexFunc(points, func(q Point) bool { return q.Method == l.Method })
		if i < 0 {
			i, points = len(points), append(points, Point{Grid: grid, Method: l.Method, Seeds: l.Seeds,
				Bytes: l.Bytes, Ratio: l.Ratio})
		}
		interval := Interval(l.Change)
		switch l.Network {
		case gridtable.MeanOfReal:
			if !math.IsNaN(interval.Change) { // there are networks on real data
				points[i].Real = &interval
			}
		case gridtable.MeanOfAll:
			points[i].All = &interval
		default:
			points[i].Networks++
			if l.Data != datasets.Real {
				points[i].StandIns++
			}
		}
	}
	return points
}
