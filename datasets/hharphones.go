package datasets

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets/archive"
)

// reading is a row of hhar's tables. There are 26 million: they are kept small.
type reading struct {
	arrival  int64 // milliseconds
	creation int64 // nanoseconds, by the sensor's clock
	v        [3]float32
	tag      uint32 // index of the row in its recording times 8, plus the class
}

// mostIndex is the largest index that fits.
const mostIndex = math.MaxUint32 / 8

func (r reading) index() int     { return int(r.tag / 8) }
func (r reading) activity() int8 { return int8(r.tag % 8) }

// phone names one phone of one person.
type phone struct{ user, device string }

// sensor holds the readings of one sensor of all phones.
type sensor map[phone]*[]reading

// readPhones reads the two tables of phones in an archive or directory.
func readPhones(ctx context.Context, root string, read func(int64)) (acc, gyro sensor, err error) {
	limits := archive.Limits{File: 8 << 30, Total: 32 << 30, Read: read} // the original's: 1.3 and 3 GB
	err = archive.Walk(ctx, root, limits, func(f archive.File) (err error) {
		switch path.Base(f.Name) {
		case hharAccelerometer:
			if acc != nil {
				return errors.New("expected this table once, found it twice")
			}
			acc, err = readTable(f)
		case hharGyroscope:
			if gyro != nil {
				return errors.New("expected this table once, found it twice")
			}
			gyro, err = readTable(f)
		}
		return err
	})
	if err == nil && (acc == nil || gyro == nil) {
		err = fmt.Errorf("%s: expected %s and %s", root, hharAccelerometer, hharGyroscope)
	}
	return acc, gyro, err
}

// tableColumns are the columns that are read; there may be more, in any order.
var tableColumns = []string{"Index", "Arrival_Time", "Creation_Time", "x", "y", "z", "User", "Device", "gt"}

// readTable reads a table of one sensor.
func readTable(r io.Reader) (sensor, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("expected a line of column names: %w", err)
	}
	place := make([]int, len(tableColumns))
	for i, name := range tableColumns {
		if place[i] = slices.Index(head, name); place[i] < 0 {
			return nil, fmt.Errorf("expected a column %q, found %q", name, head)
		}
	}
	all := sensor{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		at := func(i int) string { return row[place[i]] }
		r, ok, err := parseReading(at)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if !ok {
			continue
		}
		key := phone{at(6), at(7)}
		list := all[key]
		if list == nil {
			list = new([]reading)
			// The key must not keep the reused record.
			all[phone{strings.Clone(key.user), strings.Clone(key.device)}] = list
		}
		*list = append(*list, r)
	}
}

// parseReading reads the fields of a row. It reports false for one without an activity.
func parseReading(at func(int) string) (r reading, ok bool, err error) {
	number := func(i int, least, most float64) float64 {
		v, numErr := strconv.ParseFloat(at(i), 64)
		if err == nil && (numErr != nil || !(v >= least && v <= most)) {
			err = fmt.Errorf("%s: expected a number from %g to %g, found %q", tableColumns[i], least, most, at(i))
		}
		return v
	}
	index := uint32(number(0, 0, mostIndex))
	// Some sensors count from when the phone was started. Differences of times must fit.
	r.arrival = int64(number(1, 0, 4e12))
	r.creation = int64(number(2, -4e18, 4e18))
	for axis := range r.v {
		r.v[axis] = float32(number(3+axis, -1e6, 1e6))
	}
	if gt := at(8); gt != "null" && gt != "" {
		class := slices.Index(hharActivities, gt)
		if class < 0 && err == nil {
			err = fmt.Errorf("gt: expected one of %v or null, found %q", hharActivities, gt)
		}
		ok = class >= 0
		r.tag = 8*index + uint32(max(class, 0))
	}
	if err == nil && (at(6) == "" || at(7) == "") {
		err = errors.New("expected a user and a device")
	}
	return r, ok, err
}
