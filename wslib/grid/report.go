package grid

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/figures"
	"weightsep/wslib/gridtable"
)

// Report makes table.csv, table.md and the charts of what is finished in a directory, and
// returns the names of the files. That nothing is finished is an error.
func Report(ctx context.Context, dir string) ([]string, error) {
	r, err := readResults(dir)
	if err != nil {
		return nil, err
	}
	rows, err := r.table(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("grid: no cell is finished in %s", dir)
	}
	names := []string{gridtable.File, "table.md"}
	for i, text := range [][]byte{csvTable(rows), markdown(rows)} {
		if err := files.WritePath(filepath.Join(dir, names[i]), text); err != nil {
			return names[:i], err
		}
	}
	charts, err := draw(dir, rows)
	return append(names, charts...), err
}

// row is one method at one budget, over the seeds that are finished.
type row struct {
	Cell
	records []Record // one a seed

	networks []bootstrap.Interval // change against the reference, in the order of the records' networks
	real     bootstrap.Interval   // mean over networks on real data
	all      bootstrap.Interval   // mean over all networks
}

// table sets every cell against the reference of the same seed. Cells of seeds without a
// reference are left out. Rows are in the order in which cells were finished first.
func (r *results) table(ctx context.Context) ([]row, error) {
	var rows []row
	for _, record := range r.records {
		if r.reference(record.Seed) == nil {
			continue
		}
		i := slices.IndexFunc(rows, func(x row) bool { return x.Cell == record.Cell })
		if i < 0 {
			i, rows = len(rows), append(rows, row{Cell: record.Cell})
		}
		rows[i].records = append(rows[i].records, record)
	}
	for i := range rows {
		slices.SortFunc(rows[i].records, func(a, b Record) int { return cmp.Compare(a.Seed, b.Seed) })
		if err := r.compare(ctx, &rows[i]); err != nil {
			return nil, fmt.Errorf("grid: %s: %w", rows[i].Cell, err)
		}
	}
	return rows, nil
}

