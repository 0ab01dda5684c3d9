package mat5

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// Files that scipy 1.17 wrote:
//
//	X = np.arange(24, dtype=np.uint8).reshape(2, 2, 3, 2, order='F')
//	y = np.array([[10.], [3.]])
//	scipy.io.savemat(plain, {'X': X, 'y': y})
//	scipy.io.savemat(compressed, {'X': X, 'y': y}, do_compression=True)
//	c = np.empty((1, 2), object); c[0, 0] = 1.0; c[0, 1] = 'hi'
//	scipy.io.savemat(others, {'c': c, 's': {'f': 2.0}, 'text': 'abc',
//		'sp': scipy.sparse.csc_matrix(np.eye(2)), 'z': np.array([[1+2j]]),
//		'b': np.array([[True, False]]), 'e': np.zeros((0, 3)),
//		'i': np.array([[-3, 7]], np.int16), 'w': np.array([[2**40]], np.int64),
//		'v': np.array([[0.5, -1.5]], np.float32)}, do_compression=True)
const (
	scipyPlain = `
TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFR1ZSBOb3YgMjQgMjA6NDU6
MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0OAAAA
UAAAAAYAAAAIAAAACQAAAAAAAAAFAAAAEAAAAAIAAAACAAAAAwAAAAIAAAABAAEAWAAAAAIAAAAYAAAAAAECAwQF
BgcICQoLDA0ODxAREhMUFRYXDgAAAEAAAAAGAAAACAAAAAYAAAAAAAAABQAAAAgAAAACAAAAAQAAAAEAAQB5AAAA
CQAAABAAAAAAAAAAAAAkQAAAAAAAAAhA`
	scipyCompressed = `
TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFR1ZSBOb3YgMjQgMjA6NDU6
MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAA
QAAAAHic42NgYAgAYjYg5gBiTgYIYAViASBmgmJmKM0IhBFQtgRIISMTMwsrGzsHJxc3Dy8fv4CgkLCIqJg4AEV6
AhwPAAAALQAAAHic42NgYHAAYjYg5oDSIMAK5TMBMSMYMzJUAmlOIBZggAEVBwjN4QAAMDYBsw==`
	scipyOthers = `
TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFR1ZSBOb3YgMjQgMjA6NDU6
MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAA
RAAAAHic42NgYFgAxGxAzAHEjAwQwIrEZwLTjAzJQJoPiC2Q1LNhUc+IZA4nVBwCPtiD9Bsg6WfBaR8ECAB5GZkM
DAA/owQhDwAAADkAAAB4nONjYGCoAGI2IOYAYiYGCGCF8hnhmJGhGCzOAlbDCCTTgDQfEFsg6WfDqR8COKHiUOAA
AKymAkoPAAAAKwAAAHic42NgYDAAYjYg5gBiFgYIYIXyGYGYGUyzMJSkVpQIAHmJSckMACjRA2UPAAAANwAAAHic
42NgYMgAYjYg5gBiViBmgtIcUDYIMwLJ4gKEOANYDMLnQeIzQdmcQCzAAAMf7GE0AJNeBBwPAAAAKwAAAHic42Ng
YPAAYjYg5gDRIAIIWKF8RjhmZKgC0pxQcQj4YI/KZ3AAAE4hAo8PAAAAJwAAAHic42NgYDAAYjYg5gBiTiYGMGCF
8hmBmAlMMzIkgdlMYDEAF9QA0Q8AAAAkAAAAeJzjY2BgMABiNiDmgNIgwArlgwAzEDMCYSqQ5oSKAQAXVgDTDwAA
ACsAAAB4nONjYGAwAGI2IOYAYi4GCGCF8hmBmAlMMzJkAmlmBhaGv//ZGQAfEQLcDwAAACcAAAB4nONjYGCwAGI2
IOYAYj4GCGCF8hnhmJGhHEjzQMXBACgBACMxAQAPAAAALAAAAHic42NgYLAAYjYg5gBidgYIYIXyGYGYCUwzMpRB
5TkgSuwZGA7sBwAlEAKx`
)

func TestScipy(t *testing.T) {
	x := variable{"X", "uint8", []int{2, 2, 3, 2}, nil}
	for i := range 24 {
		x.values = append(x.values, float64(i))
	}
	y := variable{"y", "double", []int{2, 1}, []float64{10, 3}}
	for name, c := range map[string]struct {
		file string
		want []variable
	}{
		"plain":      {scipyPlain, []variable{x, y}},
		"compressed": {scipyCompressed, []variable{x, y}},
		"others": {scipyOthers, []variable{
			{"c", "cell", []int{1, 2}, nil},
			{"s", "struct", []int{1, 1}, nil},
			{"text", "char", []int{1, 3}, nil},
			{"sp", "sparse", []int{2, 2}, nil},
			{"z", "complex double", []int{1, 1}, nil},
			{"b", "uint8", []int{1, 2}, []float64{1, 0}},
			{"e", "double", []int{0, 3}, []float64{}},
			{"i", "int16", []int{1, 2}, []float64{-3, 7}},
			{"w", "int64", []int{1, 1}, []float64{1 << 40}},
			{"v", "single", []int{1, 2}, []float64{0.5, -1.5}},
		}},
	} {
		file, err := base64.StdEncoding.DecodeString(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(bytes.NewReader(file)); err != nil || !sameVariables(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}
