package claims

import (
	"fmt"
	"path/filepath"

	"weightsep/datasets/files"
	"weightsep/wslib/execution"
	"weightsep/wslib/grid"
	"weightsep/wslib/pipeline"
)

// documents reads the files of documented runs. The first error stays; what is read after it is empty.
type documents struct {
	dir      string
	recorded map[string]record
	err      error
}

func (d *documents) failed(name string, err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("claims: results/%s: %w", name, err)
	}
}

// row is a method's result in a grid's table.
type row struct{ grid.Line }

// interval writes a change as tables have it.
func (r row) interval() string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", r.Change.Change, r.Change.Low, r.Change.High)
}

// row reads what a grid's table says of a method's mean of the networks on real data.
func (d *documents) row(name, method string) row {
	lines, err := grid.ReadTable(filepath.Join(d.dir, name))
	if err != nil {
		d.failed(name, err)
		return row{}
	}
	for _, l := range lines {
		if l.Method == method && l.Network == grid.MeanOfReal {
			return row{l}
		}
	}
	d.failed(name+"/table.csv", fmt.Errorf("no method %q", method))
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
	d.failed(name, files.ReadJSON(filepath.Join(d.dir, name), into))
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
