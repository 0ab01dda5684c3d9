// Package baseline trains the separate networks that weight separation starts
// from, and holds the ones that come with the project.
package baseline

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
)

// Options of [Train]. Zero values mean the defaults in brackets.
type Options struct {
	Steps         int     // [4000]
	Batch         int     // [100]
	LearningRate  float64 // of Adam at its highest, cosine decay [1e-3]
	Dropout       float64 // before each dense layer [0: none]
	ValidateEvery int     // steps [200]
	Seed          uint64
	Progress      func(Point) // called at each validation
}

// Point is one validation of a training.
type Point struct {
	Step       int     `json:"step"`       // steps done
	Loss       float64 `json:"loss"`       // training loss of the last step
	Validation float64 `json:"validation"` // accuracy, 0 to 1
}

// Result of [Train].
type Result struct {
	Weights    []float32 // the best by validation accuracy
	Validation float64   // their validation accuracy
	BestStep   int
	History    []Point
}

// Train trains a network from seeded initial weights and keeps the weights of
// the best validation accuracy (the later of equals). The test set is not
// touched. A loss that is not finite is an error that names network and step.
func Train(ctx context.Context, backend compute.Backend, n *network.Network, data *datasets.Dataset, o Options) (*Result, error) {
	o = o.withDefaults()
	r, err := trainNetwork(ctx, backend, n, data, o)
	if err != nil {
		return nil, fmt.Errorf("baseline: %s: %w", n.Name, err)
	}
	return r, nil
}

func (o Options) withDefaults() Options {
	if o.Steps == 0 {
		o.Steps = 4000
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.LearningRate == 0 {
		o.LearningRate = 1e-3
	}
	if o.ValidateEvery == 0 {
		o.ValidateEvery = 200
	}
	if o.Progress == nil {
		o.Progress = func(Point) {}
	}
	return o
}

func trainNetwork(ctx context.Context, backend compute.Backend, n *network.Network, data *datasets.Dataset, o Options) (*Result, error) {
	if data.Shape != n.Input || data.Classes != n.Classes() {
		return nil, fmt.Errorf("data of shape %v and %d classes, the network expects %v and %d", data.Shape, data.Classes, n.Input, n.Classes())
	}
	step, err := NewExec(backend, func(in []*Node) []*Node {
		w, m, v, t, rate, rng, x, y := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]
		pass := n.Forward(w, x, network.Dropout{Rate: o.Dropout, RNG: rng})
		loss, gradient := pass.LossGradient(func(logits *Node) *Node { return network.CrossEntropy(logits, y) })
		w, m, v = train.Adam(w, gradient, m, v, t, rate)
		return []*Node{w, m, v, loss}
	})
	if err != nil {
		return nil, err
	}
	defer step.Finalize()
	classifier, err := network.NewClassifier(backend, n, 100)
	if err != nil {
		return nil, err
	}
	defer classifier.Close()

	sampler := train.NewSampler(data.Train, n.Input, o.Batch, o.Seed, n.Name)
	zeros := make([]float32, n.Weights())
	w := tensors.FromFlatDataAndDimensions(n.Initial(o.Seed), n.Weights())
	m := tensors.FromFlatDataAndDimensions(zeros, n.Weights())
	v := tensors.FromFlatDataAndDimensions(zeros, n.Weights())
	result := &Result{Validation: -1}
	for k := range o.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rng, err := train.RNG(o.Seed, n.Name, k)
		if err != nil {
			return nil, err
		}
		x, y := sampler.Batch(k)
		rate := float32(train.Cosine(o.LearningRate, k, 0, o.Steps))
		out, err := step.Call(w, m, v, float32(k+1), rate, rng, x, y)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", k, err)
		}
		for _, old := range []*tensors.Tensor{w, m, v, x, y} {
			old.FinalizeAll()
		}
		w, m, v = out[0], out[1], out[2]
		if (k+1)%o.ValidateEvery != 0 && k+1 != o.Steps {
			out[3].FinalizeAll()
			continue
		}
		p := Point{Step: k + 1, Loss: float64(tensors.ToScalar[float32](out[3]))}
		if math.IsNaN(p.Loss) || math.IsInf(p.Loss, 0) {
			return nil, fmt.Errorf("step %d: loss is %v", k, p.Loss)
		}
		if p.Validation, err = classifier.Accuracy(ctx, w, data.Validation); err != nil {
			return nil, err
		}
		if p.Validation >= result.Validation {
			result.Validation, result.BestStep = p.Validation, p.Step
			if result.Weights, err = tensors.CopyFlatData[float32](w); err != nil {
				return nil, err
			}
		}
		result.History = append(result.History, p)
		o.Progress(p)
	}
	return result, nil
}
