package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/npy"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// checkExport puts the weights together from the files of a run of fmnist alone, by the
// definition of the page table, and compares them with the exported ones.
func checkExport(t *testing.T, dir string) {
	t.Helper()
	read := func(name ...string) []float32 {
		v, _, err := npy.ReadFloats(filepath.Join(append([]string{dir}, name...)...))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	f, err := pack.Open(filepath.Join(dir, "pages.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	m := f.Set.Networks[0]
	pages := append(f.Set.SharedValues(), f.Set.ExclusiveValues(0)...)
	got := read("export", "fmnist.npy")
	for i, w := range got {
		p := i / 512
		if want := m.Scales[p] * pages[int(m.Table.Entries[p])*512+i%512]; w != want {
			t.Fatalf("weight %d is %v, want %v", i, w, want)
		}
	}
	if len(got) != 69966 {
		t.Errorf("%d weights", len(got))
	}
	checkLayers(t, filepath.Join(dir, "export", "fmnist.npz"), got)
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "fmnist.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := call(t, "export", "-run", dir, "-out", own)
	if code != 1 || out != "" || !strings.Contains(stderr, "fmnist.json is what network fmnist is made of") {
		t.Errorf("export beside a network's own file: exit %d, %s%s", code, out, stderr)
	}
}

// checkLayers compares the arrays of an .npz file, put together in the order of layers, with flat weights.
func checkLayers(t *testing.T, path string, want []float32) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	var flat []float32
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), f.Name)
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		v, shape, err := npy.ReadFloats(file)
		if err != nil {
			t.Fatal(err)
		}
		names, flat = append(names, fmt.Sprint(f.Name, shape)), append(flat, v...)
	}
	if len(names) != 12 || names[0] != "conv0.kernel.npy[3 3 1 24]" || names[11] != "dense2.bias.npy[10]" {
		t.Errorf("layers %v", names)
	}
	if !slices.Equal(flat, want) {
		t.Error("layers are not the flat weights")
	}
}

