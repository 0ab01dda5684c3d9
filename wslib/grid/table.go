package grid

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/npy"
)

// Row is one method at one budget, over the seeds that are finished.
type Row struct {
	Cell    Cell
	Seeds   []uint64
	Records []Record // one a seed
	Ratio   float64  // in bytes, all counted
	Level1  float64  // in bytes of device memory

	Networks []bootstrap.Interval // change against the reference, in the order of the records' networks
	Real     bootstrap.Interval   // mean over networks on real data
	All      bootstrap.Interval   // mean over all networks
	Worst    int                  // network of the lowest change among those on real data, -1 without any
}

// Table reads every finished cell of the grid's directory, those of the spec first, of
// every seed there, and sets it against the reference of the same seed, from the stored
// classes of the test samples. Cells that are not finished are left out.
func (g *Grid) Table(ctx context.Context) ([]Row, error) {
	labels, err := g.labels(ctx)
	if err != nil {
		return nil, err
	}
	seeds, err := g.seeds()
	if err != nil {
		return nil, err
	}
	reference := map[uint64]map[string][]bool{}
	for _, seed := range seeds {
		if r, ok, err := g.record(Cell{Method: Further}, seed); err != nil {
			return nil, err
		} else if ok {
			if reference[seed], err = g.right(r, labels); err != nil {
				return nil, err
			}
		}
	}
	cells, err := g.finished(seeds)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, c := range cells {
		row := Row{Cell: c}
		pairs := map[string][]bootstrap.Pair{}
		for _, seed := range seeds {
			r, ok, err := g.record(c, seed)
			if err != nil {
				return nil, err
			}
			if !ok || reference[seed] == nil {
				continue
			}
			right, err := g.right(r, labels)
			if err != nil {
				return nil, err
			}
			for _, n := range r.Networks {
				pairs[n.Name] = append(pairs[n.Name], bootstrap.Pair{Before: reference[seed][n.Name], After: right[n.Name]})
			}
			row.Seeds, row.Records = append(row.Seeds, seed), append(row.Records, r)
		}
		if len(row.Seeds) == 0 {
			continue
		}
		if err := row.compare(ctx, pairs, labels); err != nil {
			return nil, fmt.Errorf("grid: %s: %w", c, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// seeds are those asked for and others that the directory has, rising: fewer seeds there
// do not take the others out of its table.
func (g *Grid) seeds() ([]uint64, error) {
	seeds := slices.Clone(g.Spec.Seeds)
	dirs, err := os.ReadDir(g.Dir)
	if err != nil {
		return nil, fmt.Errorf("grid: %w", err)
	}
	for _, d := range dirs {
		number, is := strings.CutPrefix(d.Name(), seedPrefix)
		seed, err := strconv.ParseUint(number, 10, 64)
		if is && err == nil && seed > 0 && !slices.Contains(seeds, seed) && d.Name() == filepath.Base(g.seedDir(seed)) {
			seeds = append(seeds, seed)
		}
	}
	slices.Sort(seeds)
	return seeds, nil
}

// finished are the cells asked for, and others of the same configuration that are
// finished in the directory: a smaller grid there does not take them out of its table.
func (g *Grid) finished(seeds []uint64) ([]Cell, error) {
	cells := slices.Clone(g.Spec.Cells)
	for _, seed := range seeds {
		dirs, err := os.ReadDir(g.seedDir(seed))
		if ignoreMissing(err) != nil {
			return nil, fmt.Errorf("grid: %w", err)
		}
		for _, d := range dirs {
			var r Record
			if err := readJSON(filepath.Join(g.seedDir(seed), d.Name(), recordFile), &r); ignoreMissing(err) != nil {
				return nil, err
			} else if err != nil {
				continue // not finished, or no cell
			}
			if key, err := g.key(r.Cell, seed); err == nil && key == r.Key && !slices.Contains(cells, r.Cell) {
				cells = append(cells, r.Cell)
			}
		}
	}
	return cells, nil
}

func (row *Row) compare(ctx context.Context, pairs map[string][]bootstrap.Pair, labels map[string]answer) error {
	var all, real []bootstrap.Network
	for _, r := range row.Records {
		row.Ratio += float64(r.Separate) / float64(r.Bytes) / float64(len(row.Records))
		row.Level1 += float64(r.Separate) / float64(r.Level1) / float64(len(row.Records))
	}
	for _, n := range row.Records[0].Networks {
		b := bootstrap.Network{Name: n.Name, Pairs: pairs[n.Name], Groups: labels[n.Name].groups}
		all = append(all, b)
		if n.Data == datasets.Real {
			real = append(real, b)
		}
	}
	result, err := bootstrap.Changes(ctx, all, bootstrap.Options{Seed: 1})
	if err != nil {
		return err
	}
	row.Networks, row.All, row.Worst = result.Networks, result.Mean, -1
	for i, n := range row.Records[0].Networks {
		if n.Data == datasets.Real && (row.Worst < 0 || row.Networks[i].Change < row.Networks[row.Worst].Change) {
			row.Worst = i
		}
	}
	if len(real) > 0 {
		if result, err = bootstrap.Changes(ctx, real, bootstrap.Options{Seed: 1}); err != nil {
			return err
		}
		row.Real = result.Mean
	} else {
		row.Real = bootstrap.Interval{Change: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	return nil
}

// answer is what is right for a network's test samples.
type answer struct {
	labels, groups []int32
	samples        string
}

func (g *Grid) labels(ctx context.Context) (map[string]answer, error) {
	labels := map[string]answer{}
	o := g.Spec.Config.Data.Options()
	for _, name := range g.Spec.Config.Networks {
		d, err := datasets.Open(ctx, name, o)
		if err != nil {
			return nil, err
		}
		labels[name] = answer{d.Test.Labels, groups(d.Test), samples(d)}
	}
	return labels, nil
}

// checkData reports the first finished cell that was made with other data.
func (g *Grid) checkData(ctx context.Context) error {
	var labels map[string]answer // of the data at hand, opened where there is something to compare
	seeds, err := g.seeds()
	if err != nil {
		return err
	}
	cells, err := g.finished(seeds)
	if err != nil {
		return err
	}
	for _, c := range append([]Cell{{Method: Further}}, cells...) {
		for _, seed := range seeds {
			r, ok, err := g.record(c, seed)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if labels == nil {
				if labels, err = g.labels(ctx); err != nil {
					return err
				}
			}
			for _, n := range r.Networks {
				if err := g.sameData(r, n, labels[n.Name]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sameData reports a network of a record that was scored on other test data.
func (g *Grid) sameData(r Record, n NetworkRecord, now answer) error {
	if n.Samples != now.samples {
		return fmt.Errorf("grid: %s was made with other %s data: %s; now there is %s", g.path(r.Cell, r.Seed), n.Name, n.Samples, now.samples)
	}
	return nil
}

// record of a finished cell. Where the grid asks for its seed, one of another configuration is
// an error; of other seeds it counts as not finished.
func (g *Grid) record(c Cell, seed uint64) (r Record, ok bool, err error) {
	key, err := g.key(c, seed)
	if err != nil {
		return r, false, err
	}
	path := filepath.Join(g.path(c, seed), recordFile)
	if err := readJSON(path, &r); err != nil {
		return r, false, ignoreMissing(err)
	}
	if r.Key != key && slices.Contains(g.Spec.Seeds, seed) {
		return r, false, fmt.Errorf("grid: %s is of another configuration: remove it or choose another directory", path)
	}
	if r.Key != key {
		return Record{}, false, nil
	}
	return r, true, nil
}

// right tells of each network's test samples whether a cell has them right.
func (g *Grid) right(r Record, labels map[string]answer) (map[string][]bool, error) {
	right := map[string][]bool{}
	for _, n := range r.Networks {
		path := filepath.Join(g.path(r.Cell, r.Seed), n.Name+".npy")
		classes, _, err := npy.ReadInts(path)
		if err != nil {
			return nil, err
		}
		want := labels[n.Name].labels
		if err := g.sameData(r, n, labels[n.Name]); err != nil {
			return nil, err
		}
		if len(classes) != len(want) {
			return nil, fmt.Errorf("grid: %s: classes of %d samples, want %d", path, len(classes), len(want))
		}
		for i, c := range classes {
			right[n.Name] = append(right[n.Name], c == want[i])
		}
	}
	return right, nil
}
