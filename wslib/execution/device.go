// Package execution runs many networks from one set of pages: shared pages, page
// tables and scales stay in device memory (level 1), exclusive pages in host
// memory (level 2). Switching to a network copies its few exclusive pages to the
// device and gathers its weights there; where device memory is host memory, as with
// the CPU plugin, it is one gather on the host.
package execution

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/page"
	"weightsep/xla"
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
	set     *page.Set
	shared  *tensors.Tensor // [Shared, Size], on the device
	members []member
}

type member struct {
	gather *Exec           // pages of the network [pages, Size]; without scales its flat weights
	scale  *Exec           // flat weights from gathered pages; nil without scales
	table  *tensors.Tensor // int32 [pages], on the device
	scales *tensors.Tensor // [pages], on the device; nil: none
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
	d.shared, err = onDevice(d.backend, d.set.Pages, d.set.Shared, d.set.Size)
	if err != nil {
		return err
	}
	for i, m := range d.set.Networks {
		d.members = append(d.members, member{})
		at := &d.members[i]
		if at.gather, err = NewExec(d.backend, func(in []*Node) *Node { return gather(in, m) }); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if at.table, err = onDevice(d.backend, m.Table.Entries, len(m.Table.Entries)); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if m.Scales != nil {
			if at.scale, err = NewExec(d.backend, func(pages, scales *Node) *Node { return scale(pages, scales, m) }); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			if at.scales, err = onDevice(d.backend, m.Scales, len(m.Scales)); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
		w, err := d.switchOnDevice(i) // compiles
		if err != nil {
			return err
		}
		w.FinalizeAll()
	}
	return nil
}

// gather is the graph of a switch. Inputs: shared pages, table, then exclusive
// pages if the network has any.
func gather(in []*Node, m page.Member) *Node {
	pages, table := in[0], in[1]
	if len(in) > 2 {
		pages = Concatenate([]*Node{pages, in[2]}, 0)
	}
	out := xla.GatherPages(pages, table, nil)
	if m.Scales != nil {
		return out
	}
	return xla.FlatWeights(out, m.Weights)
}

// scale multiplies gathered pages by their scales. It is an executable of its
// own because XLA's CPU compiler, given both, computes page and scale of every
// single weight: 260 µs instead of 100 for 128 pages.
func scale(pages, scales *Node, m page.Member) *Node {
	return xla.FlatWeights(Mul(pages, InsertAxes(scales, -1)), m.Weights)
}

// Switch gathers network i's weights through its page table, after copying its
// exclusive pages to the device. Where device memory is host memory (the CPU
// plugin), one pass over the pages does both.
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
		err = tensors.MutableFlatData(w, func(dst []float32) {
			m.Table.Gather(dst, d.set.Pages, m.Exclusive, m.Scales, d.set.Size)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	return w, nil
}

func (d *Device) switchOnDevice(i int) (*tensors.Tensor, error) {
	m, at := d.set.Networks[i], d.members[i]
	args := []any{d.shared, at.table}
	if n := len(m.Exclusive) / d.set.Size; n > 0 {
		own := tensors.FromFlatDataAndDimensions(m.Exclusive, n, d.set.Size)
		defer own.FinalizeAll()
		args = append(args, own)
	}
	w, err := at.gather.Call1(args...)
	if err == nil && at.scale != nil {
		pages := w
		w, err = at.scale.Call1(pages, at.scales)
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
					return fmt.Errorf("execution: %s: weight %d is %v on the device, %v in the pages", m.Name, k, got[k], want[k])
				}
			}
		}
	}
	return nil
}

// Close frees device memory and executables.
func (d *Device) Close() {
	if d.shared != nil {
		d.shared.FinalizeAll()
	}
	for _, m := range d.members {
		for _, e := range []*Exec{m.gather, m.scale} {
			if e != nil {
				e.Finalize()
			}
		}
		for _, t := range []*tensors.Tensor{m.table, m.scales} {
			if t != nil {
				t.FinalizeAll()
			}
		}
	}
	d.members = nil
}

// onDevice copies values to the device, once where its memory is the host's.
func onDevice[T float32 | int32](backend compute.Backend, values []T, shape ...int) (*tensors.Tensor, error) {
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
