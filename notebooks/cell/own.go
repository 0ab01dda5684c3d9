package cell

import (
	"math/rand/v2"
	"slices"

	"weightsep/wslib"
	"weightsep/wslib/figures"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
)

// Points are n points of the square from -1 to 1; those that one says it of are of class 1.
func Points(seed uint64, n int, one func(x, y float32) bool) (s wslib.Samples) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		x, y, label := 2*r.Float32()-1, 2*r.Float32()-1, int32(0)
		if one(x, y) {
			label = 1
		}
		s.Inputs, s.Labels = append(s.Inputs, x, y), append(s.Labels, label)
	}
	return s
}

// Noise is n samples of so many random values, without labels.
func Noise(seed uint64, n, values int) (s wslib.Samples) {
	r := rand.New(rand.NewPCG(seed, 2))
	for range n * values {
		s.Inputs = append(s.Inputs, float32(r.NormFloat64()))
	}
	return s
}

// Ones are the samples of class 1.
func Ones(s wslib.Samples) (ones int) {
	for _, label := range s.Labels {
		ones += int(label)
	}
	return ones
}

// Likeliest are the classes of samples whose logits, one sample after another, are given.
func Likeliest(logits []float32, classes int) (all []int32) {
	for one := range slices.Chunk(logits, classes) {
		all = append(all, network.Largest(one))
	}
	return all
}

// ShowReport shows what packing did: scores, and where the bytes go.
func ShowReport(s *pipeline.Summary) {
	ShowChanges(s)
	Show(s.BeforeAfterChart())
	Show(figures.Memory(s.Stored))
}
