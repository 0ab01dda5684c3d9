package optimization

import (
	"weightsep/datasets"
	"weightsep/wslib/network"
)

// spreadSamples is how many training samples say how far targets lie apart.
const spreadSamples = 2000

// spread is the unit of a task's loss: the mean squared error of answering with the mean target, of some
// training samples. Losses of values would else outweigh those of classes, or be nothing beside them. It is 1
// of classifications, and where targets are all the same.
func (t Task) spread() float64 {
	if _, classifies := t.Network.For().(network.Classification); classifies || t.Data.Train == nil {
		return 1
	}
	known := t.Data.Train.Spread(spreadSamples)
	var target func(i int) []float32
	switch t.Network.For().(type) {
	case network.Reconstruction:
		target = known.Sample
	default:
		target = known.Target
	}
	if s := variance(known, target); s > 0 {
		return s
	}
	return 1
}

// variance is the mean over columns and samples of squared differences from the column's mean.
func variance(s *datasets.Split, of func(i int) []float32) float64 {
	var means []float64 // of the samples so far; a mean of squares would hide what is small beside them
	all := 0.0
	for i := range s.Len() {
		row := of(i)
		if means == nil {
			means = make([]float64, len(row))
		}
		for k, v := range row {
			d := float64(v) - means[k]
			means[k] += d / float64(i+1)
			all += d * (float64(v) - means[k])
		}
	}
	return all / float64(max(1, len(means)*s.Len()))
}
