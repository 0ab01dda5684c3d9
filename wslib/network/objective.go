package network

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Objective is what a network is for: its loss, its score, and the distribution around its
// output that Fisher information is taken of.
type Objective interface {
	// Name is a word that tells objectives apart.
	Name() string
	// Target is what Loss compares outputs with: like the output in shape, and such that a mean
	// of two targets is one. x are the samples, y their labels: int32 [batch] of classes,
	// float32 [batch, …] of values; nil where the samples have none.
	Target(x, y, output *Node) *Node
	// Loss is the mean over the batch, a scalar.
	Loss(output, target *Node) *Node
	// Distill is the loss of following a teacher's output, divided by a temperature where the
	// objective knows of one.
	Distill(output, teacher *Node, temperature float64) *Node
	// LogLikelihood is, of one sample, the log probability whose squared gradient is Fisher
	// information, and the weight of that gradient. rng is a state of the random generator.
	LogLikelihood(output, rng *Node) (logP, weight *Node)
	// Measure is one sample's part of the score, on the host.
	Measure(output []float32, s Sample) float64
	// Score is that of many samples, from their measures: the higher the better. labels are
	// those of the samples, clips the recordings that they are segments of; nil: none.
	Score(measures []float64, labels, clips []int32) float64
	// ScoreName is a word for tables, as in "accuracy".
	ScoreName() string
}

// Sample is what [Objective.Measure] knows of a sample.
type Sample struct {
	Input  []float32
	Label  int32     // of a class
	Target []float32 // values; nil: none
}

// Classification is the objective of networks whose outputs are logits of classes.
// Loss: cross-entropy. Score: the share of samples whose largest logit is the label's.
// Fisher information: of the most probable class, times its probability, as in the paper.
type Classification struct{ average }

func (Classification) Name() string { return "classification" }

// Target is 1 for the label and 0 for other classes, [batch, classes].
func (Classification) Target(_, y, output *Node) *Node {
	return OneHot(y, output.Shape().Dimensions[1], output.DType())
}

func (Classification) Loss(logits, probabilities *Node) *Node {
	return Neg(ReduceAllMean(ReduceSum(Mul(LogSoftmax(logits), probabilities), -1)))
}

// Distill is the squared temperature times the cross-entropy with the teacher's softmax, both
// networks' logits divided by the temperature (Hinton, Vinyals, Dean, 2015).
func (c Classification) Distill(logits, teacher *Node, t float64) *Node {
	return MulScalar(c.Loss(MulScalar(logits, 1/t), Softmax(MulScalar(teacher, 1/t))), t*t)
}

// LogLikelihood is that of the most probable class; it counts its probability.
func (Classification) LogLikelihood(logits, _ *Node) (logP, weight *Node) {
	logP = ReduceAllMax(LogSoftmax(logits))
	return logP, Exp(logP)
}

// Measure is 1 if the first largest logit is the label's, else 0.
func (Classification) Measure(logits []float32, s Sample) float64 {
	if Largest(logits) == s.Label {
		return 1
	}
	return 0
}

func (Classification) ScoreName() string { return "accuracy" }

// Largest is the place of the first largest value.
func Largest[T float32 | float64](v []T) int32 {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return int32(best)
}

// average scores by the mean.
type average struct{}

func (average) Score(measures []float64, _, _ []int32) float64 {
	sum := 0.0
	for _, x := range measures {
		sum += x
	}
	return sum / float64(len(measures))
}

// gaussian is what objectives of values have in common: the loss is the mean squared error,
// Fisher information is of a Gaussian of variance 1 around the output, summed over outputs.
type gaussian struct{ average }

// Loss is the mean squared error over batch and outputs.
func (gaussian) Loss(output, target *Node) *Node {
	d := Sub(output, target)
	return ReduceAllMean(Mul(d, d))
}

// Distill is the mean squared error from the teacher's output; there is no temperature.
func (g gaussian) Distill(output, teacher *Node, _ float64) *Node { return g.Loss(output, teacher) }

