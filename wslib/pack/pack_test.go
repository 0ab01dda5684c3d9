package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
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

// parts are a file's header, as JSON, and data.
type parts struct {
	header map[string]any
	data   []byte
}

func (p parts) metadata() map[string]any          { return p.header["__metadata__"].(map[string]any) }
func (p parts) tensor(name string) map[string]any { return p.header[name].(map[string]any) }
func (p parts) replace(name, old, new string) {
	p.metadata()[name] = strings.Replace(p.metadata()[name].(string), old, new, 1)
}
func (p parts) at(name string) int     { return int(p.tensor(name)["data_offsets"].([]any)[0].(float64)) }
func (p parts) rename(from, to string) { p.header[to] = p.header[from]; delete(p.header, from) }
func (p parts) offsets(name string, begin, end int) {
	p.tensor(name)["data_offsets"] = []any{begin, end}
}

func split(t testing.TB, raw []byte) parts {
	t.Helper()
	n := binary.LittleEndian.Uint64(raw)
	p := parts{data: slices.Clone(raw[8+n:])}
	if err := json.Unmarshal(raw[8:8+n], &p.header); err != nil {
		t.Fatal(err)
	}
	return p
}

// sealed is a file of a header and data whose digest fits.
func sealed(t testing.TB, p parts) []byte {
	t.Helper()
	if m, ok := p.header["__metadata__"].(map[string]any); ok {
		m["sha256"] = noSum
	}
	text, err := json.Marshal(p.header)
	if err != nil {
		t.Fatal(err)
	}
	return sealedText(text, p.data)
}

// sealedText is [sealed] of a header with noSum in the place of the digest.
func sealedText(header, data []byte) []byte {
	raw := slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header, data)
	sum := sha256.Sum256(raw)
	return bytes.Replace(raw, []byte(noSum), []byte(hex.EncodeToString(sum[:])), 1)
}

