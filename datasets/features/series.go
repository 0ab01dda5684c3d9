package features

import (
	"errors"
	"fmt"
	"slices"
)

// A Series holds the samples of a three-axis motion sensor.
type Series struct {
	T []int64      // times, in ticks of the extractor's clock
	V [3][]float64 // values of the axes x, y, z, as many as T each
}

// errLengths is for a Series with axes of different lengths.
var errLengths = errors.New("features: times and axes differ in length")

// Len returns the number of samples.
func (s Series) Len() int { return len(s.T) }

// Sorted returns a copy of s in the order of time, in which samples of the same time
// are replaced by their mean. Recordings need it since phones deliver bursts of samples
// out of order, and sometimes one twice. It is an error if the axes differ in length
// or a value is not finite (or beyond 1e100).
//
// Sorting cannot repair a clock that was set back while recording, which lays two
// stretches of time over each other: cut the recording there first.
func (s Series) Sorted() (Series, error) {
	if err := s.lengths(); err != nil {
		return Series{}, err
	}
	for k, v := range s.V {
		if err := check(v); err != nil {
			return Series{}, fmt.Errorf("axis %c: %w", 'x'+rune(k), err)
		}
	}
	order := make([]int, s.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case s.T[a] < s.T[b]:
			return -1
		case s.T[a] > s.T[b]:
			return 1
		}
		return 0
	})
	var out Series
	for i := 0; i < len(order); {
		t := s.T[order[i]]
		end := i + 1
		for end < len(order) && s.T[order[end]] == t {
			end++
		}
		out.T = append(out.T, t)
		for k, v := range s.V {
			var sum float64
			for _, j := range order[i:end] {
				sum += v[j]
			}
			out.V[k] = append(out.V[k], sum/float64(end-i))
		}
		i = end
	}
	return out, nil
}

func (s Series) lengths() error {
	for _, v := range s.V {
		if len(v) != len(s.T) {
			return errLengths
		}
	}
	return nil
}

// since returns the ticks from a to b, which is not before a. They may be more than
// an int64 holds.
func since(b, a int64) uint64 { return uint64(b) - uint64(a) }
