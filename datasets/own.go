package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/prepared"
)

// Own are a caller's own samples for one network. Every split may be missing but for those that
// its use asks for.
type Own struct {
	Dataset
	// Labelled says of training (and validation) samples and of test samples that they have
	// labels or targets.
	Labelled, TestLabelled bool
	// Values says that labels are values to output, not classes.
	Values bool
}

// OpenOwn reads the samples of a network of the caller's from a directory:
//
//	NAME_train_data.npy       [samples, input...], any numbers, taken as they are
//	NAME_train_label.npy      [samples] class indices, one-hot rows, or float values to output
//	NAME_train_groups.npy     numbers that related samples share, so that they stay together
//	NAME_validation_data.npy  and its label; without them a tenth of the training samples is held out
//	NAME_test_data.npy        and its label
//	NAME_test_clips.npy       the number of the recording that a sample is a segment of
//
// NAME_groups.npy is read for NAME_train_groups.npy. All are optional; files that contradict each
// other, the input shape or the number of outputs are errors. The seed decides what is held out.
func OpenOwn(ctx context.Context, dir, name string, input []int, outputs int, seed uint64) (*Own, error) {
	r := &ownReader{ctx: ctx, dir: dir, name: name, input: input, outputs: outputs}
	o := &Own{Dataset: Dataset{Name: name, Shape: input, Classes: outputs}}
	var splits [3]*Split
	var labelled [3]bool
	for i, part := range []string{"train", "validation", "test"} {
		var err error
		if splits[i], labelled[i], err = r.split(part); err != nil {
			return nil, err
		}
	}
	o.Train, o.Validation, o.Test = splits[0], splits[1], splits[2]
	o.Labelled, o.TestLabelled, o.Values = labelled[0], labelled[2], r.values
	switch {
	case o.Train == nil && o.Validation != nil:
		return nil, fmt.Errorf("%s: there is no training data beside it", r.path("validation_data"))
	case o.Validation != nil && labelled[0] != labelled[1]:
		return nil, fmt.Errorf("%s: training data has labels or validation data has, want both or none",
			r.path("validation_label"))
	}
	for i, part := range []string{"train", "validation", "test"} {
		if s := splits[i]; o.Values && s != nil && s.Targets == nil {
			return nil, fmt.Errorf("%s: want float values for its samples, as others have: the network "+
				"outputs values", r.path(part+"_label"))
		}
	}
	if err := o.HoldOut(seed); err != nil {
		return nil, fmt.Errorf("%s: %w", r.path("train_data"), err)
	}
	if len(r.files) == 0 {
		return o, nil
	}
	var err error
	o.Provenance.Content, err = prepared.Hash(ctx, "", r.files, nil)
	return o, err
}

type ownReader struct {
	ctx       context.Context
	dir, name string
	input     []int
	outputs   int
	files     []string // that were read
	values    bool
}

// HoldOut holds a tenth of the training samples out as validation data, whole groups of related
// ones together, unless there is validation data, and counts the samples.
func (o *Own) HoldOut(seed uint64) error {
	if o.Train != nil && o.Validation == nil {
		if o.Train.Len() < 2 {
			return fmt.Errorf("%d samples, want 2 at least: one to train on, one to validate with",
				o.Train.Len())
		}
		o.Train, o.Validation, _ = holdOut(o.Train, max(o.Classes, 2), seeded(seed, o.Name, streamHoldOut))
	}
	p := &o.Provenance
	p.Kind, p.Source, p.Train, p.Test = OwnData, "own samples", o.trainLen(), 0
	if o.Test != nil {
		p.Test = o.Test.Len()
	}
	return nil
}

func (r *ownReader) path(part string) string { return filepath.Join(r.dir, r.name+"_"+part+".npy") }

// read reads one of the network's files whole, nil if it is not there.
func (r *ownReader) read(part string) (*array, []float32, error) {
	a, values, err := readArray(r.ctx, r.path(part))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	r.files = append(r.files, r.path(part))
	for i, v := range values {
		if v-v != 0 { // NaN or infinite
			return nil, nil, fmt.Errorf("%s: row %d has %v, want finite numbers", r.path(part), i/a.columns,
				v)
		}
	}
	return a, values, err
}

// split reads data and labels of one part; nil if there is none.
func (r *ownReader) split(part string) (s *Split, labelled bool, err error) {
	data, values, err := r.read(part + "_data")
	if err != nil {
		return nil, false, err
	}
	label, labels, err := r.read(part + "_label")
	if err != nil {
		return nil, false, err
	}
	switch {
	case data == nil && label != nil:
		return nil, false, fmt.Errorf("%s: there is no %s beside it", r.path(part+"_label"),
			filepath.Base(r.path(part+"_data")))
	case data == nil:
		return nil, false, nil
	case !slices.Equal(data.shape, r.input):
		return nil, false, fmt.Errorf("%s: samples of shape %v, the network takes %v", r.path(part+"_data"),
			data.shape, r.input)
	}
	s = &Split{size: data.columns, floats: values, Labels: make([]int32, data.rows)}
	if label != nil {
		if err := r.label(s, label, labels); err != nil {
			return nil, false, fmt.Errorf("%s: %w", r.path(part+"_label"), err)
		}
	}
	groups := part + "_groups"
	if _, err := os.Stat(r.path(groups)); part == "train" && errors.Is(err, fs.ErrNotExist) {
		groups = "groups"
	}
	if s.Groups, err = r.numbers(groups, data.rows); err != nil {
		return nil, false, err
	}
	s.Clips, err = r.numbers(part+"_clips", data.rows)
	return s, label != nil, err
}

// label gives a split its classes or targets.
func (r *ownReader) label(s *Split, a *array, values []float32) (err error) {
	if a.rows != s.Len() {
		return fmt.Errorf("%d labels for %d samples", a.rows, s.Len())
	}
	floats := strings.Contains(a.Type, "f")
	labels, err := classLabels(values, a.columns, max(2, r.outputs))
	switch {
	case a.columns == r.outputs && a.columns > 1 && err == nil:
	case floats && a.columns == r.outputs:
		s.Targets, r.values = values, true
		return nil
	case floats:
		return fmt.Errorf("rows of %d values, the network has %d outputs (classes are whole numbers)",
			a.columns, r.outputs)
	case a.columns != 1:
		return fmt.Errorf("rows of %d whole numbers, want a class or a one-hot row of %d", a.columns,
			r.outputs)
	}
	s.Labels = labels
	return err
}

// numbers reads a number for each sample; nil if the file is not there.
func (r *ownReader) numbers(part string, samples int) ([]int32, error) {
	a, values, err := r.read(part)
	if a == nil || err != nil {
		return nil, err
	}
	if a.rows != samples || a.columns != 1 {
		return nil, fmt.Errorf("%s: %d rows of %d, want a number for each of %d samples", r.path(part),
			a.rows, a.columns, samples)
	}
	numbers := make([]int32, samples)
	for i, v := range values {
		// Larger ones would merge with their neighbours in float32.
		if numbers[i] = int32(v); v != float32(numbers[i]) || max(v, -v) >= 1<<24 {
			return nil, fmt.Errorf("%s: number %d is %v, want a whole number below %d", r.path(part), i, v, 1<<24)
		}
	}
	return numbers, nil
}