// What the digest cannot tell: files that were written wrong.
func TestReadRefusesWrongFiles(t *testing.T) {
	nan := page.PackFloats([]float32{float32(math.NaN())})
	for want, spoil := range map[string]func(p *parts){
		"metadata: unexpected end": func(p *parts) { delete(p.header, "__metadata__") },
		`format version ""`:        func(p *parts) { delete(p.metadata(), "weightsep") },
		`format version "1"`:       func(p *parts) { p.metadata()["weightsep"] = "1" },
		"metadata: format: EOF":    func(p *parts) { delete(p.metadata(), "format") },
		`unknown field "pages"`:    func(p *parts) { p.replace("format", "pageSize", "pages") },
		"keys of int4, want int2": func(p *parts) {
			p.replace("format", `"keyPrecision":2`, `"keyPrecision":4`)
		},
		"3 bits": func(p *parts) {
			p.replace("format", `"precision":32`, `"precision":3`)
		},
		`"shared_pages": F32 [300 13], wan`: func(p *parts) {
			p.replace("format", `"pageSize":13`, `"pageSize":536870912`)
		},
		"metadata: networks: more than":   func(p *parts) { p.metadata()["networks"] = "[] []" },
		"belongs to nothing":              func(p *parts) { p.metadata()["networks"] = "[]" },
		`"a/keys": U8 [3 4], want F32 [3`: func(p *parts) { p.replace("format", `,"keyPrecision":2`, "") },
		`name "a/b"`:                      func(p *parts) { p.replace("networks", `"a"`, `"a/b"`) },
		`no tensor "a/table"`:             func(p *parts) { p.replace("networks", `"b-1.x"`, `"a"`) },
		`"a/table": U16 [5], want U16 [6]`: func(p *parts) {
			p.replace("networks", `"weights":60`, `"weights":66`)
		},
		`"a/table": U16 [5], want U16 [-`: func(p *parts) {
			p.replace("networks", `"weights":60`, `"weights":9223372036854775807`)
		},
		`layer "bias"`: func(p *parts) {
			p.replace("networks", `"offset":48`, `"offset":480`)
		},
		"what the pack was made with":   func(p *parts) { p.metadata()["made"] = "{" },
		`no tensor "shared_pages"`:      func(p *parts) { p.rename("shared_pages", "other") },
		`no tensor "a/exclusive_pages"`: func(p *parts) { p.rename("a/exclusive_pages", "a/other") },
		`tensor "a/other" belongs to`:   func(p *parts) { p.rename("a/graph", "a/other") },
		"entry 1 is 302":                func(p *parts) { p.data[p.at("a/table")+2] = 46 },
		"entry 0 is -1": func(p *parts) {
			p.tensor("b-1.x/table")["dtype"] = "I32"
			p.tensor("b-1.x/table")["shape"] = []any{2}
			p.widen(t, "b-1.x/table", slices.Repeat([]byte{255}, 8))
		},
		"shared pages: page 0: value 0 is NaN": func(p *parts) { copy(p.data[p.at("shared_pages"):], nan) },
		"exclusive pages: page 1: value 0 is N": func(p *parts) {
			copy(p.data[p.at("a/exclusive_pages")+52:], nan)
		},
		"scale 1 is NaN":              func(p *parts) { copy(p.data[p.at("a/scales")+4:], nan) },
		"state: weight 1 is NaN":      func(p *parts) { copy(p.data[p.at("a/state")+4:], nan) },
		"page 0: a bit is set beyond": func(p *parts) { p.data[p.at("a/keys")+3] |= 0x80 },
		`"a/scales": F32 [4], want F32 [5`: func(p *parts) {
			p.tensor("a/scales")["shape"] = []any{4}
			p.cut("a/scales", 4)
		},
		`type "F64"`: func(p *parts) { p.tensor("a/graph")["dtype"] = "F64" },
		`"a/graph": U8 [2 2], want U8 [4]`: func(p *parts) {
			p.tensor("a/graph")["shape"] = []any{2, 2}
		},
		"shape [0]":  func(p *parts) { p.tensor("a/graph")["shape"] = []any{0} },
		"shape [-4]": func(p *parts) { p.tensor("a/graph")["shape"] = []any{-4} },
		"shape [1099511627776 1099": func(p *parts) {
			p.tensor("a/graph")["shape"] = []any{1 << 40, 1 << 40}
		},
		"offsets [1 2] of U8 [4]":  func(p *parts) { p.offsets("a/graph", 1, 2) },
		"offsets [-4 0] of U8 [4]": func(p *parts) { p.offsets("a/graph", -4, 0) },
		"offsets [4] of U8 [4]": func(p *parts) {
			p.tensor("a/graph")["data_offsets"] = []any{4}
		},
		"want its length within": func(p *parts) {
			p.offsets("a/graph", len(p.data), len(p.data)+4)
		},
		`begins at byte 0 of the data`: func(p *parts) { p.offsets("a/graph", 0, 4) },
		`tensor "shared_pages" ends`: func(p *parts) {
			p.offsets("a/exclusive_pages", 15604, 15708)
		},
		"2 bytes after the last tensor": func(p *parts) { p.data = append(p.data, 1, 2) },
		`unknown field "size"`:          func(p *parts) { p.tensor("a/graph")["size"] = 1 },
	} {
		t.Run(want, func(t *testing.T) {
			p := split(t, written(t, example(page.Format{Precision: page.Float32,
				ExclusivePrecision: page.Float32, ScaleFormat: page.ScaleFloat32, KeyPrecision: page.Int2})))
			spoil(&p)
			raw := sealed(t, p)
			_, err := Read(raw)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

// cut takes the last n bytes of a tensor out of the data.
func (p *parts) cut(name string, n int) { p.move(name, -n, nil) }

// move changes the end of a tensor by so many bytes, and all that lies behind it.
func (p *parts) move(name string, by int, more []byte) {
	end := int(p.tensor(name)["data_offsets"].([]any)[1].(float64))
	for other := range p.header {
		if other == "__metadata__" {
			continue
		}
		o := p.tensor(other)["data_offsets"].([]any)
		if begin := int(o[0].(float64)); other == name || begin >= end {
			o[1] = o[1].(float64) + float64(by)
			if other != name {
				o[0] = float64(begin + by)
			}
		}
	}
	p.data = slices.Concat(p.data[:end+min(by, 0)], more, p.data[end:])
}

// widen replaces a tensor's data by longer ones.
func (p *parts) widen(t *testing.T, name string, data []byte) {
	t.Helper()
	at := p.at(name)
	end := int(p.tensor(name)["data_offsets"].([]any)[1].(float64))
	p.move(name, len(data)-(end-at), data[end-at:])
	copy(p.data[at:], data)
}

// What is damaged on the way.
func TestReadRefusesDamagedFiles(t *testing.T) {
	f := page.Format{Precision: page.Int2, ExclusivePrecision: page.Int8, ScaleFormat: page.ScaleLog8}
	good := written(t, example(f))
	with := func(at int, b ...byte) []byte { raw := slices.Clone(good); copy(raw[at:], b); return raw }
	for want, raw := range map[string][]byte{
		"7 bytes, want 8":          good[:7],
		"0 bytes, want 8":          nil,
		"a header of 255":          with(0, 255, 255, 255, 255, 255, 255, 255, 127)[:8],
		"a header of 18446744":     with(0, 255, 255, 255, 255, 255, 255, 255, 255),
		"header is no JSON object": with(8, '['),
		"header is no JSON":        slices.Concat([]byte{2, 0, 0, 0, 0, 0, 0, 0}, []byte("{]")),
		"it is damaged":            with(len(good)-1, good[len(good)-1]^1),
		"the file has the digest":  good[:len(good)-1],
	} {
		if want == "a header of 255" {
			want = "a header of 9223372036854775807 bytes in a file of 8"
		}
		_, err := Read(raw)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for k := range good { // no flipped bit goes unnoticed
		if _, err := Read(with(k, good[k]^1<<(k%8))); err == nil {
			t.Fatalf("byte %d changed unnoticed", k)
		}
	}
}

// A pack that is read can be gathered and written, and is then the same pack. The digest is
// put in, so that changes go further.
func FuzzRead(f *testing.F) {
	for _, format := range []page.Format{{},
		{Precision: page.Int2, ExclusivePrecision: page.Int8, ScaleFormat: page.ScaleLog8},
		{KeyPrecision: page.Int2}, {Precision: page.Int4, ScaleFormat: page.ScaleFloat16}} {
		p := split(f, written(f, example(format)))
		p.metadata()["sha256"] = noSum
		text, _ := json.Marshal(p.header)
		f.Add(text, p.data)
	}
	f.Fuzz(func(t *testing.T, header, data []byte) {
		got, err := Read(sealedText(header, data))
		if err != nil {
			return
		}
		again := written(t, got)
		back, err := Read(again)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range got.Set.Networks {
			if m.Weights > 1<<20 {
				continue
			}
			a, b := page.PackFloats(got.Set.Weights(i)), page.PackFloats(back.Set.Weights(i))
			if !bytes.Equal(a, b) {
				t.Errorf("network %s is another when it is read again", m.Name)
			}
		}
	})
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
