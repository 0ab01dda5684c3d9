package network

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
)

// Classifier is a network compiled for inference at a fixed batch size. The
// weights are an argument of each call, so one Classifier serves any of them.
type Classifier struct {
	Network *Network
	Batch   int
	exec    *Exec
}

// NewClassifier prepares the network for batches of the given size. It compiles
// on first use.
func NewClassifier(backend compute.Backend, n *Network, batch int) (*Classifier, error) {
	exec, err := NewExec(backend, func(weights, x *Node) (logits, classes *Node) {
		logits = n.Logits(weights, x)
		return logits, ArgMax(logits, -1, dtypes.Int32)
	})
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", n.Name, err)
	}
	return &Classifier{Network: n, Batch: batch, exec: exec}, nil
}

// Close frees the executable.
func (c *Classifier) Close() { c.exec.Finalize() }

// Run classifies one batch: x is [Batch, height, width, channels], weights
// [Weights]. It returns logits [Batch, classes] and class indices [Batch].
func (c *Classifier) Run(weights, x *tensors.Tensor) (logits, classes *tensors.Tensor, err error) {
	logits, classes, err = c.exec.Call2(weights, x)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", c.Network.Name, err)
	}
	return logits, classes, nil
}

// each classifies every sample of a split, in batches, and calls visit with each
// sample's logits and class. Visit must not keep the logits.
func (c *Classifier) each(ctx context.Context, weights *tensors.Tensor, split *datasets.Split, visit func(sample int, logits []float32, class int32)) error {
	index := make([]int, c.Batch)
	flat := make([]float32, c.Batch*split.Size())
	in := c.Network.Input
	width := c.Network.Classes()
	for at := 0; at < split.Len(); at += c.Batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range index {
			index[i] = min(at+i, split.Len()-1) // the last batch repeats a sample rather than compile anew
		}
		split.Batch(flat, index)
		x := tensors.FromFlatDataAndDimensions(flat, c.Batch, in[0], in[1], in[2])
		logits, classes, err := c.Run(weights, x)
		x.FinalizeAll()
		if err != nil {
			return err
		}
		n := min(c.Batch, split.Len()-at)
		var logitsErr error
		err = tensors.ConstFlatData(classes, func(class []int32) {
			logitsErr = tensors.ConstFlatData(logits, func(v []float32) {
				for i := range n {
					visit(at+i, v[i*width:(i+1)*width], class[i])
				}
			})
		})
		err = errors.Join(err, logitsErr)
		logits.FinalizeAll()
		classes.FinalizeAll()
		if err != nil {
			return fmt.Errorf("network %s: %w", c.Network.Name, err)
		}
	}
	return nil
}

// Logits are those of every sample of a split, [samples, classes].
func (c *Classifier) Logits(ctx context.Context, weights *tensors.Tensor, split *datasets.Split) ([]float32, error) {
	width := c.Network.Classes()
	logits := make([]float32, split.Len()*width)
	err := c.each(ctx, weights, split, func(i int, v []float32, _ int32) { copy(logits[i*width:], v) })
	return logits, err
}

// Predict classifies every sample of a split.
func (c *Classifier) Predict(ctx context.Context, weights *tensors.Tensor, split *datasets.Split) ([]int32, error) {
	predicted := make([]int32, split.Len())
	err := c.each(ctx, weights, split, func(i int, _ []float32, class int32) { predicted[i] = class })
	return predicted, err
}

// Accuracy is the share of a split's samples that are classified correctly.
func (c *Classifier) Accuracy(ctx context.Context, weights *tensors.Tensor, split *datasets.Split) (float64, error) {
	predicted, err := c.Predict(ctx, weights, split)
	if err != nil {
		return 0, err
	}
	if len(predicted) == 0 {
		return 0, fmt.Errorf("network %s: no samples to classify", c.Network.Name)
	}
	correct := 0
	for i, p := range predicted {
		if p == split.Labels[i] {
			correct++
		}
	}
	return float64(correct) / float64(len(predicted)), nil
}

// ClipAccuracy is the share of a split's recordings that are classified correctly by a
// vote of their samples: by the class with the largest sum of probabilities. It returns
// the number of recordings too, 0 of both if the samples are whole.
func (c *Classifier) ClipAccuracy(ctx context.Context, weights *tensors.Tensor, split *datasets.Split) (accuracy float64, clips int, err error) {
	if split.Clips == nil {
		return 0, 0, nil
	}
	votes := map[int32][]float64{}
	labels := map[int32]int32{}
	err = c.each(ctx, weights, split, func(i int, logits []float32, _ int32) {
		clip := split.Clips[i]
		if votes[clip] == nil {
			votes[clip], labels[clip] = make([]float64, len(logits)), split.Labels[i]
		}
		addSoftmax(votes[clip], logits)
	})
	if err != nil {
		return 0, 0, err
	}
	correct := 0
	for clip, sum := range votes {
		best := 0
		for class, v := range sum {
			if v > sum[best] {
				best = class
			}
		}
		if int32(best) == labels[clip] {
			correct++
		}
	}
	return float64(correct) / float64(len(votes)), len(votes), nil
}

// addSoftmax adds the probabilities of logits to sum.
func addSoftmax(sum []float64, logits []float32) {
	most := logits[0]
	for _, v := range logits {
		most = max(most, v)
	}
	var total float64
	for _, v := range logits {
		total += math.Exp(float64(v - most))
	}
	for i, v := range logits {
		sum[i] += math.Exp(float64(v-most)) / total
	}
}
