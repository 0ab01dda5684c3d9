// Package gridtable reads the tables of grids, which package grid writes.
package gridtable

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"weightsep/wslib/bootstrap"
)

// File is the name of a grid's table in its directory.
const File = "table.csv"

// Further is the method of the reference: its changes are 0.
const Further = "further"

// The networks of lines that are means.
const (
	MeanOfReal = "mean of real" // over the networks on real data; its numbers are NaN where there are none
	MeanOfAll  = "mean of all"
)

// Line is a line of a table: one network of a cell, or a mean of its networks.
type Line struct {
	Method, Seeds, Network, Data string
	Bytes                        int                // all of them
	Ratio                        float64            // of all bytes
	Test                         float64            // accuracy, 0 to 1; NaN of a mean
	Change                       bootstrap.Interval // of it, against the reference
}

// Read reads the table of a grid's directory.
func Read(from fs.FS, dir string) ([]Line, error) {
	path := path.Join(dir, File)
	raw, err := fs.ReadFile(from, path)
	if err != nil {
		return nil, err
	}
	lines, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return lines, nil
}

func parse(raw []byte) (lines []Line, err error) {
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("no header")
	}
	for i, row := range rows {
		var l Line
		var bytes float64
		for column, to := range map[string]any{"method": &l.Method, "seeds": &l.Seeds, "network": &l.Network,
			"data": &l.Data, "bytes": &bytes, "ratio": &l.Ratio, "test": &l.Test, "change": &l.Change.Change,
			"low": &l.Change.Low, "high": &l.Change.High} {
			k := slices.Index(rows[0], column)
			if k < 0 {
				return nil, fmt.Errorf("no column %q", column)
			}
			switch to := to.(type) {
			case *string:
				*to = row[k]
			case *float64:
				if *to, err = strconv.ParseFloat(row[k], 64); err != nil && i > 0 {
					return nil, fmt.Errorf("row %d: %s: %w", i+1, column, err)
				}
			}
		}
		if l.Bytes = int(bytes); i > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}
