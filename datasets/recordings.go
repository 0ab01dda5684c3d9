package datasets

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/wav"
)

// Recording is what samples are made of before their features are computed: a sound, or
// the movement of a phone.
type Recording struct {
	Label  int32
	Traces []Trace // one for a sound; x, y, z of accelerometer and gyroscope for a movement
}

// Trace is a quantity over time.
type Trace struct {
	Name   string    // "sound", or the sensor and its axis
	Unit   string    // "m/s²" or "rad/s"; empty for a sound, whose full scale is -1 to 1
	Times  []float64 // seconds from the beginning, rising
	Values []float64
}

// Recordings returns one recording of each class of a dataset whose samples are features,
// of the given number of classes at most, if there are files of it that [Open] with the
// same options would read. For a dataset of images, and for a stand-in, there are none.
func Recordings(ctx context.Context, name string, o Options, classes int) ([]Recording, error) {
	d, err := Open(ctx, name, o)
	if err != nil || d.Provenance.Kind != Real {
		return nil, err
	}
	for _, e := range catalog() {
		if e.name != name || e.recordings == nil {
			continue
		}
		folder, err := findFolder(o.Dir, name)
		if err != nil {
			return nil, err
		}
		f, err := e.find(folder)
		if err != nil || f.name == arraysForm {
			return nil, err
		}
		return e.recordings(ctx, f.files, min(classes, e.classes))
	}
	return nil, nil
}

// soundRecordings returns a function that takes the recording of the first file of each
// class, of n classes at most.
func soundRecordings(sample func(string) (prepared.Sample, bool, error)) func(context.Context, []string, int) ([]Recording, error) {
	return func(ctx context.Context, files []string, n int) ([]Recording, error) {
		const most = 5000 // files to look at
		found := map[int32]Recording{}
		looked := 0
		err := archive.Walk(ctx, files[0], soundLimits, func(f archive.File) error {
			if looked++; len(found) == n || looked > most {
				return fs.SkipAll
			}
			s, ok, err := sample(f.Name)
			if err != nil || !ok {
				return err
			}
			if _, ok := found[s.Label]; ok {
				return nil
			}
			clip, err := wav.Decode(f, wav.Limits{MaxSeconds: 60})
			if errors.Is(err, wav.ErrEncoding) {
				return nil
			}
			if err == nil {
				found[s.Label] = soundRecording(s.Label, clip)
			}
			return err
		})
		var all []Recording
		for _, label := range slices.Sorted(maps.Keys(found)) {
			all = append(all, found[label])
		}
		return all, err
	}
}

func soundRecording(label int32, clip wav.Clip) Recording {
	t := Trace{Name: "sound", Values: clip.Samples, Times: make([]float64, len(clip.Samples))}
	for i := range t.Times {
		t.Times[i] = float64(i) / float64(clip.Rate)
	}
	return Recording{label, []Trace{t}}
}

func motionRecording(label int32, acc, gyro features.Series) Recording {
	r := Recording{Label: label}
	start := min(acc.T[0], gyro.T[0])
	for _, s := range []struct {
		name, unit string
		series     features.Series
	}{{"accelerometer", "m/s²", acc}, {"gyroscope", "rad/s", gyro}} {
		times := make([]float64, s.series.Len())
		for i, t := range s.series.T {
			times[i] = time.Duration(t - start).Seconds()
		}
		for axis, v := range s.series.V {
			r.Traces = append(r.Traces, Trace{s.name + " " + "xyz"[axis:axis+1], s.unit, times, v})
		}
	}
	return r
}

// motionRecordings returns five seconds of each activity, those of the first phone in the
// tables.
func motionRecordings(ctx context.Context, files []string, n int) ([]Recording, error) {
	acc, gyro, err := readPhones(ctx, phonesRoot(files), func(int64) {})
	if err != nil {
		return nil, err
	}
	var all []Recording
	found := make([]bool, n)
	for _, p := range bothSensors(acc, gyro) {
		a, g := acc[p].take(), gyro[p].take()
		now := commonClock(a, g)
		for _, x := range pieces(a, now) {
			for _, y := range pieces(g, now) {
				activity := int(x.activity)
				if activity >= n || found[activity] || x.activity != y.activity || !x.together(y) {
					continue
				}
				start := max(x.start(), y.start())
				if min(x.end(), y.end())-start < int64(features.SpectraWindow)/2 {
					continue
				}
				found[activity] = true
				all = append(all, motionRecording(int32(activity), cutSeries(x.series, start), cutSeries(y.series, start)))
			}
		}
	}
	return all, nil
}

// cutSeries returns a window of a series, from start on.
func cutSeries(s features.Series, start int64) features.Series {
	var cut features.Series
	for i, t := range s.T {
		if t >= start && t < start+int64(features.SpectraWindow) {
			cut.T = append(cut.T, t)
			for axis := range cut.V {
				cut.V[axis] = append(cut.V[axis], s.V[axis][i])
			}
		}
	}
	return cut
}

// phonesRoot returns the archive or directory of hhar's files.
func phonesRoot(files []string) string {
	if len(files) == 1 {
		return files[0]
	}
	return strings.TrimSuffix(files[0], hharAccelerometer)
}
