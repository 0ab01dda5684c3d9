package pack

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weightsep/wslib/page"
	"weightsep/wslib/page/pagetest"
)

// example is a pack of two networks on 300 shared pages of 13 values: the table of "a" names
// one of them twice and two pages of its own, "b-1.x" has one byte of a table.
func example(f page.Format) *File {
	s := pagetest.Example(f)
	b := &s.Networks[1]
	b.Name, b.Weights, b.Table.Entries = "b-1.x", 26, []int32{255, 3}
	b.Scales = append(b.Scales, f.ScaleFormat.Round(3))
	return &File{Set: s, Made: json.RawMessage(`{"seed":1}`), Networks: []Network{
		{Layers: []Layer{{"conv/kernel", []int{3, 4, 4}, 0}, {"bias", []int{12}, 48}},
			Model: json.RawMessage(`{"of":"a < b & c"}`), Graph: []byte("onnx")},
		{},
	}}
}

// formats are all precisions of pages beside each other with all formats of scales, with keys
// and without.
func formats() (all []page.Format) {
	precisions := []page.Precision{0, page.Float32, page.Int8, page.Int4, page.Int2}
	for _, p := range precisions {
		for _, own := range precisions {
			for _, f := range []page.ScaleFormat{"", page.ScaleFloat32, page.ScaleFloat16, page.ScaleLog8} {
				for _, keys := range []page.Precision{0, page.Int2} {
					all = append(all, page.Format{
						Precision: p, ExclusivePrecision: own, ScaleFormat: f, KeyPrecision: keys})
				}
			}
		}
	}
	return all
}

func written(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every pack comes back as it was, and is the same bytes when it is written again. Its data
// take what Stored counts, and the graphs.
func TestPacksComeBack(t *testing.T) {
	for _, format := range formats() {
		f := example(format)
		raw := written(t, f)
		got, err := Read(raw)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Fatalf("%+v: %+v, %v; want %+v", format, got, err, f)
		}
		if again := written(t, got); !bytes.Equal(again, raw) {
			t.Errorf("%+v: other bytes when it is written again", format)
		}
		data := len(raw) - 8 - int(binary.LittleEndian.Uint64(raw))
		if want := f.Set.Stored().Total + len("onnx"); data != want || (len(raw)-data)%8 != 0 {
			t.Errorf("%+v: %d bytes of data after %d, Stored counts %d", format, data, len(raw)-data, want)
		}
	}
	plain := example(page.Format{}) // without scales, keys, state, graph or exclusive pages
	m := &plain.Set.Networks[1]
	m.Scales = nil
	plain.Set.Networks, plain.Networks, plain.Made = plain.Set.Networks[1:], plain.Networks[1:], nil
	raw := written(t, plain)
	got, err := Read(raw)
	if err != nil || !reflect.DeepEqual(got, plain) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A reader of 60 lines of numpy, and the safetensors library where Python has it.
func TestPythonReadsTheSameWeights(t *testing.T) {
	python := os.Getenv("WEIGHTSEP_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		t.Skipf("%s has no numpy (WEIGHTSEP_PYTHON names another): %v", python, err)
	}
	dir := t.TempDir()
	var packs []*File
	args := []string{filepath.Join("testdata", "read.py")}
	for i, format := range formats() {
		f := example(format)
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		packs, args = append(packs, f), append(args, path)
	}
	if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, f := range packs {
		for k, m := range f.Set.Networks {
			got, err := os.ReadFile(args[1+i] + "." + m.Name + ".f32")
			if err != nil || !bytes.Equal(got, page.PackFloats(f.Set.Weights(k))) {
				t.Errorf("%+v: weights of %s differ, %v", f.Set.Format, m.Name, err)
			}
		}
	}
	library := `import sys, safetensors.numpy as s
for p in sys.argv[1:]:
  assert s.load_file(p)["a/table"].tolist() == [7, 300, 7, 299, 301], p`
	args = append([]string{"-c", library}, args[1:]...)
	if err := exec.Command(python, "-c", "import safetensors.numpy").Run(); err != nil {
		t.Logf("%s has no safetensors: %v", python, err)
	} else if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Errorf("safetensors: %v: %s", err, out)
	}
}

func TestSaveIsWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safetensors")
	f := example(page.Format{Precision: page.Int4})
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	want := written(t, f)
	f.Set.Pages[0] = 0x88
	err := f.Save(path)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "is -8") {
		t.Errorf("a wrong pack was saved: %v", err)
	}
	if err := f.Save(filepath.Join(dir, "no", "x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the old file changed, %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files left: %v, %v", entries, err)
	}
	if got, err := Open(path); err != nil || got.Set.Networks[1].Name != "b-1.x" {
		t.Errorf("opened %+v, %v", got, err)
	}
	if err := os.WriteFile(path, want[:100], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want the path", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for want, spoil := range map[string]func(f *File){
		"layers and models of 1 networks, the set has 2": func(f *File) { f.Networks = f.Networks[:1] },
		"made with is no JSON":                           func(f *File) { f.Made = json.RawMessage("{") },
		"network a: its model is no JSON": func(f *File) {
			f.Networks[0].Model = json.RawMessage("}")
		},
		`network 0: network name "a/b"`: func(f *File) { f.Set.Networks[0].Name = "a/b" },
		`network 0: network name ""`:    func(f *File) { f.Set.Networks[0].Name = "" },
		`network 0: network name "..."`: func(f *File) { f.Set.Networks[0].Name = "..." },
		`network 0: network name "é"`:   func(f *File) { f.Set.Networks[0].Name = "é" },
		"network a is there twice":      func(f *File) { f.Set.Networks[1].Name = "a" },
		"network c: 0 weights": func(f *File) {
			f.Set.Networks = append(f.Set.Networks,
				page.Member{Name: "c", Table: page.Table{Shared: 300}, Scales: []float32{}})
			f.Networks = append(f.Networks, Network{})
		},
		`layer "bias" of shape [12] at weight 49`: func(f *File) { f.Networks[0].Layers[1].Offset = 49 },
		`layer "" of shape`:                       func(f *File) { f.Networks[0].Layers[1].Name = "" },
		`shape [12 0] at`: func(f *File) {
			f.Networks[0].Layers[1].Shape = []int{12, 0}
		},
		`shape [4294967296 4294967296] at`: func(f *File) {
			f.Networks[0].Layers[1].Shape = []int{1 << 32, 1 << 32}
		},
		"no scales": func(f *File) { f.Set.Networks[0].Scales = nil },
	} {
		f := example(page.Format{Precision: page.Int4})
		spoil(f)
		if err := f.Write(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The documented packs take the bytes that their summaries state, and are written again as they are.
func TestDocumentedPacks(t *testing.T) {
	for _, run := range []string{"joint-5.8", "joint-32", "joint-50", "joint-80"} {
		dir := filepath.Join("..", "..", "results", run)
		raw, err := os.ReadFile(filepath.Join(dir, "pack.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, f), raw) {
			t.Errorf("%s is another file when it is written again", run)
		}
		var summary struct {
			StoredBytes struct{ Total int }
		}
		raw, err = os.ReadFile(filepath.Join(dir, "summary.json"))
		if err == nil {
			err = json.Unmarshal(raw, &summary)
		}
		if got := f.Set.Stored().Total; err != nil || got != summary.StoredBytes.Total {
			t.Errorf("%s: %d bytes, its summary says %+v (%v)", run, got, summary, err)
		}
	}
}
