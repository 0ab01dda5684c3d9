// Package execution runs many networks from one set of pages: shared pages, page
// tables and scales stay in device memory (level 1), exclusive pages, and keys if there
// are any, in host memory (level 2). Switching to a network copies its few exclusive pages
// and its keys to the device and gathers its weights there; where device memory is host memory, as with
// the CPU plugin, it is one gather on the host. Pages of either kind are held as they are
// stored, and on the device scales and tables, too; a switch decodes the weights of one network.
package execution

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Switcher makes one of several networks ready to run.
type Switcher interface {
	// Switch returns network i's flat weight vector, on the device and usable.
	// The caller frees it with FinalizeAll.
	Switch(i int) (*tensors.Tensor, error)
}

// Device holds a set of pages as a device would.
type Device struct {
	backend compute.Backend
	set     *page.Set       // in host memory: gathered from where device memory is host memory
	shared  *tensors.Tensor // shared pages [Shared, stored values], on the device
	members []member
}

type member struct {
	gather *graph.Exec     // stored pages of the network; float32 without scales: its flat weights
	decode *graph.Exec     // flat weights from gathered pages; nil without scales
	mixed  bool            // exclusive pages are stored unlike shared ones: decode takes them, not gather
	table  *tensors.Tensor // [pages], on the device
	scales *tensors.Tensor // [pages], on the device; nil: none
	rows   *tensors.Tensor // where each page's keys are among the network's, on the device; nil: no keys
}

// NewDevice puts a set's shared pages, tables and scales on the device and
// compiles each network's gather, so that a switch does neither.
func NewDevice(backend compute.Backend, set *page.Set) (*Device, error) {
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	d := &Device{backend: backend, set: set}
	if err := d.open(); err != nil {
		d.Close()
		return nil, fmt.Errorf("execution: %w", err)
	}
	return d, nil
}

func (d *Device) open() error {
	var err error
	s := d.set
	if d.shared, err = onDevice(d.backend, s.Precision.Array(s.Pages, s.Size)); err != nil {
		return err
	}
	for i, m := range s.Networks {
		d.members = append(d.members, member{})
		if err := d.members[i].open(d.backend, s, m); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		w, err := d.switchOnDevice(i) // compiles
		if err != nil {
			return err
		}
		w.FinalizeAll()
	}
	return nil
}

func (at *member) open(backend compute.Backend, s *page.Set, m page.Member) error {
	var err error
	shared, own := s.Precisions()
	at.mixed = shared.Bits() != own.Bits() && len(m.Exclusive) > 0
	if at.gather, err = graph.NewExec(backend,
		func(in []*graph.Node) *graph.Node { return gather(in, s, m, at.mixed) }); err != nil {
		return err
	}
	if at.table, err = onDevice(backend, m.Table.Array()); err != nil || m.Scales == nil {
		return err
	}
	at.decode, err = graph.NewExec(backend,
		func(in []*graph.Node) *graph.Node { return decode(in, s, m, at.mixed) })
	if err != nil {
		return err
	}
	if at.scales, err = onDevice(backend, s.ScaleFormat.Array(m.Scales)); err != nil || len(m.Keys) == 0 {
		return err
	}
	at.rows, err = onDevice(backend, page.Table{Entries: m.Table.KeyRows()}.Array())
	return err
}

// Switch gathers network i's weights through its page table, after copying its
// exclusive pages and keys to the device. Where device memory is host memory (the CPU
// plugin), one pass over the pages does both, and one over the weights applies their keys.
func (d *Device) Switch(i int) (*tensors.Tensor, error) {
	if d.backend.HasSharedBuffers() {
		return d.switchInPlace(i)
	}
	return d.switchOnDevice(i)
}

func (d *Device) switchInPlace(i int) (*tensors.Tensor, error) {
	m := d.set.Networks[i]
	w, err := tensors.FromShapeForBackend(d.backend, 0, shapes.Make(dtypes.Float32, m.Weights))
	if err == nil {
		err = tensors.MutableFlatData(w, func(dst []float32) { d.set.Gather(dst, i) })
	}
	if err != nil {
		return nil, fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	return w, nil
}

func (d *Device) switchOnDevice(i int) (*tensors.Tensor, error) {
	m, at := d.set.Networks[i], d.members[i]
	args, decoded := []any{d.shared, at.table}, []any{at.scales}
	if len(m.Exclusive) > 0 {
		_, precision := d.set.Precisions()
		own := inHost(precision.Array(m.Exclusive, d.set.Size))
		defer own.FinalizeAll()
		if at.mixed {
			decoded = append(decoded, at.table, own)
		} else {
			args = append(args, own)
		}
	}
	if at.rows != nil {
		keys := inHost(d.set.KeyPrecision.Array(m.Keys, d.set.Size))
		defer keys.FinalizeAll()
		decoded = append(decoded, keys, at.rows)
	}
	w, err := at.gather.Call1(args...)
	if err == nil && at.decode != nil {
		pages := w
		w, err = at.decode.Call1(append([]any{pages}, decoded...)...)
		pages.FinalizeAll()
	}
	if err != nil {
		return nil, fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	return w, nil
}

// Verify gathers every network, by the device's own gather and by the way that
// [Device.Switch] takes, and compares with the stored pages, bit for bit.
func (d *Device) Verify() error {
	for i, m := range d.set.Networks {
		want := d.set.Weights(i)
		for _, gather := range []func(int) (*tensors.Tensor, error){d.switchOnDevice, d.Switch} {
			w, err := gather(i)
			if err != nil {
				return err
			}
			got, err := tensors.CopyFlatData[float32](w)
			w.FinalizeAll()
			if err != nil {
				return fmt.Errorf("execution: %s: %w", m.Name, err)
			}
			for k := range want {
				if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
					return fmt.Errorf("execution: %s: weight %d is %v on the device, %v in the pages",
						m.Name, k, got[k], want[k])
				}
			}
		}
	}
	return nil
}

// Close frees device memory and executables.
func (d *Device) Close() {
	network.Free(d.shared)
	for _, m := range d.members {
		for _, e := range []*graph.Exec{m.gather, m.decode} {
			if e != nil {
				e.Finalize()
			}
		}
		network.Free(m.table, m.scales, m.rows)
	}
	d.members = nil
}

// shapeOf is the shape of a stored array; a backend's machine is little endian, as stored numbers are.
func shapeOf(a page.Array) shapes.Shape {
	return shapes.Make(dtypes.MapOfNames[a.Type], a.Shape...)
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

func inHost(a page.Array) *tensors.Tensor {
	t := tensors.FromShape(shapeOf(a))
	// fails on a tensor that is on a device or gone
	_ = t.MutableBytes(func(dst []byte) { copy(dst, a.Data) })
	return t
}
