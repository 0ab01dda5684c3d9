package execution

import (
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// device gathers a network's weights on the device, from what lies there as it is stored.
type device struct {
	mu     sync.Mutex
	gather *graph.Exec // stored pages of the network; float32 without scales: its flat weights
	decode *graph.Exec // flat weights from gathered pages; nil without scales
	mixed  bool        // exclusive pages are stored unlike shared ones: decode takes them, not gather

	table  *tensors.Tensor // [pages]
	scales *tensors.Tensor // [pages]; nil: none
	rows   *tensors.Tensor // where each page's keys are among the network's; nil: no keys

	own, keys *tensors.Tensor // level 2, on the device while weights are gathered; nil: none, or not there
}

// newDevice puts a network's table and scales on the device.
func newDevice(backend compute.Backend, s *page.Set, m page.Member) (*device, error) {
	d := &device{mixed: storedApart(s.Format, m)}
	err := d.open(backend, s, m)
	if err != nil {
		d.close()
	}
	return d, err
}

// storedApart says that a network's exclusive pages are stored unlike shared ones.
func storedApart(f page.Format, m page.Member) bool {
	shared, own := f.Precisions()
	return shared.Bits() != own.Bits() && len(m.Exclusive) > 0
}

func (d *device) open(backend compute.Backend, s *page.Set, m page.Member) (err error) {
	if d.table, err = onDevice(backend, m.Table.Array()); err != nil {
		return err
	}
	if d.gather, err = graph.NewExec(backend, func(in []*graph.Node) *graph.Node {
		return gather(in, s.Format, m, d.mixed)
	}); err != nil || m.Scales == nil {
		return err
	}
	if d.decode, err = graph.NewExec(backend, func(in []*graph.Node) *graph.Node {
		return decode(in, s.Format, m, d.mixed)
	}); err != nil {
		return err
	}
	if d.scales, err = onDevice(backend, s.ScaleFormat.Array(m.Scales)); err != nil || len(m.Keys) == 0 {
		return err
	}
	d.rows, err = onDevice(backend, page.Table{Entries: m.Table.KeyRows()}.Array())
	return err
}

// fetch copies the network's exclusive pages and keys to the device.
func (d *device) fetch(backend compute.Backend, f page.Format, m page.Member) (err error) {
	if _, own := f.Precisions(); len(m.Exclusive) > 0 && d.own == nil {
		if d.own, err = onDevice(backend, own.Array(m.Exclusive, f.Size)); err != nil {
			return err
		}
	}
	if len(m.Keys) > 0 && d.keys == nil {
		d.keys, err = onDevice(backend, f.KeyPrecision.Array(m.Keys, f.Size))
	}
	return err
}

// drop frees what fetch copied.
func (d *device) drop() {
	network.Free(d.own, d.keys)
	d.own, d.keys = nil, nil
}

// weights are the network's flat weights, to be freed by the caller.
func (d *device) weights(shared *tensors.Tensor) (*tensors.Tensor, error) {
	args := []any{shared, d.table}
	if d.own != nil && !d.mixed {
		args = append(args, d.own)
	}
	w, err := d.gather.Call1(args...)
	if err != nil || d.decode == nil {
		return w, err
	}
	defer w.FinalizeAll()
	args = []any{w, d.scales}
	if d.mixed {
		args = append(args, d.table, d.own)
	}
	if d.keys != nil {
		args = append(args, d.keys, d.rows)
	}
	return d.decode.Call1(args...)
}

// bytes on the device.
func (d *device) bytes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, t := range []*tensors.Tensor{d.table, d.scales, d.rows, d.own, d.keys} {
		if t != nil {
			n += int(t.ByteSize())
		}
	}
	return n
}

func (d *device) close() {
	d.drop()
	for _, e := range []*graph.Exec{d.gather, d.decode} {
		if e != nil {
			e.Finalize()
		}
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
