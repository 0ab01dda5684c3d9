package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

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

var hharTables = []string{hharAccelerometer, hharGyroscope}

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
	expected := hharArchive + ", or unpacked from it " + hharAccelerometer + " and " + hharGyroscope
	root, source, err := findRoot(folder, expected, []string{hharArchive}, hharAccelerometer)
	f := form{name: "phones", version: 1, sorted: true, period: features.SpectraValues,
		files: []string{root}, load: func(r *recorder) error { return loadHHAR(r, root, source) }}
	if err == nil && source != hharArchive {
		f.files = []string{lookupFile(root, hharAccelerometer), lookupFile(root, hharGyroscope)}
		if f.files[1] == "" {
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
	parts := map[prepared.Part]bool{}
	of := map[string][]*prepared.Sample{}
	for i := range all {
		s := &all[i]
		if slices.Contains(hharTestUsers, s.Group) {
			s.Part = prepared.Test
		}
		parts[s.Part] = true
		activity := fmt.Sprint(s.Label, s.Group)
		of[activity] = append(of[activity], s)
	}
	if len(parts) == 2 {
		return false
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
		i := slices.IndexFunc(hharTables, func(t string) bool { return plain(t) == plain(name) })
		if i < 0 {
			return nil
		}
		name = hharTables[i]
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

// The clock of a sensor within one recording.
const (
	clockBack = 50 * time.Millisecond  // set back by more, what follows is another piece
	clockGap  = 100 * time.Millisecond // so is what follows a longer gap

	windowRetry = 250 * time.Millisecond // after a window that is not covered
)

// piece is what a sensor measured of one activity without a gap.
type piece struct {
	activity    int8
	series      features.Series
	first, last int64 // arrival on the phone, milliseconds
}

// together reports whether what two pieces have in common by the sensors' clock arrived
// at the same time, for the most part. Where the clock was set back, pieces of different
// times have times in common.
func (p piece) together(q piece) bool {
	common := time.Duration(min(p.end(), q.end()) - max(p.start(), q.start()))
	arrived := time.Duration(min(p.last, q.last)-max(p.first, q.first)) * time.Millisecond
	return common > 0 && arrived >= common/2
}

// start and end are the piece's first and last time.
func (p piece) start() int64 { return p.series[0].Time }
func (p piece) end() int64   { return p.series[len(p.series)-1].Time }

// recording is what both sensors of a phone measured.
type recording struct {
	phone
	acc, gyro []reading
}

// addWindows adds the windows in which both sensors of a phone measured the same
// activity. It empties the sensors.
func addWindows(r *recorder, acc, gyro sensor) error {
	feed := func(_ context.Context, give func(recording) error) error {
		phones := slices.SortedFunc(maps.Keys(acc), func(a, b phone) int {
			return cmp.Or(strings.Compare(a.user, b.user), strings.Compare(a.device, b.device))
		})
		for _, p := range phones {
			if gyro[p] == nil {
				continue
			}
			if err := give(recording{p, acc[p], gyro[p]}); err != nil {
				return err
			}
			acc[p], gyro[p] = nil, nil // twice all of them would be too many
		}
		return nil
	}
	work := func(r recording) ([]finished, error) { return r.windows(), nil }
	return ordered(r.ctx, feed, work, r.add)
}

// windows returns the windows of all pairs of pieces of the same activity.
func (r recording) windows() (all []finished) {
	spectra := features.NewSpectra()
	now := commonClock(r.acc, r.gyro)
	gyro := pieces(r.gyro, now)
	for _, a := range pieces(r.acc, now) {
		for _, g := range gyro {
			if a.activity != g.activity || !a.together(g) {
				continue
			}
			end := min(a.end(), g.end())
			for start := max(a.start(), g.start()); end-start >= int64(features.SpectraWindow); {
				v := spectra.Window(start, a.series, g.series)
				if v == nil {
					start += int64(windowRetry)
					continue
				}
				all = append(all, finished{values: v, Sample: prepared.Sample{
					Name:  fmt.Sprintf("%s/%s/%020d", r.user, r.device, start),
					Label: int32(a.activity), Group: r.user}})
				start += int64(features.SpectraWindow)
			}
		}
	}
	return all
}

func creation(r reading) int64 { return r.creation }
func arrival(r reading) int64  { return r.arrival }

// span returns the least and the greatest of a time of readings.
func span(all []reading, of func(reading) int64) (least, greatest int64) {
	least, greatest = math.MaxInt64, math.MinInt64
	for _, r := range all {
		least, greatest = min(least, of(r)), max(greatest, of(r))
	}
	return least, greatest
}

// commonClock returns the clock by which the readings of two sensors are to be taken
// together, in nanoseconds: that of the sensors, or if their times are from different
// clocks that of the phone when they arrived, which is less even.
func commonClock(a, b []reading) func(reading) int64 {
	a0, a1 := span(a, creation)
	b0, b1 := span(b, creation)
	shared := float64(min(a1, b1)) - float64(max(a0, b0))
	if shared >= min(float64(a1)-float64(a0), float64(b1)-float64(b0))/2 {
		return creation
	}
	return func(r reading) int64 { return r.arrival * int64(time.Millisecond) }
}

// pieces parts readings where the activity changes, readings are missing or the clock
// was set back. Rows are out of order in the tables; their index gives the order.
func pieces(all []reading, now func(reading) int64) (parts []piece) {
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(a.index(), b.index()) })
	goesOn := func(a, b reading) bool {
		step := time.Duration(now(b) - now(a))
		return a.activity() == b.activity() && step >= -clockBack && step <= clockGap
	}
	for n := 0; len(all) > 0; all = all[n:] {
		var motions []features.Motion
		for n = 0; n < len(all) && (n == 0 || goesOn(all[n-1], all[n])); n++ {
			m := features.Motion{Time: now(all[n])}
			for axis, v := range all[n].v {
				m.V[axis] = float64(v)
			}
			motions = append(motions, m)
		}
		if n > 1 {
			first, last := span(all[:n], arrival)
			parts = append(parts, piece{all[0].activity(), features.NewSeries(motions), first, last})
		}
	}
	return parts
}
