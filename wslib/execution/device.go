package execution

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// device gathers a network's weights on a device whose memory is not the host's, from what lies there as it
// is stored.
type device struct {
	gather *graph.Exec
	table  *tensors.Tensor // [pages]
	scales *tensors.Tensor // [pages]; nil: none
	rows   *tensors.Tensor // where each page's keys are among the network's; nil: no keys
}

// newDevice puts a network's table and scales on the device.
func newDevice(backend compute.Backend, s *page.Set, m page.Member) (*device, error) {
	d := &device{}
	err := d.open(backend, s, m)
	if err != nil {
		d.close()
	}
	return d, err
}

func (d *device) open(backend compute.Backend, s *page.Set, m page.Member) (err error) {
	if d.gather, err = graph.NewExec(backend, func(in []*graph.Node) *graph.Node {
		return gather(in, s.Format, m)
	}); err != nil {
		return err
	}
	if d.table, err = onDevice(backend, m.Table.Array()); err != nil || m.Scales == nil {
		return err
	}
	if d.scales, err = onDevice(backend, s.ScaleFormat.Array(m.Scales)); err != nil || len(m.Keys) == 0 {
		return err
	}
	d.rows, err = onDevice(backend, page.Table{Entries: m.Table.KeyRows()}.Array())
	return err
}

// weights are the network's flat weights, to be freed by the caller. Its exclusive pages and keys are on the
// device meanwhile.
func (d *device) weights(backend compute.Backend, shared *tensors.Tensor, f page.Format, m page.Member) (
	*tensors.Tensor, error) {
	args := []any{shared, d.table}
	if d.scales != nil {
		args = append(args, d.scales)
	}
	if len(m.Exclusive) > 0 {
		_, precision := f.Precisions()
		own, err := onDevice(backend, precision.Array(m.Exclusive, f.Size))
		if err != nil {
			return nil, err
		}
		defer network.Free(own)
		args = append(args, own)
	}
	if len(m.Keys) > 0 {
		keys, err := onDevice(backend, f.KeyPrecision.Array(m.Keys, f.Size))
		if err != nil {
			return nil, err
		}
		defer network.Free(keys)
		args = append(args, keys, d.rows)
	}
	return d.gather.Call1(args...)
}

// bytes on the device.
func (d *device) bytes() int {
	n := 0
	for _, t := range []*tensors.Tensor{d.table, d.scales, d.rows} {
		if t != nil {
			n += int(t.ByteSize())
		}
	}
	return n
}

func (d *device) close() {
	if d.gather != nil {
		d.gather.Finalize()
	}
	network.Free(d.table, d.scales, d.rows)
}

// shapeOf is the shape of a stored array; a backend's machine is little endian, as stored numbers are.
func shapeOf(a page.Array) shapes.Shape {
	return shapes.Make(dtypes.MapOfNames[a.Type], a.Shape...)
}

// onDevice copies a stored array to the device.
func onDevice(backend compute.Backend, a page.Array) (t *tensors.Tensor, err error) {
	defer errorOf(&err)
	return tensors.FromRaw(backend, 0, shapeOf(a), a.Data)
}

// room is a tensor, and its bytes: on the device where its memory is the host's, else in host memory,
// to be copied from there. The bytes are there until the tensor is freed.
func room(backend compute.Backend, shape shapes.Shape) (t *tensors.Tensor, memory []byte, err error) {
	defer errorOf(&err)
	if backend.HasSharedBuffers() {
		if t, err = tensors.FromShapeForBackend(backend, 0, shape); err != nil {
			return nil, nil, err
		}
	} else {
		t = tensors.FromShape(shape)
	}
	return t, memory, t.MutableBytes(func(b []byte) { memory = b })
}
