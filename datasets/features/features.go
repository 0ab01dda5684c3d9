// Package features turns sounds and movements into the inputs of the networks: MFCC
// for spoken words, LogMel and Segments for sounds of the surroundings, Spectra for
// the motion sensors of phones.
//
// The original work that this module reproduces shipped finished arrays and no code
// that made them. Every constant here is therefore a choice of this package, made to
// fit the input shapes and the usual practice for each dataset. All of them are given
// with the type they belong to. Standardisation, which needs statistics of the
// training data, is left to the caller.
//
// Extractors are built once and hold tables and scratch memory. None is safe for
// concurrent use: take one for every goroutine. They can differ in the last bits
// between processor architectures, not between runs.
package features

import (
	"fmt"
	"math"
)

// maxInput bounds the input of every extractor. Larger values could overflow once
// squared and summed.
const maxInput = 1e100

// check returns an error if a value is not finite or absurdly large.
func check(x []float64) error {
	for i, v := range x {
		if !(math.Abs(v) <= maxInput) {
			return fmt.Errorf("features: value %d is %g", i, v)
		}
	}
	return nil
}
