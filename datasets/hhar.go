package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
)

var (
	hharActivities = []string{"bike", "sit", "stairsdown", "stairsup", "stand", "walk"}
	hharTestUsers  = []string{"h", "i"}
)

const (
	hharArchive       = "Activity recognition exp.zip"
	hharAccelerometer = "Phones_accelerometer.csv"
	hharGyroscope     = "Phones_gyroscope.csv"
)

// hharForm finds the Heterogeneity Activity Recognition dataset, movements of nine people
// recorded by eight phones each: windows of 5 seconds of one activity, 20 intervals of
// 120 spectral values of accelerometer and gyroscope (see [features.Spectra]), each of
// the 120 standardised. Windows do not overlap; rows without an activity are left out.
//
// Source: UCI Machine Learning Repository, dataset 344, "Activity recognition exp.zip",
// or the files unpacked from it. The test split is ours, two of the nine people; people
// are groups. If there are no training or no test people, the last fifth of what each
// person did of an activity becomes the test split, and the note says so.
func hharForm(folder string) (form, error) {
	expected := fmt.Sprintf("%s, or unpacked from it %s and %s", hharArchive, hharAccelerometer, hharGyroscope)
	trees := []string{"Activity recognition exp", "."}
	root, source, err := findRoot(folder, expected, []string{hharArchive}, trees, hharAccelerometer)
	f := form{name: "phones", version: 1, sorted: true, period: features.SpectraValues,
		files: []string{root}, load: func(r *recorder) error { return loadHHAR(r, root, source) }}
	if source != hharArchive {
		f.files = []string{filepath.Join(root, hharAccelerometer), filepath.Join(root, hharGyroscope)}
		if err == nil && !isFile(f.files[1]) {
			err = fmt.Errorf("%s: expected %s: %w", folder, expected, errNoFiles)
		}
	}
	return f, err
}

// loadHHAR reads the archive or directory at root.
func loadHHAR(r *recorder, root, source string) error {
	acc, gyro, err := readPhones(r, root)
	if err != nil {
		return err
	}
	if err := addWindows(r, acc, gyro); err != nil {
		return err
	}
	users := map[string]bool{}
	for _, s := range r.Samples() {
		users[s.Group] = true
	}
	r.provenance.Source = fmt.Sprintf("%s: phones of %d of 9 people", source, len(users))
	if splitByUser(r.Samples()) {
		r.provenance.Note = "training or test people are absent: " +
			"the last fifth of each activity is the test split"
	}
	return nil
}

// splitByUser puts the test people's samples into the test split. If then no sample is
// in one of the splits it takes the last fifth of each activity of each person instead,
// and says so.
func splitByUser(all []prepared.Sample) (byTime bool) {
	counts := [3]int{}
	for i := range all {
		s := &all[i]
		if s.Part = prepared.Train; slices.Contains(hharTestUsers, s.Group) {
			s.Part = prepared.Test
		}
		counts[s.Part]++
	}
	if counts[prepared.Train] > 0 && counts[prepared.Test] > 0 {
		return false
	}
	of := map[string][]*prepared.Sample{}
	for i := range all {
		k := fmt.Sprint(all[i].Label, all[i].Group)
		of[k] = append(of[k], &all[i])
	}
	for _, activity := range of {
		slices.SortFunc(activity, func(a, b *prepared.Sample) int { // names end in the time
			return cmp.Or(strings.Compare(path.Base(a.Name), path.Base(b.Name)),
				strings.Compare(a.Name, b.Name))
		})
		n := len(activity)
		for i, s := range activity {
			if s.Part = prepared.Train; n > 1 && i >= n-max(1, n/5) {
				s.Part = prepared.Test
			}
		}
	}
	return true
}

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
type sensor map[phone][]reading

// readPhones reads the two tables of phones in an archive or directory.
func readPhones(r *recorder, root string) (acc, gyro sensor, err error) {
	tables := map[string]sensor{}
	limits := archive.Limits{File: 8 << 30, Total: 32 << 30, Read: r.read} // the original's: 1.3 and 3 GB
	err = archive.Walk(r.ctx, root, limits, func(f archive.File) (err error) {
		name := path.Base(f.Name)
		if name != hharAccelerometer && name != hharGyroscope {
			return nil
		}
		if tables[name] != nil {
			return errors.New("expected this table once, found it twice")
		}
		tables[name], err = readTable(f)
		return err
	})
	if err == nil && len(tables) < 2 {
		err = fmt.Errorf("%s: expected %s and %s", root, hharAccelerometer, hharGyroscope)
	}
	return tables[hharAccelerometer], tables[hharGyroscope], err
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
		if ok {
			key := phone{t.at(6), t.at(7)}
			all[key] = append(all[key], r)
		}
		return err
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
