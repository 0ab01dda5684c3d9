package grid

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/pipeline"
)

// score reads the test data, once.
func (g *Grid) score(ctx context.Context, r *pipeline.Run, o *outcome, record *Record, dir string) error {
	backend, err := r.Backend(ctx)
	if err != nil {
		return err
	}
	for i, n := range r.Networks() {
		data, err := r.Data(ctx, n.Name)
		if err != nil {
			return err
		}
		validation, _, err := classify(ctx, backend, o.networks[i], o.weights[i], data.Validation)
		if err != nil {
			return err
		}
		test, classes, err := classify(ctx, backend, o.networks[i], o.weights[i], data.Test)
		if err != nil {
			return err
		}
		if err := writeClasses(filepath.Join(dir, n.Name+".npy"), classes); err != nil {
			return err
		}
		record.Separate += 4 * n.Weights()
		record.Networks = append(record.Networks, NetworkRecord{Name: n.Name, Data: data.Provenance.Kind, Samples: samples(data), Validation: validation, Test: test})
	}
	return nil
}

// samples tells data apart.
func samples(d *datasets.Dataset) string {
	p := d.Provenance
	return fmt.Sprintf("%s, %d training and %d test samples, %s", p.Source, p.Train, p.Test, p.Content)
}

// writeClasses writes class indices, in a byte each where that is enough.
func writeClasses(path string, classes []int32) error {
	if slices.Max(classes) > math.MaxUint8 {
		return npy.Write(path, classes)
	}
	bytes := make([]uint8, len(classes))
	for i, c := range classes {
		bytes[i] = uint8(c)
	}
	return npy.Write(path, bytes)
}

// classify is the accuracy of a network's flat weights on a split, and the class
// that each sample is given.
func classify(ctx context.Context, backend compute.Backend, n *network.Network, weights []float32, split *datasets.Split) (float64, []int32, error) {
	c, err := network.NewClassifier(backend, n, 100)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close()
	w := tensors.FromFlatDataAndDimensions(weights, len(weights))
	defer w.FinalizeAll()
	classes, err := c.Predict(ctx, w, split)
	if err != nil {
		return 0, nil, err
	}
	right := 0
	for i, k := range classes {
		if k == split.Labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(classes)), classes, nil
}
