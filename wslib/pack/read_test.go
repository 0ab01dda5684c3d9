package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// parts are a file's header, as JSON, and data.
type parts struct {
	header map[string]any
	data   []byte
}

func (p parts) metadata() map[string]any { return p.header["__metadata__"].(map[string]any) }

func (p parts) tensor(name string) map[string]any { return p.header[name].(map[string]any) }

func (p parts) replace(name, old, new string) {
	p.metadata()[name] = strings.Replace(p.metadata()[name].(string), old, new, 1)
}

func (p parts) at(name string) int { return int(p.tensor(name)["data_offsets"].([]any)[0].(float64)) }

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
