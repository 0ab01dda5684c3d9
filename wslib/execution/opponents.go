package execution

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// source is a way to have the weights of all networks at hand.
type source struct {
	name     string
	held     int                              // bytes in memory
	resident []*tensors.Tensor                // weights of each network, on the device for good; nil: load
	load     func(dst []float32, i int) error // nil, without resident: the engine switches
	// takes network i's file from the system's cache; nil: no file
	drop func(i int) error
}

// opponents are the packed networks and what they are compared with.
func (b *bench) opponents() ([]*source, error) {
	packed := &source{name: PagesSource, held: b.budget()}
	resident := &source{name: "float32 on the device, all networks"}
	for _, a := range b.apart {
		t, err := b.resident(a.Values.Weights, b.weights)
		if err != nil {
			return nil, err
		}
		b.closers = append(b.closers, func() { network.Free(t) })
		resident.resident = append(resident.resident, t)
		resident.held += 4 * len(a.Values.Weights)
	}
	ram := &source{name: CopySource, held: resident.held, load: func(dst []float32, i int) error {
		copy(dst, b.apart[i].Values.Weights)
		return nil
	}}
	b.int8s = b.rounded()
	s := b.int8s.Stored() // tables name no shared page and are needed by nobody else
	codes := &source{name: int8Source, held: s.Exclusive + s.Scales,
		load: func(dst []float32, i int) error { b.int8s.Gather(dst, i); return nil }}
	all := []*source{packed, resident, ram, codes}
	for _, open := range []func() (*source, error){b.weightFiles, b.mapped, b.checkpoints} {
		s, err := open()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// budget is what the engine holds of the packed networks, beside working memory.
func (b *bench) budget() int {
	m := b.Memory()
	return m.Device + m.Host
}

const int8Source = "int8 in RAM, decoded"

// source is the one of that name.
func (b *bench) source(name string) *source {
	return b.sources[slices.IndexFunc(b.sources, func(s *source) bool { return s.name == name })]
}

// rounded are all networks in 8 bits, each page with a scale of its own.
func (b *bench) rounded() *page.Set {
	set := &page.Set{Format: page.Format{Size: page.DefaultSize, Shared: 1, Precision: page.Int8},
		Pages: make([]byte, page.DefaultSize)}
	for i, a := range b.apart {
		pages := page.Form(a.Values.Weights, set.Size)
		m := page.Member{Name: b.nets[i].Name, Weights: len(a.Values.Weights), Table: page.Table{Shared: 1}}
		for at := 0; at < len(pages); at += set.Size {
			most := float32(0)
			for _, w := range pages[at : at+set.Size] {
				most = max(most, w, -w)
			}
			scale := most / page.Int8.Limit()
			for k := range set.Size {
				if scale > 0 {
					pages[at+k] = page.Int8.Round(pages[at+k] / scale)
				}
			}
			m.Table.Entries = append(m.Table.Entries, int32(1+at/set.Size))
			m.Scales = append(m.Scales, scale)
		}
		m.Exclusive = page.Int8.Pack(pages, set.Size)
		set.Networks = append(set.Networks, m)
	}
	return set
}

func (b *bench) path(i int, suffix string) string {
	return filepath.Join(b.options.Dir, b.nets[i].Name+suffix)
}

// weightFiles reads a network's weights from its .npy file straight to where they are used.
func (b *bench) weightFiles() (*source, error) {
	var heads [][]byte
	for i, a := range b.apart {
		raw, err := npy.Values(a.Values.Weights)
		if err == nil {
			err = files.WritePath(b.path(i, ".npy"), raw)
		}
		if err != nil {
			return nil, err
		}
		heads = append(heads, raw[:len(raw)-4*len(a.Values.Weights)])
	}
	read := func(dst []float32, i int) error {
		return readFile(b.path(i, ".npy"), heads[i], bytesOf(dst))
	}
	return &source{name: "float32 from an .npy file", load: read,
		drop: func(i int) error { return forget(b.path(i, ".npy")) }}, nil
}

// readFile reads what follows a header into parts, one after another.
func readFile(path string, head []byte, parts ...[]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	have := make([]byte, len(head))
	if _, err := io.ReadFull(f, have); err != nil {
		return fmt.Errorf("%s: header: %w", path, err)
	}
	if !bytes.Equal(have, head) {
		return fmt.Errorf("%s: another header than was written", path)
	}
	for _, part := range parts {
		if _, err = io.ReadFull(f, part); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// bytesOf is the memory of values; files and devices are little endian.
func bytesOf(values []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values))
}

// mapped copies a network's weights from a .safetensors file of all networks that is mapped into memory.
func (b *bench) mapped() (*source, error) {
	type tensor struct {
		Type    string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header, data := map[string]tensor{}, []byte{}
	for i, a := range b.apart {
		from := len(data)
		data = append(data, bytesOf(a.Values.Weights)...)
		header[b.nets[i].Name] = tensor{"F32", []int{len(a.Values.Weights)}, [2]int{from, len(data)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	start := 8 + len(text)
	path := filepath.Join(b.options.Dir, "all.safetensors")
	raw := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), data...)
	if err := files.WritePath(path, raw); err != nil {
		return nil, err
	}
	var memory []byte
	unmap := func() error { return nil }
	remap := func() error {
		if err := unmap(); err != nil {
			return err
		}
		raw, close, err := files.Map(path, files.MaxSize)
		if err == nil {
			memory, unmap = raw, close
		}
		return err
	}
	b.closers = append(b.closers, func() { unmap() })
	return &source{name: "float32 from mapped .safetensors",
		load: func(dst []float32, i int) error {
			copy(bytesOf(dst), memory[start+header[b.nets[i].Name].Offsets[0]:])
			return nil
		},
		drop: func(int) error {
			if err := unmap(); err != nil {
				return err
			}
			unmap = func() error { return nil }
			if err := forget(path); err != nil {
				return err
			}
			return remap()
		}}, remap()
}

// checkpoints reads what the original's baseline reads: a network's weights and both moments of Adam,
// which are as many values each.
func (b *bench) checkpoints() (*source, error) {
	most := 0
	for i, a := range b.apart {
		w := a.Values.Weights
		most = max(most, 2*len(w))
		all := append(append(append([]float32{}, w...), w...), w...) // their values do not matter
		if err := files.WritePath(b.path(i, ".checkpoint"), bytesOf(all)); err != nil {
			return nil, err
		}
	}
	scratch := make([]float32, most) // of the moments
	return &source{name: "checkpoint with Adam's moments",
		load: func(dst []float32, i int) error {
			return readFile(b.path(i, ".checkpoint"), nil, bytesOf(dst), bytesOf(scratch[:2*len(dst)]))
		},
		drop: func(i int) error { return forget(b.path(i, ".checkpoint")) }}, nil
}
