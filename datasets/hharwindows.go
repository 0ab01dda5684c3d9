package datasets

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
)

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
