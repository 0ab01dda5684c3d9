package claims

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"weightsep/datasets"
	"weightsep/wslib/execution"
	"weightsep/wslib/gridtable"
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

// row reads what a grid's table says of a method and a network, or of [gridtable.MeanOfReal].
func (d *documents) row(dir, method, network string) gridtable.Line {
	lines, err := gridtable.Read(d.fs, dir)
	for _, l := range lines {
		if l.Method == method && l.Network == network {
			return l
		}
	}
	if err == nil {
		err = fmt.Errorf("no method %q of %q", method, network)
	}
	d.failed(dir+"/table.csv", err)
	return gridtable.Line{}
}

// worst is what a grid's table says of the network on real data that a method most certainly costs something:
// that of the lowest upper end of an interval.
func (d *documents) worst(dir, method string) (worst gridtable.Line) {
	lines, err := gridtable.Read(d.fs, dir)
	for _, l := range lines {
		if l.Method == method && l.Data == datasets.Real && l.Network != gridtable.MeanOfReal &&
			(worst.Network == "" || l.Change.High < worst.Change.High) {
			worst = l
		}
	}
	d.failed(dir+"/table.csv", err)
	return worst
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