// compare fills in the changes of a row.
func (r *results) compare(ctx context.Context, row *row) error {
	var all, real []bootstrap.Network
	for _, n := range row.records[0].Networks {
		b := bootstrap.Network{Name: n.Name, Groups: r.groups[n.Name]}
		for _, record := range row.records {
			before, err := r.verdicts(*r.reference(record.Seed), n.Name)
			if err != nil {
				return err
			}
			after, err := r.verdicts(record, n.Name)
			if err != nil {
				return err
			}
			b.Pairs = append(b.Pairs, bootstrap.Pair{Before: before, After: after})
		}
		all = append(all, b)
		if n.Data == datasets.Real {
			real = append(real, b)
		}
	}
	result, err := bootstrap.Changes(ctx, all, bootstrap.Options{Seed: 1})
	if err != nil {
		return err
	}
	row.networks, row.all = result.Networks, result.Mean
	row.real = bootstrap.Interval{Change: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if len(real) > 0 {
		if result, err = bootstrap.Changes(ctx, real, bootstrap.Options{Seed: 1}); err == nil {
			row.real = result.Mean
		}
	}
	return err
}

// verdicts tell of each test sample of a network whether a cell has it right.
func (r *results) verdicts(x Record, network string) ([]bool, error) {
	right, ok := r.right[x.vectorName(network)]
	if !ok {
		return nil, fmt.Errorf("%s: no %s", rightFile, x.vectorName(network))
	}
	v := make([]bool, len(right))
	for i := range v {
		v[i] = right[i] == 1
	}
	return v, nil
}

// mean over the seeds.
func (r row) mean(of func(Record) float64) float64 {
	sum := 0.0
	for _, x := range r.records {
		sum += of(x)
	}
	return sum / float64(len(r.records))
}

// ratio in bytes, all counted, and that of device memory.
func (r row) ratio() float64 {
	return r.mean(func(x Record) float64 { return float64(x.Separate) / float64(x.Bytes) })
}
func (r row) level1() float64 {
	return r.mean(func(x Record) float64 { return float64(x.Separate) / float64(x.Level1) })
}
func (r row) seconds() float64 { return r.mean(func(x Record) float64 { return x.Seconds }) }

func (r row) seeds() string {
	var s []string
	for _, x := range r.records {
		s = append(s, fmt.Sprint(x.Seed))
	}
	return strings.Join(s, " ")
}

// pages are what the budget was turned into, with each seed if they differ.
func (r row) pages() string {
	var all []string
	for _, x := range r.records {
		if !slices.Contains(all, x.Pages) {
			all = append(all, x.Pages)
		}
	}
	return strings.Join(all, "; ")
}

// csvTable has a line for each cell and network, and for its means over real data and over all.
func csvTable(rows []row) []byte {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.Write([]string{"method", "seeds", "bytes", "ratio", "level1_ratio", "network", "data",
		"validation", "test", "change", "low", "high", "seconds", "pages"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	for _, r := range rows {
		bytes := int(r.mean(func(x Record) float64 { return float64(x.Bytes) }))
		line := func(network, data string, validation, test float64, i bootstrap.Interval) {
			c.Write([]string{r.Cell.String(), r.seeds(), fmt.Sprint(bytes), number(r.ratio()),
				number(r.level1()), network, data, number(validation), number(test), number(i.Change),
				number(i.Low), number(i.High), number(r.seconds()), r.pages()})
		}
		for i, n := range r.records[0].Networks {
			line(n.Name, n.Data, r.mean(func(x Record) float64 { return x.Networks[i].Validation }),
				r.mean(func(x Record) float64 { return x.Networks[i].Test }), r.networks[i])
		}
		line(gridtable.MeanOfReal, datasets.Real, math.NaN(), math.NaN(), r.real)
		line(gridtable.MeanOfAll, "", math.NaN(), math.NaN(), r.all)
	}
	c.Flush()
	return b.Bytes()
}

// markdown is a table for a person: networks on real data, and apart from it those on stand-ins.
func markdown(rows []row) []byte {
	var b bytes.Buffer
	networks := rows[0].records[0].Networks
	means := fmt.Sprintf("mean of all %d, real ones among them", len(networks))
	if len(networks) == 10 {
		means = "mean of all ten, real ones among them"
	}
	for _, part := range []struct {
		data, title, means string
		of                 func(row) bootstrap.Interval
	}{
		{datasets.Real, "Real data", gridtable.MeanOfReal, func(r row) bootstrap.Interval { return r.real }},
		{datasets.StandIn, "Stand-in data (says that the system runs, nothing about the datasets)", means,
			func(r row) bootstrap.Interval { return r.all }},
	} {
		var names []string
		for _, n := range networks {
			if n.Data == part.data {
				names = append(names, n.Name)
			}
		}
		if names == nil {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\nChange of test accuracy in points against separate networks with the"+
			" same further training, with 95 %% intervals.\n\n", part.title)
		fmt.Fprintf(&b, "| method | ratio in bytes | level 1 | seeds | %s | %s | minutes |\n",
			part.means, strings.Join(names, " | "))
		fmt.Fprintf(&b, "|---|---:|---:|---|%s---:|---:|\n", strings.Repeat("---:|", len(names)))
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s | %.1f | %.1f | %s | %s |",
				r.Cell, r.ratio(), r.level1(), r.seeds(), part.of(r))
			for i, n := range r.records[0].Networks {
				if slices.Contains(names, n.Name) {
					fmt.Fprintf(&b, " %s |", r.networks[i])
				}
			}
			fmt.Fprintf(&b, " %.1f |\n", r.seconds()/60)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b, "With one seed an interval says what other test data could have given,"+
		" not what another training could have.")
	return b.Bytes()
}

// floor is where charts end, in points: methods that lose more are named at the edge.
const floor = -12

// draw saves the chart of the methods on real data, if there are any, and returns the names of files.
func draw(dir string, rows []row) (files []string, err error) {
	var points []figures.ParetoPoint
	for _, r := range rows {
		if r.Method == Further || math.IsNaN(r.real.Change) {
			continue
		}
		series := r.Method
		if r.Bits > 0 && r.Method == Joint {
			series = fmt.Sprintf("%s, %d bits", r.Method, r.Bits)
		}
		points = append(points, figures.ParetoPoint{Series: series, Label: r.Cell.String(), Ratio: r.ratio(),
			Change: r.real.Change, Low: r.real.Low, High: r.real.High})
	}
	if points == nil {
		return nil, nil
	}
	f, err := figures.Pareto("Packing and accuracy, mean over networks on real data", floor, points)
	if err == nil {
		err = f.Save(filepath.Join(dir, chartFile))
	}
	if err != nil {
		return nil, fmt.Errorf("grid: %s: %w", chartFile, err)
	}
	return []string{chartFile}, nil
}

const chartFile = "pareto.svg"
