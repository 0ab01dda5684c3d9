package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"
	"testing"
)

// exifOf is EXIF data of two entries, of which the second is an orientation.
func exifOf(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("II*\x00")
	if order.String() == binary.BigEndian.String() {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 10) // where the directory begins
	b = append(b, 0, 0)
	b = order.AppendUint16(b, 2)
	for _, e := range [][2]uint16{{0x0100, 3}, {0x0112, orientation}} {
		b = order.AppendUint16(b, e[0])
		b = order.AppendUint16(b, 3) // unsigned, 16 bits
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e[1])
		b = append(b, 0, 0)
	}
	return order.AppendUint32(b, 0) // no other directory
}

// withEXIF puts EXIF data into a PNG file, or behind another segment of the kind into a JPEG file.
func withEXIF(file, exif []byte) []byte {
	if bytes.HasPrefix(file, []byte(pngMagic)) {
		const header = 8 + 25
		chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)))
		chunk = append(append(chunk, "eXIf"...), exif...)
		chunk = append(chunk, pngSum(chunk[4:])...)
		return slices.Concat(file[:header], chunk, file[header:])
	}
	b := append([]byte(jpegMagic), "\xff\xe1\x00\x06http"...)
	b = append(b, 0xff, 0xe1)
	b = binary.BigEndian.AppendUint16(b, uint16(2+6+len(exif)))
	return slices.Concat(b, []byte("Exif\x00\x00"), exif, file[2:])
}

// The same picture, stored in each way: a camera that is held so stores it so.
func TestOrientation(t *testing.T) {
	const want = "123456" // 3 x 2
	for i, stored := range []string{"123456", "321654", "654321", "456123",
		"142536", "362514", "635241", "415263"} {
		size := image.Rect(0, 0, 3, 2)
		if i >= 4 {
			size = image.Rect(0, 0, 2, 3)
		}
		file := pngFile(t, &image.Gray{Pix: []uint8(stored), Stride: size.Dx(), Rect: size})
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			img, err := Decode(bytes.NewReader(withEXIF(file, exifOf(order, uint16(i+1)))))
			if err != nil {
				t.Fatalf("orientation %d: %v", i+1, err)
			}
			if g := Luma(img); g.Rect != image.Rect(0, 0, 3, 2) || string(g.Pix) != want {
				t.Errorf("orientation %d, %v: %v %q, want %q", i+1, order, g.Rect, g.Pix, want)
			}
		}
	}
}

func TestOrientationOfJPEG(t *testing.T) {
	file := jpegFile(t, sample(9, 5))
	plain, err := Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	upright := Luma(plain).Pix
	for _, c := range []struct {
		name   string
		exif   []byte
		turned bool
	}{
		{"upside down", exifOf(binary.BigEndian, 3), true},
		{"upright", exifOf(binary.BigEndian, 1), false},
		{"no such orientation", exifOf(binary.BigEndian, 9), false},
		{"empty", nil, false},
		{"no EXIF data", []byte("something else"), false},
		{"directory beyond the end", []byte("II*\x00\xff\xff\xff\xff"), false},
		{"cut", exifOf(binary.LittleEndian, 3)[:30], false},
	} {
		img, err := Decode(bytes.NewReader(withEXIF(file, c.exif)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := slices.Clone(upright)
		if c.turned {
			slices.Reverse(want)
		}
		if got := Luma(img); !slices.Equal(got.Pix, want) {
			t.Errorf("%s: %v, want %v", c.name, got.Pix, want)
		}
	}
}
