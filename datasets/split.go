package datasets

import (
	"fmt"
	"runtime"

	"weightsep/datasets/prepared"
)

// Split is a list of samples and their labels.
//
// Samples are stored as bytes, each standing for byte/255, or as float32, in memory or
// mapped from a file; [Split.Batch] and [Split.Sample] hide which. A Split is safe for
// concurrent use as long as nobody changes Labels, Groups and Clips.
type Split struct {
	size   int
	bytes  []byte        // samples one after another, or
	floats []float32     // the same as float32
	rows   []int32       // stored position of each sample; nil if they are stored in order
	set    *prepared.Set // keeps what is mapped; nil if samples are in memory
	scale  *scaling      // nil if values are as stored

	// Labels holds the class index of each sample; 0 where samples have no classes.
	Labels []int32

	// Targets holds the values that a network is to output for each sample, one sample after
	// another; nil if there are none.
	Targets []float32

	// Groups holds a number for each sample that related samples share: the images of
	// one traffic sign, the words of one speaker, the windows of one person. Samples
	// of number -1 have no relatives; nil if none has. What is computed over samples
	// as if they were independent should take them group by group.
	Groups []int32

	// Clips holds the number of the recording that a sample is a segment of. nil if
	// samples are whole. Numbers are the same in all splits of a dataset.
	Clips []int32
}

// scaling standardises values: number i becomes (v - mean[i%k]) * factor[i%k], k being
// the length of both.
type scaling struct{ mean, factor []float32 }

// NewSplit makes a split of a caller's own samples, for networks that are not
// among the ten. values holds len(labels) samples of size values each, in the
// order height, width, channel; it is not copied. Labels are class indices.
func NewSplit(size int, values []float32, labels []int32) (*Split, error) {
	if size < 1 || len(values) != size*len(labels) {
		return nil, fmt.Errorf("datasets: %d values for %d samples of %d", len(values), len(labels), size)
	}
	for i, l := range labels {
		if l < 0 {
			return nil, fmt.Errorf("datasets: label %d is %d, want a class index", i, l)
		}
	}
	return &Split{size: size, floats: values, Labels: labels}, nil
}

// Len returns the number of samples.
func (s *Split) Len() int { return len(s.Labels) }

// Size returns the number of values of a sample: height times width times channels.
func (s *Split) Size() int { return s.size }

// Batch copies sample index[i] to dst[i*Size : (i+1)*Size], for every i. The values
// of a sample are in the order height, width, channel. Batch panics if dst does not
// hold exactly len(index)*Size values or an index is not in [0, Len).
func (s *Split) Batch(dst []float32, index []int) {
	if len(dst) != len(index)*s.size {
		panic(fmt.Sprintf("datasets: Batch of %d samples of %d values into %d values",
			len(index), s.size, len(dst)))
	}
	for i, j := range index {
		s.read(dst[i*s.size:(i+1)*s.size], j)
	}
}

// Sample returns a copy of sample i. It panics if i is not in [0, Len).
func (s *Split) Sample(i int) []float32 {
	dst := make([]float32, s.size)
	s.read(dst, i)
	return dst
}

// Slice returns the first n samples, sharing the values with s. If n >= Len it returns s.
// It panics if n is negative.
func (s *Split) Slice(n int) *Split {
	if n >= s.Len() {
		return s
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return s.pick(index)
}

// Spread returns n samples at equal distances, sharing the values with s; all of them if n is 0.
func (s *Split) Spread(n int) *Split {
	if n == 0 || n >= s.Len() {
		return s
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i * s.Len() / n
	}
	return s.pick(index)
}

// Related are numbers that samples share which are right or wrong together: of groups, or of the
// recordings that they are segments of. -1 and nil are as in Groups.
func (s *Split) Related() []int32 {
	if s.Groups != nil {
		return s.Groups
	}
	return s.Clips
}

// Target is what a network is to output for sample i; nil if there are no targets.
func (s *Split) Target(i int) []float32 {
	width := len(s.Targets) / max(1, s.Len())
	return s.Targets[i*width : (i+1)*width]
}

// pick returns the samples at the given indices, sharing the values with s.
func (s *Split) pick(index []int) *Split {
	t := *s
	t.rows, t.Targets = make([]int32, len(index)), nil
	for i, j := range index {
		t.rows[i] = s.row(j)
		t.Targets = append(t.Targets, s.Target(j)...)
	}
	t.Labels, t.Groups, t.Clips = at(s.Labels, index), at(s.Groups, index), at(s.Clips, index)
	return &t
}

// at returns the numbers at the given indices; nil if there are none at all.
func at(all []int32, index []int) []int32 {
	if all == nil {
		return nil
	}
	chosen := make([]int32, len(index))
	for i, j := range index {
		chosen[i] = all[j]
	}
	return chosen
}

// row returns where sample i is stored.
func (s *Split) row(i int) int32 {
	if s.rows != nil {
		return s.rows[i]
	}
	return int32(i)
}

// read copies sample i to dst.
func (s *Split) read(dst []float32, i int) {
	if i < 0 || i >= s.Len() { // storage may be longer than a slice of it
		panic(fmt.Sprintf("datasets: sample %d of %d", i, s.Len()))
	}
	at := int(s.row(i)) * s.size
	if s.floats != nil {
		copy(dst, s.floats[at:at+s.size])
	} else {
		for k, b := range s.bytes[at : at+s.size] {
			dst[k] = unit[b]
		}
	}
	runtime.KeepAlive(s.set) // unreachable, it would be unmapped
	if c := s.scale; c != nil {
		for k := len(c.mean); len(dst) >= k; dst = dst[k:] {
			for i, m := range c.mean {
				dst[i] = (dst[i] - m) * c.factor[i]
			}
		}
	}
}

// unit holds byte/255 for every byte; looking it up is faster than dividing.
var unit = func() (t [256]float32) {
	for b := range t {
		t[b] = float32(b) / 255
	}
	return t
}()