// checkExportedPack exports a run as a pack, which scores as its exported weights do.
func checkExportedPack(t *testing.T, dir string) {
	t.Helper()
	code, want, stderr := call(t, "eval", "-net", "fmnist", "-weights",
		filepath.Join(dir, "export", "fmnist.npy"), "-quiet")
	if code != 0 {
		t.Fatal(stderr)
	}
	path := filepath.Join(dir, "all.safetensors")
	code, out, stderr := call(t, "export", "-run", dir, "-format", "safetensors", "-out", path)
	if code != 0 || !strings.Contains(out, "all.safetensors: 1 networks in ") {
		t.Fatalf("export: exit %d, %s%s", code, out, stderr)
	}
	if code, out, stderr = call(t, "eval", "-pack", path, "-quiet"); code != 0 || out != want {
		t.Errorf("eval of the pack: exit %d, %s%s, want %s", code, out, stderr, want)
	}
	var constants [2][]byte
	for i, from := range [][]string{{"-run", dir}, {"-pack", path}} {
		to := filepath.Join(dir, from[0])
		code, out, stderr := call(t, append([]string{"export", "-format", "c", "-out", to}, from...)...)
		if code != 0 || !strings.Contains(out, "packed.c: 1 networks in ") {
			t.Fatalf("export as C: exit %d, %s%s", code, out, stderr)
		}
		var err error
		if constants[i], err = os.ReadFile(filepath.Join(to, "packed.c")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(constants[0], constants[1]) {
		t.Error("C of the run is not C of its pack")
	}
}

// Some networks of a pack as C, and what cannot be.
func TestExportC(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join("..", "..", "results", "joint-32", "pack.safetensors")
	args := []string{"export", "-format", "c", "-pack", file, "-out", dir, "-net", "gsc,mnist"}
	code, out, stderr := call(t, append(args, "-prefix", "two", "-ram", "70KB")...)
	if code != 0 || !strings.Contains(out, "two.c: 2 networks in ") {
		t.Fatalf("exit %d, %s%s", code, out, stderr)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "two.h"))
	if err != nil || !bytes.Contains(raw, []byte("{&two_gsc, \\\n     &two_mnist}")) {
		t.Errorf("%v, %s", err, raw)
	}
	code, _, stderr = call(t, append(args, "-int8")...)
	if _, err := os.Stat(filepath.Join(dir, "weightsep8.h")); code != 0 || err != nil ||
		!strings.Contains(stderr, "gsc: activations of 8 bits by 200 training samples: stand-in") {
		t.Errorf("exit %d, %v, %s", code, err, stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-prefix", "a.b"}, 1, `prefix "a.b": want a C identifier`},
		{[]string{"-net", "gsc,lenet"}, 2, `unknown network "lenet"`},
		{[]string{"-ram", "10KB"}, 1, "network gsc needs "},
	} {
		none := filepath.Join(dir, "none")
		code, out, stderr := call(t, append(slices.Concat(args, []string{"-out", none}), c.args...)...)
		_, err := os.Stat(none)
		if code != c.code || out != "" || !strings.Contains(stderr, c.want) || err == nil {
			t.Errorf("%v: exit %d, %s%s, want %d, %q and no directory", c.args, code, out, stderr, c.code,
				c.want)
		}
	}
}

// checkExportedONNX exports a run as ONNX models, and its pack as the same ones.
func checkExportedONNX(t *testing.T, dir string) {
	t.Helper()
	of := filepath.Join(dir, "of pack")
	for _, args := range [][]string{{"-run", dir},
		{"-pack", filepath.Join(dir, "all.safetensors"), "-out", of, "-net", "fmnist"}} {
		args = append([]string{"export", "-format", "onnx"}, args...)
		if code, out, stderr := call(t, args...); code != 0 || !strings.Contains(out, "1 ONNX models of ") {
			t.Fatalf("ws %v: exit %d, %s%s", args, code, out, stderr)
		}
	}
	for _, name := range []string{"fmnist.onnx", "pages.bin"} {
		a, err := os.ReadFile(filepath.Join(dir, "onnx", name))
		b, other := os.ReadFile(filepath.Join(of, name))
		if err != nil || other != nil || len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s of the run and of its pack differ, %v, %v", name, err, other)
		}
	}
}

// A network that cannot be exported, or that is not there, leaves no trace.
func TestExportONNXRefuses(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "own.safetensors"), filepath.Join(dir, "out")
	f := &pack.File{
		Set: &page.Set{
			Format: page.Format{Size: 3, Shared: 1, Precision: page.Float32},
			Pages:  page.PackFloats([]float32{0.5, 0, 1}),
			Networks: []page.Member{
				{Name: "own", Weights: 3, Table: page.Table{Shared: 1, Entries: []int32{0}}}},
		},
		Networks: []pack.Network{{}},
	}
	for model, want := range map[string]string{
		`{"kind":"function"}`: "own: its model is a GoMLX function",
		`{"kind":"described","objective":"classification","input":[1,1,2],"output":[1],"described":{
			"input":[1,1,2],"dense":[2,1],"activation":"leaky"}}`: "own: output [1]",
		`{"kind":"described","objective":"regression","input":[1,1,2],"output":[1],"described":{
			"input":[1,1,2],"dense":[2,1],"activation":"leaky"}}`: `unknown network "other"`,
	} {
		f.Networks[0].Model = json.RawMessage(model)
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := call(t, "export", "-format", "onnx", "-pack", path, "-out", out, "-net", "other")
		if _, err := os.Stat(out); code == 0 || !strings.Contains(stderr, want) || err == nil {
			t.Errorf("exit %d, %s, want %q; %v", code, stderr, want, err)
		}
	}
}

// A directory with what networks are made of gets no export, and keeps what it has.
func TestExportBesideOwn(t *testing.T) {
	file := filepath.Join("..", "..", "results", "joint-32", "pack.safetensors")
	for _, format := range []string{"onnx", "c"} {
		for _, name := range []string{"gsc_train_data.npy", "gsc.json", "gsc.onnx"} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte("own"), 0o644); err != nil {
				t.Fatal(err)
			}
			code, out, stderr := call(t, "export", "-format", format, "-pack", file, "-out", dir, "-net",
				"mnist,gsc")
			if code != 1 || out != "" || !strings.Contains(stderr, name+" is what network gsc is made of") {
				t.Errorf("%s, %s: exit %d, %s%s", format, name, code, out, stderr)
			}
			names, err := os.ReadDir(dir)
			raw, other := os.ReadFile(filepath.Join(dir, name))
			if err != nil || other != nil || len(names) != 1 || string(raw) != "own" {
				t.Errorf("%s, %s: %v, %q, %v, %v", format, name, names, raw, err, other)
			}
		}
	}
	// Files of another network do not matter, nor does an earlier export.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hhar.json"), []byte("own"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"onnx", "c", "onnx"} {
		if code, out, stderr := call(t, "export", "-format", format, "-pack", file, "-out", dir, "-net",
			"gsc"); code != 0 {
			t.Errorf("%s: exit %d, %s%s", format, code, out, stderr)
		}
	}
}
