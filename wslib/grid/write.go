package grid

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
)

// WriteCSV writes one line for every method, budget and network, and one each for the
// means over the networks on real data and over all.
func WriteCSV(w io.Writer, rows []Row) error {
	c := csv.NewWriter(w)
	c.Write([]string{"method", "seeds", "bytes", "ratio", "level1_ratio", "network", "data", "validation", "test", "change", "low", "high", "seconds", "pages"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	for _, r := range rows {
		line := func(network, data string, validation, test float64, i bootstrap.Interval) {
			c.Write([]string{r.Cell.String(), join(r.Seeds), fmt.Sprint(r.bytes()), number(r.Ratio), number(r.Level1), network, data,
				number(validation), number(test), number(i.Change), number(i.Low), number(i.High), number(seconds(r)), r.pages()})
		}
		for i, n := range r.Records[0].Networks {
			line(n.Name, n.Data, mean(r, i, false), mean(r, i, true), r.Networks[i])
		}
		line("mean of real", datasets.Real, math.NaN(), math.NaN(), r.Real)
		line("mean of all", "", math.NaN(), math.NaN(), r.All)
	}
	c.Flush()
	return c.Error()
}

// WriteMarkdown writes a table for a person: networks on real data, and apart from it
// those on stand-ins.
func WriteMarkdown(w io.Writer, rows []Row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "No cell of the grid is finished.")
		return err
	}
	for _, kind := range []string{datasets.Real, datasets.StandIn} {
		var names []string
		for _, n := range rows[0].Records[0].Networks {
			if n.Data == kind {
				names = append(names, n.Name)
			}
		}
		if names == nil {
			continue
		}
		title, means := "Real data", "mean of real"
		if kind == datasets.StandIn {
			title, means = "Stand-in data (says that the system runs, nothing about the datasets)", "mean of all ten, real ones among them"
			if n := len(rows[0].Records[0].Networks); n != 10 {
				means = fmt.Sprintf("mean of all %d, real ones among them", n)
			}
		}
		fmt.Fprintf(w, "### %s\n\nChange of test accuracy in points against separate networks with the same further training, with 95 %% intervals.\n\n", title)
		fmt.Fprintf(w, "| method | ratio in bytes | level 1 | seeds | %s | %s | minutes |\n|---|---:|---:|---|%s---:|---:|\n",
			means, strings.Join(names, " | "), strings.Repeat("---:|", len(names)))
		for _, r := range rows {
			whole := r.Real
			if kind == datasets.StandIn {
				whole = r.All
			}
			fmt.Fprintf(w, "| %s | %.1f | %.1f | %s | %s |", r.Cell, r.Ratio, r.Level1, join(r.Seeds), words(whole))
			for _, name := range names {
				i := slices.IndexFunc(r.Records[0].Networks, func(n NetworkRecord) bool { return n.Name == name })
				fmt.Fprintf(w, " %s |", words(r.Networks[i]))
			}
			fmt.Fprintf(w, " %.1f |\n", seconds(r)/60)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, "With one seed an interval says what other test data could have given, not what another training could have.")
	return err
}

func words(i bootstrap.Interval) string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", i.Change, i.Low, i.High)
}

func join(seeds []uint64) string {
	var s []string
	for _, v := range seeds {
		s = append(s, fmt.Sprint(v))
	}
	return strings.Join(s, " ")
}

// mean accuracy of the i-th network over the seeds.
func mean(r Row, i int, test bool) float64 {
	sum := 0.0
	for _, record := range r.Records {
		if test {
			sum += record.Networks[i].Test
		} else {
			sum += record.Networks[i].Validation
		}
	}
	return sum / float64(len(r.Records))
}

// bytes are the mean over seeds.
func (row *Row) bytes() int {
	sum := 0
	for _, r := range row.Records {
		sum += r.Bytes
	}
	return sum / len(row.Records)
}

// pages are what the budget was turned into, with each seed if they differ.
func (row *Row) pages() string {
	var all []string
	for _, r := range row.Records {
		if !slices.Contains(all, r.Pages) {
			all = append(all, r.Pages)
		}
	}
	return strings.Join(all, "; ")
}

func seconds(r Row) float64 {
	sum := 0.0
	for _, record := range r.Records {
		sum += record.Seconds
	}
	return sum / float64(len(r.Records))
}
