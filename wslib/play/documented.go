package play

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets"
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
	tables, err := fs.Glob(results, "packing*/table.csv")
	if err != nil {
		return p, err
	}
	for _, name := range tables {
		raw, err := fs.ReadFile(results, name)
		if err != nil {
			return p, err
		}
		points, err := Points(path.Dir(name), string(raw))
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		p.Points = append(p.Points, points...)
	}
	return p, nil
}

// Points are the cells of a grid's table.csv but the reference, whose change is 0, in its order.
func Points(grid, table string) ([]Point, error) {
	lines, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for _, title := range strings.Fields("method seeds bytes ratio network data change low high") {
		if len(lines) == 0 || !slices.Contains(lines[0], title) {
			return nil, fmt.Errorf("no column %q", title)
		}
		at[title] = slices.Index(lines[0], title)
	}
	var points []Point
	for k, line := range lines[1:] {
		var numbers [5]float64
		for i, title := range []string{"bytes", "ratio", "change", "low", "high"} {
			if numbers[i], err = strconv.ParseFloat(line[at[title]], 64); err != nil {
				return nil, fmt.Errorf("row %d: %s: %w", k+2, title, err)
			}
		}
		method, interval := line[at["method"]], &Interval{numbers[2], numbers[3], numbers[4]}
		if method == "further" {
			continue
		}
		i := slices.IndexFunc(points, func(q Point) bool { return q.Method == method })
		if i < 0 {
			i, points = len(points), append(points, Point{Grid: grid, Method: method,
				Seeds: line[at["seeds"]], Bytes: int(numbers[0]), Ratio: numbers[1]})
		}
		switch line[at["network"]] {
		case "mean of real":
			if !math.IsNaN(interval.Change) { // there are networks on real data
				points[i].Real = interval
			}
		case "mean of all":
			points[i].All = interval
		default:
			points[i].Networks++
			if line[at["data"]] != datasets.Real {
				points[i].StandIns++
			}
		}
	}
	return points, nil
}
