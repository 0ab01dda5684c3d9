package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
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

// readTable reads a table of one sensor.
func readTable(r io.Reader) (sensor, error) {
	t, err := openTable(r, ',', "Index", "Arrival_Time", "Creation_Time", "x", "y", "z", "User",
		"Device", "gt")
	if err != nil {
		return nil, err
	}
	all := sensor{}
	err = t.each(func() error {
		r, ok, err := parseReading(t)
		if err != nil || !ok {
			return err
		}
		key := phone{t.at(6), t.at(7)}
		list := all[key]
		if list == nil {
			list = new([]reading)
			// The key must not keep the reused record.
			all[phone{strings.Clone(key.user), strings.Clone(key.device)}] = list
		}
		*list = append(*list, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// parseReading reads the fields of a row. It reports false for one without an activity.
func parseReading(t *table) (r reading, ok bool, err error) {
	index := uint32(t.number(0, 0, mostIndex, false))
	// Some sensors count from when the phone was started. Differences of times must fit.
	r.arrival = int64(t.number(1, 0, 4e12, false))
	r.creation = int64(t.number(2, -4e18, 4e18, false))
	for axis := range r.v {
		r.v[axis] = float32(t.number(3+axis, -1e6, 1e6, false))
	}
	gt := t.at(8)
	class := slices.Index(hharActivities, gt)
	ok = gt != "null" && gt != ""
	switch {
	case t.err != nil:
		return r, false, t.err
	case ok && class < 0:
		return r, false, fmt.Errorf("gt: expected one of %v or null, found %q", hharActivities, gt)
	case t.at(6) == "" || t.at(7) == "":
		return r, false, errors.New("expected a user and a device")
	}
	r.tag = 8*index + uint32(max(class, 0))
	return r, ok, nil
}
