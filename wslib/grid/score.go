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
		validation, test, classes, err := classify(ctx, backend, o.networks[i], o.weights[i], data)
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

// classify is the accuracy of a network's flat weights on validation and test data, and
// the class that each test sample is given.
func classify(ctx context.Context, backend compute.Backend, n *network.Network, weights []float32, data *datasets.Dataset) (validation, test float64, classes []int32, err error) {
	c, err := network.NewClassifier(backend, n, 100)
	if err != nil {
		return 0, 0, nil, err
	}
	defer c.Close()
	w := tensors.FromFlatDataAndDimensions(weights, len(weights))
	defer w.FinalizeAll()
	if validation, err = c.Accuracy(ctx, w, data.Validation); err != nil {
		return 0, 0, nil, err
	}
	if classes, err = c.Predict(ctx, w, data.Test); err != nil {
		return 0, 0, nil, err
	}
	right := 0
	for i, k := range classes {
		if k == data.Test.Labels[i] {
			right++
		}
	}
	return validation, float64(right) / float64(len(classes)), classes, nil
}
