package onnx

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
)

// TestExportRefuses sees that what cannot be exported is said in a sentence.
func TestExportRefuses(t *testing.T) {
	nets := exportedNets(t)
	small := nets[4]
	changed := func(change func(m *onnxpb.ModelProto)) *network.Network {
		m, err := unmarshal(GraphOf(small))
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		n := *small
		of := *small.Model.(*imported)
		of.Graph, n.Model = raw, &of
		return &n
	}
	function := *nets[0]
	function.Model = struct{ network.Model }{nets[0].Model}
	named := *nets[0]
	named.Name = "a/b"
	for want, n := range map[string]*network.Network{
		"network cifar10: its model is a GoMLX function": &function,
		`network a/b: network name "a/b"`:                &named,
		"network small: its ONNX file is of opset 9, want 10 or later": changed(func(m *onnxpb.ModelProto) {
			m.OpsetImport[0].Version = 9
		}),
		`network small: its ONNX file has no initializer "k1"`: changed(func(m *onnxpb.ModelProto) {
			m.Graph.Initializer = slices.DeleteFunc(m.Graph.Initializer,
				func(t *onnxpb.TensorProto) bool { return t.Name == "k1" })
		}),
		`has a value "weightsep/1"`: changed(func(m *onnxpb.ModelProto) {
			m.Graph.Node[0].Output[0] = "weightsep/1"
		}),
	} {
		set := pagesFor(t, []*network.Network{n}, storedSo[0], true)
		if all, err := Export(set, []*network.Network{n}); err == nil || all != nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	set := pagesFor(t, nets[:1], storedSo[0], true)
	if _, err := Export(set, nets[1:2]); err == nil || !strings.Contains(err.Error(), `"mnist"`) {
		t.Errorf("a network that the set does not have: %v", err)
	}
	set.Networks[0].Weights--
	if _, err := Export(set, nets[:1]); err == nil || !strings.Contains(err.Error(), "and 0 of state") {
		t.Errorf("another number of weights: %v", err)
	}
}

// TestExportBesideAnother sees that no model comes to read pages of another export.
func TestExportBesideAnother(t *testing.T) {
	nets := exportedNets(t)[:2]
	set := pagesFor(t, nets, storedSo[4], true)
	dir := filepath.Join(t.TempDir(), "new", "deep")
	save := func(nets []*network.Network) error {
		all, err := Export(set, nets)
		return cmp.Or(err, all.Save(dir))
	}
	if err := save(nets[:1]); err != nil {
		t.Fatal(err)
	}
	if err := save(nets); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, PagesFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := save(nets[:1]); err == nil || !strings.Contains(err.Error(), "holds mnist.onnx") {
		t.Errorf("error %v, want the model that is in the way", err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, PagesFile)); err != nil || !slices.Equal(before, after) {
		t.Errorf("pages changed, %v", err)
	}
}

// TestExportKeepsOwn sees that a model that is no export stays, whatever its name.
func TestExportKeepsOwn(t *testing.T) {
	nets := exportedNets(t)[:2]
	set := pagesFor(t, nets, storedSo[0], true)
	all, err := Export(set, nets)
	if err != nil {
		t.Fatal(err)
	}
	small, err := os.ReadFile(filepath.Join("testdata", "small.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range [][]byte{small, []byte("no model"), {}} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "cifar10.onnx"), all["cifar10.onnx"], 0o644); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "mnist.onnx")
		if err := os.WriteFile(path, own, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := all.Save(dir); err == nil || !strings.Contains(err.Error(), path+" is no model of an ") {
			t.Errorf("error %v, want one of %s", err, path)
		}
		names, err := os.ReadDir(dir)
		if err != nil || len(names) != 2 {
			t.Errorf("%v, %v: want the two files that were there", names, err)
		}
		if raw, err := os.ReadFile(path); err != nil || !slices.Equal(raw, own) {
			t.Errorf("%s has changed, or %v", path, err)
		}
	}
}
