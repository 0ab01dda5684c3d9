package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets/prepared"
)

// form is one way in which the files of a dataset can lie in its folder: as archives,
// unpacked, or as the finished arrays of the original system.
type form struct {
	name    string   // of the form, for the cache
	version int      // of what is made of the files; raised when that changes
	files   []string // files and directories that are read

	// bytes tells how samples are stored, period how they are standardised: value i
	// by the statistics of number i % period over the training samples, 0 for not at
	// all.
	bytes  bool
	period int

	// sorted tells that the order of the names puts classes one after another: the
	// test samples are then shuffled, so that the first n are a fair subset.
	sorted bool

	load func(ctx context.Context, r *recorder) (Provenance, error)
}

// find returns the form in which the files of a dataset are in its folder.
func (e entry) find(folder string) (form, error) {
	f, err := e.files(folder)
	if !errors.Is(err, errNoFiles) {
		return f, err
	}
	arrays, arraysErr := e.arrays(folder)
	if errors.Is(arraysErr, errNoFiles) {
		return form{}, err
	}
	return arrays, arraysErr
}

// recorder takes the samples that a form's loader finds.
type recorder struct {
	*prepared.Writer
	classes int
	read    func(n int64) // is told the bytes read from disk; never nil
}

// add adds samples. It refuses a label that the dataset does not have.
func (r *recorder) add(all []finished) error {
	for _, s := range all {
		if s.Label < 0 || int(s.Label) >= r.classes {
			return fmt.Errorf("sample %s: label: expected 0 to %d, found %d", s.Name, r.classes-1, s.Label)
		}
		var err error
		if s.bytes != nil {
			err = r.AddBytes(s.Sample, s.bytes)
		} else {
			err = r.AddFloats(s.Sample, s.floats)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setMeta is what the cache keeps beside the samples.
type setMeta struct {
	Provenance Provenance
	Sorted     bool
}

// openSet returns the samples of a prepared set, in the order of their names.
func (e entry) openSet(dir string) (*samples, error) {
	set, err := prepared.Open(dir)
	if err != nil {
		return nil, err
	}
	var meta setMeta
	if err := json.Unmarshal(set.Meta, &meta); err != nil {
		return nil, err
	}
	s := &samples{set: set, provenance: meta.Provenance}
	unlessNone := func(numbers []int32) []int32 {
		if slices.Max(numbers) < 0 {
			return nil
		}
		return numbers
	}
	whole := &Split{size: set.Layout.Size, bytes: set.Bytes, floats: set.Floats, rows: set.Rows, set: set,
		Labels: set.Labels, Groups: unlessNone(set.Groups), Clips: unlessNone(set.Clips)}
	var parts [3][]int
	for i, p := range set.Parts {
		if p < 0 || int(p) >= len(parts) {
			return nil, fmt.Errorf("%s: part %d", dir, p)
		}
		parts[p] = append(parts[p], i)
	}
	s.train, s.test = whole.pick(parts[prepared.Train]), whole.pick(parts[prepared.Test])
	if meta.Sorted {
		s.test = s.test.shuffled(seeded(0, e.name, streamTestOrder))
	}
	if v := parts[prepared.Validation]; len(v) > 0 {
		s.validation = whole.pick(v)
	}
	return s, nil
}

// standardise sets the scaling of all splits to the statistics of the training
// samples, if the values are to be standardised.
func (s *samples) standardise(d *Dataset) {
	if s.set == nil || s.set.Layout.Period == 0 {
		return
	}
	k := s.set.Layout.Period
	sums := make([]float64, 2*k)
	for i := range d.Train.Len() {
		row := int(d.Train.row(i))
		for j, v := range s.set.Moments[2*k*row : 2*k*(row+1)] {
			sums[j] += v
		}
	}
	n := float64(d.Train.Len()) * float64(d.Train.Size()/k)
	c := &scaling{make([]float32, k), make([]float32, k)}
	for i := range k {
		mean := sums[2*i] / n
		variance := sums[2*i+1]/n - mean*mean
		c.mean[i] = float32(mean)
		if variance > 1e-12*max(1, mean*mean) { // a constant stays one
			c.factor[i] = float32(1 / math.Sqrt(variance))
		}
	}
	for _, split := range []*Split{d.Train, d.Validation, d.Test} {
		split.scale = c
	}
}

// fileSizes returns the bytes of files and of all files in directories, as far as
// they can be seen.
func fileSizes(paths []string) (n int64) {
	for _, root := range paths {
		filepath.Walk(root, func(_ string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				n += info.Size()
			}
			return nil
		})
	}
	return n
}
