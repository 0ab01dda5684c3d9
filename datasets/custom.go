package datasets

import "fmt"

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
	return newFloatSplit(size, values, labels), nil
}
