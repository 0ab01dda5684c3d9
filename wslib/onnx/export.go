package onnx

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"

	"weightsep/datasets/files"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/wslib/page"
)

// PagesFile is the file of pages that all exported networks read.
const PagesFile = "pages.bin"

// alignment of tensors in PagesFile, so that a runtime can map them into memory.
const alignment = 4096

// firstOpset is the oldest opset that has all operators of the nodes that [builder.weights] adds.
const firstOpset = 10

// Versions of ONNX's intermediate representation: that of 2020-05-08, for opset 13, and the first, of
// 2019-01-22, in which an initializer need not be an input, and one that is may be overridden.
const irVersion, firstIRVersion = 7, 4

// Exported are the files of an export, by name.
type Exported map[string][]byte

// Export makes an ONNX file NAME.onnx of each network, and PagesFile, from which all of them read their
// pages and keys: a runtime puts the weights together when it runs the network, bit for bit those of
// [page.Set.Gather]. nets are networks of the set in its order of weights; pages that none of them uses
// are left out.
//
// A described network has an input "input" and an output "logits". One that came as an ONNX file keeps
// its graph, opset and all, but for the initializers that are its weights and state. A network of a GoMLX
// function is an error.
func Export(set *page.Set, nets []*network.Network) (Exported, error) {
	set, err := set.Keep(network.Names(nets)...)
	if err != nil {
		return nil, err
	}
	pages := &pagesFile{places: map[string]int{}}
	pages.add(set.Pages)
	all := Exported{}
	for i, n := range nets {
		m, err := modelOf(pages, set, i, n)
		if err == nil {
			all[n.Name+".onnx"], err = proto.MarshalOptions{Deterministic: true}.Marshal(m)
		}
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", n.Name, err)
		}
	}
	all[PagesFile] = pages.raw
	return all, nil
}

// Save writes the files into a directory, which is made if it is not there. Models that are there already
// are an error unless they are replaced, as they would read the new pages; none is replaced but those of an
// earlier export.
func (x Exported) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var old []string
	for _, f := range there {
		if filepath.Ext(f.Name()) != ".onnx" {
			continue
		}
		if x[f.Name()] == nil {
			return fmt.Errorf("%s holds %s, which may read %s of an earlier export: want another directory",
				dir, f.Name(), PagesFile)
		}
		path := filepath.Join(dir, f.Name())
		earlier, err := IsExported(path)
		if err != nil {
			return err
		}
		if !earlier {
			return fmt.Errorf("%s is no model of an earlier export, and is not replaced: want another directory",
				path)
		}
		old = append(old, path)
	}
	for _, path := range old { // none is to be found beside pages that are not its own
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	write := func(name string) error {
		path := filepath.Join(dir, name)
		if err := files.WritePath(path, x[name]); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return nil
	}
	if err := write(PagesFile); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if name == PagesFile {
			continue
		}
		if err := write(name); err != nil {
			return err
		}
	}
	return nil
}

// IsExported says whether a file is a model of an export: initializers of its lie in PagesFile.
func IsExported(path string) (bool, error) {
	raw, err := files.ReadPath(path, files.MaxSize)
	if err != nil {
		return false, err
	}
	m, err := unmarshal(raw)
	if err != nil {
		return false, nil
	}
	return slices.ContainsFunc(m.Graph.Initializer, func(t *onnxpb.TensorProto) bool {
		return slices.ContainsFunc(t.ExternalData, func(e *onnxpb.StringStringEntryProto) bool {
			return e.Key == "location" && e.Value == PagesFile
		})
	}), nil
}

// modelOf is a network of the set as an ONNX model.
func modelOf(pages *pagesFile, set *page.Set, i int, n *network.Network) (*onnxpb.ModelProto, error) {
	if err := page.CheckName(n.Name); err != nil {
		return nil, err
	}
	m := set.Networks[i]
	if n.Weights() != m.Weights || n.StateSize() != len(m.State) {
		return nil, fmt.Errorf("%d weights and %d of state on the pages, want %d and %d", m.Weights,
			len(m.State), n.Weights(), n.StateSize())
	}
	switch of := n.Model.(type) {
	case *network.Described:
		b := newBuilder(&onnxpb.GraphProto{Name: n.Name}, pages)
		b.layers(b.weights(set, m), n.Layers())
		b.described(of)
		return &onnxpb.ModelProto{IrVersion: irVersion,
			OpsetImport:  []*onnxpb.OperatorSetIdProto{{Version: 13}},
			ProducerName: "weightsep", Graph: b.GraphProto}, nil
	case *imported:
		return of.export(pages, set, m, n.Layers())
	}
	return nil, errors.New("its model is a GoMLX function, which has no ONNX form: want a described " +
		"network or one of an ONNX file")
}

// export is the network's own file with weights that come from pages, and the state of the set.
func (of *imported) export(pages *pagesFile, set *page.Set, m page.Member,
	layers []network.Layer) (*onnxpb.ModelProto, error) {
	own, err := unmarshal(of.Graph)
	if err != nil {
		return nil, err
	}
	if v := opset(own); v < firstOpset {
		return nil, fmt.Errorf("its ONNX file is of opset %d, want %d or later", v, firstOpset)
	}
	// Files whose initializers are inputs cannot become networks, so nothing changes for what is there.
	own.IrVersion = max(own.IrVersion, firstIRVersion)
	g := own.Graph
	initializers := map[string]*onnxpb.TensorProto{}
	for _, t := range g.Initializer {
		initializers[t.Name] = t
	}
	for _, l := range slices.Concat(layers, of.State()) {
		if initializers[l.Name] == nil {
			return nil, fmt.Errorf("its ONNX file has no initializer %q", l.Name)
		}
	}
	for _, l := range of.State() {
		t := initializers[l.Name]
		t.FloatData, t.RawData = nil, page.PackFloats(m.State[l.Offset:l.Offset+l.Size()])
	}
	weights := map[string]bool{}
	for _, l := range layers {
		weights[l.Name] = true
	}
	g.Initializer = slices.DeleteFunc(g.Initializer,
		func(t *onnxpb.TensorProto) bool { return weights[t.Name] })
	if err := checkNames(g); err != nil {
		return nil, err
	}
	nodes := g.Node
	g.Node = nil
	b := newBuilder(g, pages)
	b.layers(b.weights(set, m), layers)
	g.Node = append(g.Node, nodes...)
	return own, nil
}

// pagesFile is the content of PagesFile.
type pagesFile struct {
	raw    []byte
	places map[string]int // of what all networks share, but for the pages
}

// once is add, unless there is something of the name: then it says where.
func (p *pagesFile) once(name string, data []byte) (offset int) {
	offset, found := p.places[name]
	if !found {
		offset = p.add(data)
		p.places[name] = offset
	}
	return offset
}

// add appends data, and says where.
func (p *pagesFile) add(data []byte) (offset int) {
	if rest := len(p.raw) % alignment; rest > 0 {
		p.raw = append(p.raw, make([]byte, alignment-rest)...)
	}
	offset = len(p.raw)
	p.raw = append(p.raw, data...)
	return offset
}
