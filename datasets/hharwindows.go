package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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

	windowStep  = features.SpectraWindow
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
func (p piece) start() int64 { return p.series.T[0] }
func (p piece) end() int64   { return p.series.T[len(p.series.T)-1] }

// addWindows adds the windows in which both sensors of a phone measured the same
// activity.
func addWindows(ctx context.Context, r *recorder, acc, gyro sensor) error {
	feed := func(_ context.Context, give func(phone) error) error {
		phones := slices.SortedFunc(maps.Keys(acc), func(a, b phone) int {
			return cmp.Or(strings.Compare(a.user, b.user), strings.Compare(a.device, b.device))
		})
		for _, p := range phones {
			if gyro[p] == nil {
				continue
			}
			if err := give(p); err != nil {
				return err
			}
		}
		return nil
	}
	worker := func() func(phone) ([]finished, error) {
		spectra := features.NewSpectra(time.Nanosecond)
		return func(p phone) ([]finished, error) {
			a, g := *acc[p], *gyro[p]
			*acc[p], *gyro[p] = nil, nil // twice all of them would be too many
			now := commonClock(a, g)
			var all []finished
			err := eachWindow(spectra, pieces(a, now), pieces(g, now),
				func(activity int8, start int64, v []float32) {
					all = append(all, finished{floats: v, Sample: prepared.Sample{
						Name:  fmt.Sprintf("%s/%s/%020d", p.user, p.device, start),
						Label: int32(activity), Group: p.user}})
				})
			if err != nil {
				err = fmt.Errorf("user %s, device %s: %w", p.user, p.device, err)
			}
			return all, err
		}
	}
	return ordered(ctx, feed, worker, r.add)
}

// commonClock returns the clock by which the readings of two sensors are to be taken
// together, in nanoseconds: that of the sensors, or if their times are from different
// clocks that of the phone when they arrived, which is less even.
func commonClock(a, b []reading) func(reading) int64 {
	byCreation := func(x, y reading) int { return cmp.Compare(x.creation, y.creation) }
	a0, a1 := slices.MinFunc(a, byCreation).creation, slices.MaxFunc(a, byCreation).creation
	b0, b1 := slices.MinFunc(b, byCreation).creation, slices.MaxFunc(b, byCreation).creation
	shared := float64(min(a1, b1)) - float64(max(a0, b0))
	if shared >= min(float64(a1)-float64(a0), float64(b1)-float64(b0))/2 {
		return func(r reading) int64 { return r.creation }
	}
	return func(r reading) int64 { return r.arrival * int64(time.Millisecond) }
}

// pieces parts readings where the activity changes, readings are missing or the clock
// was set back. Rows are out of order in the tables; their index gives the order.
func pieces(all []reading, now func(reading) int64) (parts []piece) {
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(a.index(), b.index()) })
	begin := 0
	for i := 1; i <= len(all); i++ {
		if i < len(all) && all[i].activity() == all[begin].activity() {
			step := time.Duration(now(all[i]) - now(all[i-1]))
			if step >= -clockBack && step <= clockGap {
				continue
			}
		}
		if i-begin > 1 {
			s := features.Series{}
			for _, r := range all[begin:i] {
				s.T = append(s.T, now(r))
				for axis, v := range r.v {
					s.V[axis] = append(s.V[axis], float64(v))
				}
			}
			if s, err := s.Sorted(); err == nil {
				byArrival := func(a, b reading) int { return cmp.Compare(a.arrival, b.arrival) }
				parts = append(parts, piece{all[begin].activity(), s,
					slices.MinFunc(all[begin:i], byArrival).arrival,
					slices.MaxFunc(all[begin:i], byArrival).arrival})
			}
		}
		begin = i
	}
	return parts
}

// eachWindow calls add for the windows of all pairs of pieces of the same activity.
func eachWindow(spectra *features.Spectra, acc, gyro []piece,
	add func(activity int8, start int64, v []float32)) error {
	for _, a := range acc {
		for _, g := range gyro {
			if a.activity != g.activity || !a.together(g) {
				continue
			}
			end := min(a.end(), g.end())
			for start := max(a.start(), g.start()); end-start >= int64(features.SpectraWindow); {
				v := make([]float32, features.SpectraIntervals*features.SpectraValues)
				err := spectra.Window(v, start, a.series, g.series)
				switch {
				case err == nil:
					add(a.activity, start, v)
					start += int64(windowStep)
				case errors.Is(err, features.ErrWindow):
					start += int64(windowRetry)
				default:
					return err
				}
			}
		}
	}
	return nil
}
