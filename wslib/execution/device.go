// Package execution runs many networks from one set of pages: shared pages, page
// tables and scales stay in device memory (level 1), exclusive pages in host
// memory (level 2). Switching to a network copies its few exclusive pages to the
// device and gathers its weights there.
package execution

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
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
		w, err := d.Switch(i) // compiles
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

// Switch copies network i's exclusive pages from host memory and gathers its
// weights through its page table.
func (d *Device) Switch(i int) (*tensors.Tensor, error) {
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

// Verify gathers every network on the device and compares with the stored pages,
// bit for bit.
func (d *Device) Verify() error {
	for i, m := range d.set.Networks {
		w, err := d.Switch(i)
		if err != nil {
			return err
		}
		got, err := tensors.CopyFlatData[float32](w)
		w.FinalizeAll()
		if err != nil {
			return fmt.Errorf("execution: %s: %w", m.Name, err)
		}
		for k, want := range d.set.Weights(i) {
			if math.Float32bits(got[k]) != math.Float32bits(want) {
				return fmt.Errorf("execution: %s: weight %d is %v on the device, %v in the pages", m.Name, k, got[k], want)
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

// onDevice copies values to the device.
func onDevice[T float32 | int32](backend compute.Backend, values []T, shape ...int) (*tensors.Tensor, error) {
	t := tensors.FromFlatDataAndDimensions(values, shape...)
	if err := t.MaterializeOnDevice(backend, false, 0); err != nil {
		return nil, err
	}
	return t, nil
}
