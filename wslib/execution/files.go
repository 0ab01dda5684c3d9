package execution

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/npy"
	"weightsep/wslib/page"
)

// Files is the execution without weight separation: each switch reads a
// network's whole weights from a checkpoint file (.npy, flat float32) and copies
// them to the device. The operating system caches the file, the process does not.
type Files struct {
	Backend compute.Backend
	Paths   []string // one per network
	Weights []int    // length of each network's weight vector
}

// Switch opens network i's file, reads it and copies the weights to the device.
func (f *Files) Switch(i int) (*tensors.Tensor, error) {
	_, data, shape, err := npy.ReadBytes(f.Paths[i], "<f4")
	if err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	if len(shape) != 1 || shape[0] != f.Weights[i] {
		return nil, fmt.Errorf("execution: %s: %d weights, want %d", f.Paths[i], len(data)/4, f.Weights[i])
	}
	t, err := onDevice(f.Backend, page.Array{Type: "F32", Shape: shape, Data: data})
	if err != nil {
		return nil, fmt.Errorf("execution: %s: %w", f.Paths[i], err)
	}
	return t, nil
}
