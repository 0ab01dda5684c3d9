package mat5

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/adler32"
	"slices"
	"testing"
)

// FuzzRead checks that whatever comes out of a file is in itself consistent. Damaged
// compressed data seldom get past their checksum; so each input is also read as what compressed
// data unfold to.
func FuzzRead(f *testing.F) {
	for _, text := range []string{scipyPlain, scipyCompressed, scipyOthers} {
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	y := matrix(Double, []int32{3, 1}, "y", small(typeUint8, 10, 1, 9))
	v := matrix(Single, []int32{1, 2}, "v", full(typeSingle, stored(typeSingle, 1, -2)...))
	f.Add(fileOf(y, compressed(v), v))
	f.Add(y)
	f.Add(v)
	f.Add(matrix(Uint8, []int32{0, 1 << 30}, "", small(typeUint8)))
	f.Fuzz(func(t *testing.T, input []byte) {
		check(t, input)
		check(t, fileOf(raw(typeCompressed, wrap(input)...)))
	})
}

// wrap puts data into zlib's format as they are, much faster than compressing them.
func wrap(data []byte) []byte {
	z := []byte{0x78, 0x01}
	for block := range slices.Chunk(data, 1<<16-1) {
		n := uint16(len(block))
		z = append(z, 0, byte(n), byte(n>>8), byte(^n), byte(^n>>8))
		z = append(z, block...)
	}
	z = append(z, 1, 0, 0, 0xff, 0xff) // the last block, empty
	return binary.BigEndian.AppendUint32(z, adler32.Checksum(data))
}

func check(t *testing.T, file []byte) {
	const limit = 4096
	arrays, err := Read(bytes.NewReader(file), limit)
	if err != nil && len(arrays) > 0 {
		t.Fatalf("%d arrays with the error %v", len(arrays), err)
	}
	for _, a := range arrays {
		if !a.Readable() {
			continue
		}
		want := 1
		for _, d := range a.Dims {
			want *= d
		}
		if n := a.Len(); n != want || n*a.size > limit || len(a.Dims) < 2 {
			t.Fatalf("%q: dimensions %v of %d bytes, %d values", a.Name, a.Dims, a.size, n)
		}
		for i := range want {
			a.At(i)
		}
	}
}
