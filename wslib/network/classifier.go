package network

import (
	"context"
	"fmt"

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

// Predict classifies every sample of a split.
func (c *Classifier) Predict(ctx context.Context, weights *tensors.Tensor, split *datasets.Split) ([]int32, error) {
	predicted := make([]int32, 0, split.Len()+c.Batch)
	index := make([]int, c.Batch)
	flat := make([]float32, c.Batch*split.Size())
	in := c.Network.Input
	for at := 0; at < split.Len(); at += c.Batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range index {
			index[i] = min(at+i, split.Len()-1) // the last batch repeats a sample rather than compile anew
		}
		split.Batch(flat, index)
		x := tensors.FromFlatDataAndDimensions(flat, c.Batch, in[0], in[1], in[2])
		logits, classes, err := c.Run(weights, x)
		x.FinalizeAll()
		if err != nil {
			return nil, err
		}
		if err := tensors.ConstFlatData(classes, func(v []int32) { predicted = append(predicted, v...) }); err != nil {
			return nil, fmt.Errorf("network %s: %w", c.Network.Name, err)
		}
		logits.FinalizeAll()
		classes.FinalizeAll()
	}
	return predicted[:split.Len()], nil
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
