package mat5

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/adler32"
	"slices"
	"testing"
	"testing/iotest"
)

// FuzzReader checks that whatever comes out of a file is in itself consistent and does
// not depend on how it was read. Damaged compressed data seldom get past their checksum;
// so each input is also read as what compressed data unfold to.
func FuzzReader(f *testing.F) {
	for _, text := range []string{scipyPlain, scipyCompressed, scipyOthers} {
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	for _, b := range []builder{little, big} {
		y := b.matrix(uint32(Double), []int32{3, 1}, "y", b.small(typeUint8, 10, 1, 9))
		v := b.matrix(uint32(Single), []int32{1, 2}, "v",
			b.element(typeSingle, b.stored(typeSingle, 1, -2)...))
		f.Add(b.file(y, b.compressed(v), v))
		f.Add(y)
		f.Add(v)
	}
	f.Add(little.matrix(uint32(Uint8), []int32{0, 1 << 30}, "", little.small(typeUint8)))
	f.Fuzz(func(t *testing.T, input []byte) {
		check(t, input)
		check(t, little.file(little.raw(typeCompressed, wrap(input)...)))
		check(t, big.file(big.raw(typeCompressed, wrap(input)...)))
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
	r, err := NewReader(bytes.NewReader(file), limit)
	if err != nil {
		return
	}
	slow, err := NewReader(iotest.OneByteReader(bytes.NewReader(file)), limit)
	if err != nil {
		t.Fatalf("byte by byte: %v", err)
	}
	for {
		a, err := r.Next()
		b, slowErr := slow.Next()
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("Next: %v, byte by byte %v", err, slowErr)
		}
		if err != nil {
			if _, again := r.Next(); again != err {
				t.Fatalf("Next: %v, then %v", err, again)
			}
			return
		}
		n := a.Len()
		if !a.Readable() {
			if n != 0 || a.stored != 0 || a.Float64s(nil) == nil {
				t.Fatalf("%+v: %d values", a, n)
			}
			continue
		}
		want := 1
		for _, d := range a.Dims {
			want *= d
		}
		if n != want || n*storages[a.stored].size > limit || len(a.Dims) < 2 {
			t.Fatalf("%q: dimensions %v of %v, %d values", a.Name, a.Dims, a.stored, n)
		}
		values, again := make([]float64, n), make([]float64, n)
		err, slowErr = a.Float64s(values), nil
		for i := range again {
			if slowErr == nil {
				slowErr = b.Float64s(again[i : i+1])
			}
		}
		if n == 0 {
			slowErr = b.Float64s(nil)
		}
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("%q: %v, byte by byte %v", a.Name, err, slowErr)
		}
		for i, v := range again {
			if err == nil && v != values[i] && (v == v || values[i] == values[i]) {
				t.Fatalf("%q: value %d is %v, byte by byte %v", a.Name, i, v, values[i])
			}
		}
	}
}
