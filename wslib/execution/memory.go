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
	float32 | float16.Float16 | int32 | int16 | int8 | uint16 | uint8
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

// isPacked says that pages of one kind or of both are quantized: all are held packed.
func isPacked(s *page.Set) bool {
	shared, own := s.Format().Precisions()
	return shared.Quantized() || own.Quantized()
}

// sharedOnDevice copies shared pages, as they are stored, to the device.
func sharedOnDevice(backend compute.Backend, s *page.Set) (*tensors.Tensor, error) {
	if !s.Precision.Quantized() {
		return onDevice(backend, s.Pages, s.Shared, s.Size)
	}
	packed, err := s.Precision.PackPages(s.Pages, s.Size)
	if err != nil {
		return nil, err
	}
	switch s.Precision {
	case page.Int16:
		return onDevice(backend, integers[int16](packed), s.Shared, s.Size)
	case page.Int8:
		return onDevice(backend, integers[int8](packed), s.Shared, s.Size)
	}
	return onDevice(backend, packed, s.Shared, len(packed)/s.Shared)
}

// exclusive is a network's exclusive pages in host memory, in the element type of
// their precision: packed, or values where they are not quantized.
func exclusive(s *page.Set, values []float32, packed []byte, pages int) *tensors.Tensor {
	_, own := s.Format().Precisions()
	switch own {
	case page.Int16:
		return tensors.FromFlatDataAndDimensions(integers[int16](packed), pages, s.Size)
	case page.Int8:
		return tensors.FromFlatDataAndDimensions(integers[int8](packed), pages, s.Size)
	case page.Int4, page.Int2, page.Int1:
		return tensors.FromFlatDataAndDimensions(packed, pages, len(packed)/pages)
	}
	return tensors.FromFlatDataAndDimensions(values, pages, s.Size)
}

// keysInHost are a network's keys in host memory, a row for each page on a shared one.
func keysInHost(s *page.Set, m page.Member) *tensors.Tensor {
	width := s.KeyPrecision.Bytes(s.Size)
	return tensors.FromFlatDataAndDimensions(m.Keys, len(m.Keys)/width, width)
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
func integers[T int8 | int16 | uint16](packed []byte) []T {
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
