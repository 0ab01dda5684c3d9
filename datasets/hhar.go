package datasets

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
)

// hhar is the Heterogeneity Activity Recognition dataset, movements of nine people
// recorded by eight phones each: windows of 5 seconds of one activity, 20 intervals of
// 120 spectral values of accelerometer and gyroscope (see [features.Spectra]), each of
// the 120 standardised. Windows do not overlap; rows without an activity are left out.
//
// Source: UCI Machine Learning Repository, dataset 344, "Activity recognition exp.zip",
// or the files unpacked from it. The test split is ours, two of the nine people; people
// are groups. If there are no training or no test people, the last fifth of what each
// person did of an activity becomes the test split, and the note says so.
func hhar() entry {
	return entry{
		name:       "hhar",
		shape:      [3]int{features.SpectraIntervals, features.SpectraValues, 1},
		classes:    len(hharActivities),
		classNames: hharActivities,
		files:      hharForm,
	}
}

var (
	hharActivities = []string{"bike", "sit", "stairsdown", "stairsup", "stand", "walk"}
	hharTestUsers  = []string{"h", "i"}
)

const (
	hharArchive       = "Activity recognition exp.zip"
	hharAccelerometer = "Phones_accelerometer.csv"
	hharGyroscope     = "Phones_gyroscope.csv"
)

func hharForm(folder string) (form, error) {
	trees := []string{"Activity recognition exp", "."}
	root, source := findRoot(folder, []string{hharArchive}, trees, hharAccelerometer)
	f := form{name: "phones", version: 1, sorted: true, period: features.SpectraValues,
		files: []string{root}}
	if source != hharArchive {
		f.files = []string{filepath.Join(root, hharAccelerometer), filepath.Join(root, hharGyroscope)}
	}
	if root == "" || !isFile(f.files[len(f.files)-1]) {
		return form{}, fmt.Errorf("%s: expected %s, or unpacked from it %s and %s: %w",
			folder, hharArchive, hharAccelerometer, hharGyroscope, errNoFiles)
	}
	f.load = func(ctx context.Context, r *recorder) (Provenance, error) {
		acc, gyro, err := readPhones(ctx, root, r.read)
		if err != nil {
			return Provenance{}, err
		}
		if err := addWindows(ctx, r, acc, gyro); err != nil {
			return Provenance{}, err
		}
		users := map[string]bool{}
		for _, s := range r.Samples() {
			users[s.Group] = true
		}
		p := Provenance{Kind: Real, Source: fmt.Sprintf("%s: phones of %d of 9 people", source, len(users))}
		if splitByUser(r.Samples()) {
			p.Note = "training or test people are absent: the last fifth of each activity is the test split"
		}
		return p, nil
	}
	return f, nil
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
