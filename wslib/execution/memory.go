package execution

import (
	"encoding/binary"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/page"
)

// stored are the element types of what a device holds.
type stored interface {
	float32 | float16.Float16 | int32 | int8 | uint16 | uint8
}

// onDevice copies values to the device, once where its memory is the host's.
func onDevice[T stored](backend compute.Backend, values []T, shape ...int) (*tensors.Tensor, error) {
	if !backend.HasSharedBuffers() {
		t := tensors.FromFlatDataAndDimensions(values, shape...)
		return t, t.MaterializeOnDevice(backend, false, 0)
	}
	t, err := tensors.FromShapeForBackend(backend, 0, shapes.Make(dtypes.FromGenericsType[T](), shape...))
	if err != nil {
		return nil, err
	}
	return t, tensors.MutableFlatData(t, func(dst []T) { copy(dst, values) })
}

// pagesOf are packed pages of size values, in the element type of their precision.
func pagesOf(p page.Precision, packed []byte, size int) (values any, shape []int) {
	width := p.Bytes(size)
	pages := len(packed) / width
	switch p.Bits() {
	case 32:
		return page.Floats(packed), []int{pages, size}
	case 8:
		return integers[int8](packed), []int{pages, size}
	}
	return packed, []int{pages, width}
}

// sharedOnDevice copies shared pages, as they are stored, to the device.
func sharedOnDevice(backend compute.Backend, s *page.Set) (*tensors.Tensor, error) {
	values, shape := pagesOf(s.Precision, s.Pages, s.Size)
	switch values := values.(type) {
	case []float32:
		return onDevice(backend, values, shape...)
	case []int8:
		return onDevice(backend, values, shape...)
	}
	return onDevice(backend, s.Pages, shape...)
}

// inHost are packed pages or keys in host memory, in the element type of their precision.
func inHost(p page.Precision, packed []byte, size int) *tensors.Tensor {
	values, shape := pagesOf(p, packed, size)
	switch values := values.(type) {
	case []float32:
		return tensors.FromFlatDataAndDimensions(values, shape...)
	case []int8:
		return tensors.FromFlatDataAndDimensions(values, shape...)
	}
	return tensors.FromFlatDataAndDimensions(packed, shape...)
}

// tableOnDevice copies a table to the device, in its width.
func tableOnDevice(backend compute.Backend, t page.Table) (*tensors.Tensor, error) {
	n := len(t.Entries)
	switch t.Width() {
	case 1:
		return onDevice(backend, convert[uint8](t.Entries), n)
	case 2:
		return onDevice(backend, convert[uint16](t.Entries), n)
	}
	return onDevice(backend, t.Entries, n)
}

// scalesOnDevice copies scales to the device, in their format.
func scalesOnDevice(backend compute.Backend, f page.ScaleFormat, scales []float32) (*tensors.Tensor, error) {
	if f.Bytes() == 4 {
		return onDevice(backend, scales, len(scales))
	}
	packed, err := f.Pack(scales)
	if err != nil {
		return nil, err
	}
	if f == page.ScaleLog8 {
		return onDevice(backend, packed, len(scales))
	}
	return onDevice(backend, convert[float16.Float16](integers[uint16](packed)), len(scales))
}

// integers reads little endian bytes.
func integers[T int8 | uint16](packed []byte) []T {
	width := dtypes.FromGenericsType[T]().Size()
	out := make([]T, len(packed)/width)
	binary.Decode(packed, binary.LittleEndian, out) // fits
	return out
}

func convert[To uint8 | uint16 | float16.Float16, From int32 | uint16](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}