// LogLikelihood is that of a target drawn from the Gaussian around the output: the expectation
// of its squared gradient is the sum over outputs of their squared gradients.
func (gaussian) LogLikelihood(output, rng *Node) (logP, weight *Node) {
	_, noise := RandomNormal(rng, shapes.Make(output.DType(), output.Shape().Dimensions...))
	return ReduceAllSum(Mul(output, StopGradient(noise))), Scalar(output.Graph(), output.DType(), 1)
}

// Regression is the objective of networks that output values. Loss: mean squared error.
// Score: minus that, so that higher is better. Fisher information: of a Gaussian of variance 1
// around the output.
type Regression struct{ gaussian }

func (Regression) Name() string { return "regression" }

// Target are the labels, [batch, …].
func (Regression) Target(_, y, output *Node) *Node {
	return Reshape(y, output.Shape().Dimensions...)
}

// Measure is minus the mean squared error of the sample.
func (Regression) Measure(output []float32, s Sample) float64 {
	return -squaredError(output, s.Target)
}

// ScoreName is -error, minus the mean squared error.
func (Regression) ScoreName() string { return "-error" }

// Reconstruction is the objective of networks that output their input, such as autoencoders.
// Loss: mean squared error. Score: minus that or, of samples with labels 0 and 1, the area
// under the ROC curve of the error as a sign of label 1, recording by recording where samples
// are segments of some. Fisher information: as of [Regression].
type Reconstruction struct{ gaussian }

func (Reconstruction) Name() string { return "reconstruction" }

// Target is the input.
func (Reconstruction) Target(x, _, output *Node) *Node {
	return Reshape(x, output.Shape().Dimensions...)
}

// Measure is minus the mean squared error of the sample.
func (Reconstruction) Measure(output []float32, s Sample) float64 {
	return -squaredError(output, s.Input)
}

// Score is the mean or, where there are labels 0 and 1, the area under the ROC curve.
func (r Reconstruction) Score(measures []float64, labels, clips []int32) float64 {
	if !slices.Contains(labels, 0) || !slices.Contains(labels, 1) {
		return r.average.Score(measures, nil, nil)
	}
	if clips == nil {
		return areaUnderCurve(measures, labels)
	}
	of := map[int32]int{}
	var sums, counts []float64
	var each []int32
	for i, c := range clips {
		k, ok := of[c]
		if !ok {
			k, of[c] = len(sums), len(sums)
			sums, counts, each = append(sums, 0), append(counts, 0), append(each, labels[i])
		}
		sums[k] += measures[i]
		counts[k]++
	}
	for k := range sums {
		sums[k] /= counts[k]
	}
	return areaUnderCurve(sums, each)
}

// ScoreName is -error or AUC; both, for it depends on the data.
func (Reconstruction) ScoreName() string { return "AUC or -error" }

// areaUnderCurve is the probability that a random sample of label 1 has a smaller measure than
// a random one of label 0; equal ones count half.
func areaUnderCurve(measures []float64, labels []int32) float64 {
	order := make([]int, len(measures))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(measures[b], measures[a]) })
	above, ones, zeros := 0.0, 0.0, 0.0
	for i := 0; i < len(order); {
		j, one, zero := i, 0.0, 0.0
		for ; j < len(order) && cmp.Compare(measures[order[j]], measures[order[i]]) == 0; j++ {
			if labels[order[j]] == 1 {
				one++
			} else {
				zero++
			}
		}
		above += one * (zeros + zero/2)
		ones, zeros, i = ones+one, zeros+zero, j
	}
	return above / (ones * zeros)
}

func squaredError(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.NaN()
	}
	sum := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

// ObjectiveNamed is the objective of a name, as [Objective.Name] gives it.
func ObjectiveNamed(name string) (Objective, error) {
	for _, o := range []Objective{Classification{}, Regression{}, Reconstruction{}} {
		if o.Name() == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("unknown objective %q: want classification, regression or reconstruction", name)
}
