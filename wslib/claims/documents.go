package claims

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"weightsep/wslib/execution"
	"weightsep/wslib/pipeline"
)

// documents reads the files of documented runs. The first error stays; what is read after it is empty.
type documents struct {
	fs       fs.FS
	recorded map[string]record
	err      error
}

func (d *documents) failed(name string, err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("claims: results/%s: %w", name, err)
	}
}

// row is a method's result of a network or of a mean, in a grid's table.
type row struct {
	ratio, change, low, high, test float64
	seeds                          string
}

// interval writes a change as tables have it.
func (r row) interval() string { return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", r.change, r.low, r.high) }

// row reads what a grid's table.csv says of a method and a network, or of "mean of real".
func (d *documents) row(grid, method, network string) (r row) {
	name := grid + "/table.csv"
	raw, err := fs.ReadFile(d.fs, name)
	if err != nil {
		d.failed(name, err)
		return row{}
	}
	lines, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil || len(lines) == 0 {
		d.failed(name, fmt.Errorf("no table: %w", err))
		return row{}
	}
	column := func(line []string, title string) string {
		if i := slices.Index(lines[0], title); i >= 0 {
			return line[i]
		}
		d.failed(name, fmt.Errorf("no column %q", title))
		return ""
	}
	number := func(line []string, title string) float64 {
		v, err := strconv.ParseFloat(column(line, title), 64)
		d.failed(name, err)
		return v
	}
	for _, line := range lines[1:] {
		if column(line, "method") == method && column(line, "network") == network {
			return row{ratio: number(line, "ratio"), change: number(line, "change"), low: number(line, "low"),
				high: number(line, "high"), test: number(line, "test"), seeds: column(line, "seeds")}
		}
	}
	d.failed(name, fmt.Errorf("no method %q of %q", method, network))
	return row{}
}

func (d *documents) summary(run string) *pipeline.Summary {
	s := &pipeline.Summary{}
	d.read(run+"/"+pipeline.SummaryFile, s)
	return s
}

func (d *documents) bench() *execution.Result {
	r := &execution.Result{}
	d.read("switching/bench.json", r)
	return r
}

func (d *documents) read(name string, into any) {
	raw, err := fs.ReadFile(d.fs, name)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	d.failed(name, err)
}

// record is what a command printed, written down.
type record struct {
	Command string
	Commit  string // at which it ran
	Values  map[string]float64
}

// recordsFile holds them by name.
const recordsFile = "measured.json"

// record is that of a name, which has the values.
func (d *documents) record(name string, values ...string) record {
	if d.recorded == nil {
		d.read(recordsFile, &d.recorded)
	}
	r, found := d.recorded[name]
	if !found {
		d.failed(recordsFile, fmt.Errorf("no record %q", name))
	}
	for _, v := range values {
		if _, found := r.Values[v]; !found {
			d.failed(recordsFile, fmt.Errorf("record %q has no value %q", name, v))
		}
	}
	return r
}
