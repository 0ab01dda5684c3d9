package page

import (
	"encoding/json"
	"strings"
	"testing"
)

// A manifest of before says nothing of exclusive pages.
func TestFormatJSON(t *testing.T) {
	for text, want := range map[string]Format{
		`{"pageSize":13,"sharedPages":300,"precision":8}`: {13, 300, Int8, 0, "", 0},
		`{"pageSize":13,"sharedPages":300,"precision":2,"exclusivePrecision":32}`: {13, 300, Int2,
			Float32, "", 0},
	} {
		var f Format
		if err := json.Unmarshal([]byte(text), &f); err != nil || f != want {
			t.Errorf("%s read as %+v, %v", text, f, err)
		}
		if raw, err := json.Marshal(want); err != nil || string(raw) != text {
			t.Errorf("%+v written as %s, %v", want, raw, err)
		}
	}
	for _, c := range [][4]Precision{{Int8, 0, Int8, Int8}, {0, 0, 0, 0}, {Int2, Float32, Int2, Float32},
		{0, Int4, 0, Int4}} {
		if s, e := (Format{Precision: c[0], ExclusivePrecision: c[1]}).Precisions(); s != c[2] || e != c[3] {
			t.Errorf("precisions of %v are %v and %v", c[:2], s, e)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	good := Format{13, 300, Int2, Int8, ScaleLog8, Int2}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Format){
		"300 shared pages of 0":                  func(f *Format) { f.Size = 0 },
		"0 shared pages of 13":                   func(f *Format) { f.Shared = 0 },
		"shared pages of 4611686018427387904":    func(f *Format) { f.Size = 1 << 62 },
		"4611686018427387904 shared":             func(f *Format) { f.Shared = 1 << 62 },
		"precision of 16 bits, want 32, 8, 4 or": func(f *Format) { f.Precision = 16 },
		"exclusive pages: precision of 1 bits":   func(f *Format) { f.ExclusivePrecision = 1 },
		`"half"`:                                 func(f *Format) { f.ScaleFormat = "half" },
		"keys of int1, want int2":                func(f *Format) { f.KeyPrecision = 1 },
	} {
		f := good
		change(&f)
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
