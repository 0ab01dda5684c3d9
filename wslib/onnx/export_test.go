package onnx

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// exportedNets are networks whose images have odd sides, of both activations, in both orders of layers,
// without convolutions, and one of a file.
func exportedNets(t testing.TB) []*network.Network {
	t.Helper()
	nets, err := network.Select(network.Ten(), "cifar10", "mnist", "gsc", "hhar")
	if err != nil {
		t.Fatal(err)
	}
	small, err := Load(xlatest.Backend(t), "small", filepath.Join("testdata", "small.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	small.Objective = network.Classification{}
	dense := network.Describe("dense", network.Described{Shape: [3]int{1, 2, 9}, Dense: []int{18, 7, 3},
		Activation: network.SigmoidActivation})
	return append(nets, small, small.WithOrder(network.BiasesFirst), old(t),
		dense.WithOrder(network.BiasesFirst))
}

// old is a network of a file of the oldest opset that can be exported, and of an older version of the
// file.
func old(t testing.TB) *network.Network {
	t.Helper()
	b := newBuilder(&onnxpb.GraphProto{Name: "old"}, nil)
	b.Input = []*onnxpb.ValueInfoProto{value("x", typeFloat, 0, 4)}
	b.Output = []*onnxpb.ValueInfoProto{value("y", typeFloat, 0, 3)}
	for name, shape := range map[string][]int64{"w": {4, 3}, "b": {3}} {
		size := 1
		for _, d := range shape {
			size *= int(d)
		}
		b.Initializer = append(b.Initializer, &onnxpb.TensorProto{Name: name, DataType: typeFloat,
			Dims: shape, FloatData: slices.Repeat([]float32{1}, size)})
	}
	b.nodeAs("xw", "MatMul", []string{"x", "w"})
	b.nodeAs("z", "Add", []string{"xw", "b"})
	b.nodeAs("y", "Softmax", []string{"z"})
	raw, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: 3, Graph: b.GraphProto,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: firstOpset}}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := Parse(xlatest.Backend(t), "old", raw)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pagesFor is a set of random code values, scales and keys for networks. A fifth of their pages are
// their own.
func pagesFor(t testing.TB, nets []*network.Network, f page.Format, scales bool) *page.Set {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(f.Precision), 7))
	f.Shared = 40
	shared, exclusive := f.Precisions()
	values := func(pages int, p page.Precision) []byte {
		v := make([]float32, pages*f.Size)
		for i := range v {
			v[i] = float32(rng.NormFloat64() * min(float64(p.Limit())/3, 0.08))
			if p.Quantized() {
				v[i] = p.Round(float32(rng.NormFloat64()) * p.Limit() / 2)
			}
		}
		return p.Pack(v, f.Size)
	}
	s := &page.Set{Format: f, Pages: values(f.Shared, shared)}
	for _, n := range nets {
		m := page.Member{Name: n.Name, Weights: n.Weights(), Table: page.Table{Shared: f.Shared}}
		own, spread := 0, float32(0.1)
		if m.Weights < 1000 {
			spread = 0.6 // else the outputs would hardly depend on the input
		}
		for range page.Count(m.Weights, f.Size) {
			e, p := int32(rng.IntN(f.Shared)), shared
			if rng.IntN(5) == 0 {
				e, p = int32(f.Shared+own), exclusive
				own++
			}
			m.Table.Entries = append(m.Table.Entries, e)
			scale := float32(rng.NormFloat64())
			if p.Quantized() {
				scale *= spread / p.Limit()
			}
			m.Scales = append(m.Scales, f.ScaleFormat.Round(scale))
		}
		m.Exclusive = values(own, exclusive)
		if !scales {
			m.Scales = nil
		}
		if f.KeyPrecision != 0 {
			keys := make([]float32, m.Weights)
			for i := range keys {
				keys[i] = 4*rng.Float32() - 2
			}
			m.Keys = m.Table.PackKeys(keys, f.Size)
		}
		if n.StateSize() > 0 {
			m.State = make([]float32, n.StateSize())
			for i := range m.State {
				m.State[i] = 0.5 + rng.Float32()
			}
		}
		s.Networks = append(s.Networks, m)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// storedSo are ways of storing a set, every precision beside others, with keys and without.
var storedSo = []page.Format{
	{Size: 512, Precision: page.Float32},
	{Size: 512, Precision: page.Float32, ScaleFormat: page.ScaleFloat16, KeyPrecision: page.Int2},
	{Size: 512, Precision: page.Int8, ExclusivePrecision: page.Float32, ScaleFormat: page.ScaleFloat32},
	{Size: 512, Precision: page.Int4, ExclusivePrecision: page.Int8, ScaleFormat: page.ScaleLog8,
		KeyPrecision: page.Int2},
	{Size: 512, Precision: page.Int2, ScaleFormat: page.ScaleFloat16},
	{Size: 13, Precision: page.Int2, ExclusivePrecision: page.Int4, KeyPrecision: page.Int2},
}

// TestExportAgainstONNXRuntime compares ONNX Runtime's weights, bit for bit, and outputs with ours, after
// the files were moved.
func TestExportAgainstONNXRuntime(t *testing.T) {
	python := os.Getenv("WEIGHTSEP_ONNXRUNTIME")
	if python == "" {
		t.Skip("WEIGHTSEP_ONNXRUNTIME names no Python with onnxruntime and onnx")
	}
	nets := exportedNets(t)
	for i, n := range nets { // the small one is there twice
		c := *n
		c.Name = fmt.Sprintf("%s%d", n.Name, i)
		nets[i] = &c
	}
	runs := make([]func(network.Values) (x, y []float32), len(nets))
	for i, n := range nets {
		runs[i] = runner(t, n)
	}
	for _, f := range storedSo {
		name := fmt.Sprint(f.Size, f.Precision, f.ExclusivePrecision, f.ScaleFormat, f.KeyPrecision)
		t.Run(name, func(t *testing.T) {
			set := pagesFor(t, nets, f, f.Precision.Quantized() || f.KeyPrecision != 0)
			all, err := Export(set, nets)
			if err != nil {
				t.Fatal(err)
			}
			made, dir := filepath.Join(t.TempDir(), "made"), filepath.Join(t.TempDir(), "moved")
			if err := all.Save(made); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(made, dir); err != nil {
				t.Fatal(err)
			}
			type test struct {
				Shape  []int    `json:"shape"`
				Layers []string `json:"layers"`
				Pages  int      `json:"pages"`
			}
			tests, want := map[string]test{}, map[string][]float32{}
			put := func(name string, raw []byte) {
				if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for i, n := range nets {
				var x []float32
				v := network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
				x, want[n.Name] = runs[i](v)
				put(n.Name+".input", page.PackFloats(x))
				of := test{Shape: append([]int{-1}, n.Input()...), Pages: len(set.Networks[i].Table.Entries)}
				for _, l := range n.Layers() {
					of.Layers = append(of.Layers, l.Name)
				}
				tests[n.Name] = of
			}
			raw, err := json.Marshal(tests)
			if err != nil {
				t.Fatal(err)
			}
			put("tests.json", raw)
			run := exec.Command(python, filepath.Join("testdata", "run.py"), dir)
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			read := func(name string) []float32 {
				raw, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				return page.Floats(raw)
			}
			for i, n := range nets {
				weights := n.ToLayerOrder(set.Weights(i))
				if !slices.EqualFunc(read(n.Name+".weights"), weights, func(a, b float32) bool {
					return math.Float32bits(a) == math.Float32bits(b)
				}) {
					t.Errorf("%s: ONNX Runtime's weights are others", n.Name)
				}
				got, want := read(n.Name+".output"), want[n.Name]
				if len(got) != len(want) {
					t.Fatalf("%s: %d outputs, want %d", n.Name, len(got), len(want))
				}
				far, largest := 0.0, 0.0
				for k := range want {
					far = max(far, math.Abs(float64(got[k]-want[k])))
					largest = max(largest, math.Abs(float64(want[k])))
				}
				t.Logf("%s: outputs up to %.3g differ by up to %.2g", n.Name, largest, far)
				if !(far <= 1e-5*min(1, largest)) || largest == 0 {
					t.Errorf("%s: outputs up to %v differ by %v", n.Name, largest, far)
				}
			}
		})
	}
}

// runner runs a network on three samples: with the Softmax that its file has.
func runner(t *testing.T, n *network.Network) func(network.Values) (x, y []float32) {
	t.Helper()
	exec, err := n.NewExec(xlatest.Backend(t), func(in []*graph.Node) []*graph.Node {
		bind, in := n.Bind(in)
		y := n.Forward(bind, in[0]).Output()
		if GraphOf(n) != nil {
			y = graph.Softmax(y)
		}
		return []*graph.Node{y}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, 3*n.Samples())
	for i := range x {
		x[i] = rng.Float32()
	}
	return func(v network.Values) ([]float32, []float32) {
		on := append(v.On(), tensors.FromFlatDataAndDimensions(x, append([]int{3}, n.Input()...)...))
		defer network.Free(on...)
		args := make([]any, len(on))
		for i := range on {
			args[i] = on[i]
		}
		out, err := exec.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Free(out...)
		return x, tensors.MustCopyFlatData[float32](out[0])
	}
}

// TestExportedFiles sees that what lies in the file of pages is what the models say, and that everything
// that weights are made of may change, so that no runtime keeps them in float32.
func TestExportedFiles(t *testing.T) {
	some := slices.DeleteFunc(exportedNets(t),
		func(n *network.Network) bool { return n.Name == "small" && n.Order == network.LayerOrder })
	for i, f := range append(storedSo, storedSo[0]) {
		nets := some
		set := pagesFor(t, nets, f, true)
		if i == len(storedSo) { // one network, without shared pages
			nets, set.Networks = some[:1], set.Networks[:1]
			m := &set.Networks[0]
			for i := range m.Table.Entries {
				m.Table.Entries[i] = int32(set.Shared + i)
			}
			m.Exclusive = make([]byte, len(m.Table.Entries)*4*f.Size)
		}
		all, err := Export(set, nets)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != len(nets)+1 {
			t.Errorf("%d files of %d networks", len(all), len(nets))
		}
		kept, err := set.Keep(network.Names(nets)...)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nets {
			m, err := unmarshal(all[n.Name+".onnx"])
			if err != nil {
				t.Fatal(err)
			}
			inputs, seen := map[string]bool{}, map[string]bool{}
			for _, v := range m.Graph.Input {
				inputs[v.Name] = true
			}
			stored := map[string][]byte{"shared_pages": kept.Pages, page.KeysPart: kept.Networks[i].Keys,
				page.ExclusivePart: kept.Networks[i].Exclusive}
			for _, x := range m.Graph.Initializer {
				name, ours := strings.CutPrefix(x.Name, prefix)
				if variable := ours && slices.Contains([]string{page.TablePart, "order", page.KeysPart,
					page.ExclusivePart}, name); variable != inputs[x.Name] {
					t.Errorf("%s: %s is an input: %v", n.Name, x.Name, inputs[x.Name])
				}
				if seen[x.Name] {
					t.Errorf("%s: %s is there twice", n.Name, x.Name)
				}
				seen[x.Name] = true
				if x.DataLocation != onnxpb.TensorProto_EXTERNAL {
					continue
				}
				if got := external(t, all[PagesFile], x); !slices.Equal(got, stored[name]) &&
					!strings.HasPrefix(name, "values of ") {
					t.Errorf("%s: %s is not what the set has", n.Name, name)
				}
				delete(stored, name)
			}
			table := kept.Networks[i].Table
			for name, raw := range stored {
				if len(raw) > 0 && (name != "shared_pages" || len(table.Exclusive()) < len(table.Entries)) {
					t.Errorf("%s: no %s", n.Name, name)
				}
			}
		}
	}
}

// external is what a tensor has in the file of pages.
func external(t *testing.T, pages []byte, x *onnxpb.TensorProto) []byte {
	t.Helper()
	at := map[string]string{}
	for _, e := range x.ExternalData {
		at[e.Key] = e.Value
	}
	offset, err := strconv.Atoi(at["offset"])
	if err != nil {
		t.Fatal(err)
	}
	size := 1
	if x.DataType == typeFloat {
		size = 4
	}
	for _, d := range x.Dims {
		size *= int(d)
	}
	if at["location"] != PagesFile || offset%4096 != 0 || at["length"] != strconv.Itoa(size) ||
		offset+size > len(pages) {
		t.Fatalf("%s of %d bytes is at %v, in a file of %d", x.Name, size, at, len(pages))
	}
	return pages[offset : offset+size]
}
