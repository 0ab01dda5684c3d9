package grid

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

// MeanOfReal is the network of a [Line] that is the mean over the networks on real data.
const MeanOfReal = "mean of real"

// Line is a line of table.csv: one network of a cell, or a mean of its networks.
type Line struct {
	Method, Seeds, Network, Data string
	Ratio                        float64            // of all bytes
	Test                         float64            // accuracy, 0 to 1; NaN of a mean
	Change                       bootstrap.Interval // of it, against the reference
}

// ReadTable reads table.csv of a grid's directory.
func ReadTable(from fs.FS, dir string) ([]Line, error) {
	path := path.Join(dir, tableFile)
	raw, err := fs.ReadFile(from, path)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err == nil && len(rows) == 0 {
		err = errors.New("no header")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var lines []Line
	for _, row := range rows[1:] {
		text := func(column string) string {
			if i := slices.Index(rows[0], column); i >= 0 {
				return row[i]
			}
			return ""
		}
		l := Line{Method: text("method"), Seeds: text("seeds"), Network: text("network"), Data: text("data")}
		for column, to := range map[string]*float64{"ratio": &l.Ratio, "test": &l.Test,
			"change": &l.Change.Change, "low": &l.Change.Low, "high": &l.Change.High} {
			if *to, err = strconv.ParseFloat(text(column), 64); err != nil {
				return nil, fmt.Errorf("%s: %s of %s, %s: %w", path, column, l.Method, l.Network, err)
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}
