package execution

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/page"
)

// shapeOf is the shape of a stored array; a backend's machine is little endian, as stored numbers are.
func shapeOf(a page.Array) shapes.Shape {
	types := map[string]dtypes.DType{"F32": dtypes.Float32, "F16": dtypes.Float16, "I32": dtypes.Int32,
		"U16": dtypes.Uint16, "U8": dtypes.Uint8, "I8": dtypes.Int8}
	return shapes.Make(types[a.Type], a.Shape...)
}

// onDevice copies a stored array to the device, once where its memory is the host's.
func onDevice(backend compute.Backend, a page.Array) (*tensors.Tensor, error) {
	if !backend.HasSharedBuffers() {
		t := inHost(a)
		return t, t.MaterializeOnDevice(backend, false, 0)
	}
	t, err := tensors.FromShapeForBackend(backend, 0, shapeOf(a))
	if err != nil {
		return nil, err
	}
	return t, t.MutableBytes(func(dst []byte) { copy(dst, a.Data) })
}

// inHost copies a stored array in host memory.
func inHost(a page.Array) *tensors.Tensor {
	t := tensors.FromShape(shapeOf(a))
	_ = t.MutableBytes(func(dst []byte) { copy(dst, a.Data) }) // fails on a tensor that is on a device or gone
	return t
}
