package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Two pixels, red-ish and blue-ish, as P6.
const handPPM = "P6\n# by hand\n2 1\n255\n\xc8\x0a\x14\x01\x02\xff"

func TestDecodePPM(t *testing.T) {
	two := &image.RGBA{Pix: []uint8{200, 10, 20, 255, 1, 2, 255, 255}, Stride: 8, Rect: image.Rect(0, 0, 2, 1)}
	one := &image.RGBA{Pix: []uint8("\n #\xff"), Stride: 4, Rect: image.Rect(0, 0, 1, 1)}
	for _, c := range []struct {
		name, file string
		want       image.Image
	}{
		{"by hand", handPPM, two},
		{"one line", "P6 2 1 255 \xc8\x0a\x14\x01\x02\xff", two},
		{"more after the pixels", handPPM + "\n", two},
		{"white space as first pixel", "P6\n1 1\n255\n\n #", one},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.file),
			iotest.OneByteReader(strings.NewReader(c.file))} {
			img, err := Decode(r)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if !sameImage(img, c.want) {
				t.Errorf("%s: %T %v, want %T %v", c.name, img, img, c.want, c.want)
			}
		}
	}
}

// sameImage reports whether two images have the same bounds, colour model and pixels.
func sameImage(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() || a.ColorModel() != b.ColorModel() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}

// sample is a picture of w x h different pixels.
func sample(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(20 * x), uint8(30 * y), uint8(7 * (x + y)), 255})
		}
	}
	return img
}

func pngFile(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngHeader is the start of a PNG file that says it has w x h grey pixels.
func pngHeader(w, h uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 0, 0, 0, 0)
	file := binary.BigEndian.AppendUint32([]byte(pngMagic), 13)
	file = append(file, chunk...)
	return append(file, pngSum(chunk)...)
}

// pngSum is the checksum of a chunk's name and content.
func pngSum(chunk []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(chunk))
}

// jpegHeader is the start of a JPEG file that says it has w x h grey pixels, after the
// given number of comments of 64 KiB.
func jpegHeader(w, h uint16, comments int) []byte {
	file := []byte(jpegMagic)
	for range comments {
		file = append(file, 0xff, 0xfe, 0xff, 0xff)
		file = append(file, make([]byte, 0xffff-2)...)
	}
	file = append(file, 0xff, 0xc0, 0, 11, 8)
	file = binary.BigEndian.AppendUint16(file, h)
	file = binary.BigEndian.AppendUint16(file, w)
	file = append(file, 1, 1, 0x11, 0)
	return append(file, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0) // start of the scan
}

func TestDecodePNGAndJPEG(t *testing.T) {
	img := sample(9, 5)
	opaque := image.NewRGBA(img.Rect) // what image/png makes of opaque pictures
	copy(opaque.Pix, img.Pix)
	for _, tail := range []string{"", "and more"} {
		file := append(pngFile(t, img), tail...)
		if got, err := Decode(bytes.NewReader(file)); err != nil || !sameImage(got, opaque) {
			t.Errorf("PNG with tail %q: %v, %v", tail, got, err)
		}
		file = append(jpegFile(t, img), tail...)
		got, err := Decode(bytes.NewReader(file))
		if err != nil || got.Bounds() != img.Rect {
			t.Fatalf("JPEG with tail %q: %v, %v", tail, got, err)
		}
		// JPEG loses a little; brightness the least.
		want, luma := Luma(img), Luma(got)
		for i, v := range luma.Pix {
			if d := int(v) - int(want.Pix[i]); d < -8 || d > 8 {
				t.Errorf("JPEG: luma %d is %d, want about %d", i, v, want.Pix[i])
			}
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	pngWhole, jpegWhole := string(pngFile(t, sample(9, 5))), string(jpegFile(t, sample(9, 5)))
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "found no data"},
		{"other format", "GIF89a\x01\x00\x01\x00",
			`expected binary PPM (P6), PNG or JPEG, found a file that starts with "GIF89a`},
		{"one byte", "P", `starts with "P"`},
		{"plain PPM", "P3 1 1 255 1 2 3", `starts with "P3 1 1 2"`},
		{"bitmap", "P4 1 1 1", "expected binary PPM (P6)"},
		{"PGM", "P5 1 1 255 A", "expected binary PPM (P6)"},
		{"magic only", "P6", "PPM: header"},
		{"no space after magic", "P62 1 255 abcdef", "PPM: header"},
		{"header cut", "P6 2 1", "PPM: header"},
		{"header cut after maximum", "P6 2 1 255", "PPM: header"},
		{"no white space after maximum", "P6 1 1 255abc", "PPM: header"},
		{"cut in a comment", "P6 # no end of the line", "PPM: header"},
		{"comment without end", "P6 # " + strings.Repeat("x", 1<<20), "PPM: header"},
		{"not a number", "P6 x 1 255\n", "PPM: header"},
		{"negative", "P6 -2 1 255\n", "PPM: header"},
		{"no width", "P6 0 1 255\n", "PPM: expected 1 to 67108864 pixels in all, found 0x1"},
		{"no height", "P6 7 0 255\n", "PPM: expected 1 to 67108864 pixels in all, found 7x0"},
		{"huge", "P6 67108865 1 255\nabc", "found 67108865x1"},
		{"huge, with large sides", "P6 8192 8193 255\nabc", "found 8192x8193"},
		{"large, but not too large", "P6 8192 8192 255\nabc", "pixels: truncated"},
		{"huge product", "P6 4000000000 4000000000 255\n", "found 4000000000x4000000000"},
		{"beyond 64 bits", "P6 1 99999999999999999999 255\n", "PPM: header"},
		{"maximum 0", "P6 1 1 0\nabc", "PPM: header: maximum: expected 255, found 0"},
		{"maximum 65535", "P6 1 1 65535\nabcdef", "PPM: header: maximum: expected 255, found 65535"},
		{"no pixels", "P6 2 2 255\n", "PPM of 2x2: pixels: truncated"},
		{"pixels cut", handPPM[:len(handPPM)-1], "PPM of 2x1: pixels: truncated"},
		{"PNG magic only", pngMagic, "PNG: header: unexpected EOF"},
		{"PNG magic cut", pngMagic[:7], "expected binary PPM"},
		{"PNG header cut", pngWhole[:20], "PNG: header: unexpected EOF"},
		{"PNG header only", string(pngHeader(2, 2)), "PNG of 2x2: unexpected EOF"},
		{"PNG cut", pngWhole[:len(pngWhole)-20], "PNG of 9x5"},
		{"PNG damaged", strings.Replace(pngWhole, "IDAT", "IDAU", 1), "PNG of 9x5"},
		{"PNG without width", string(pngHeader(0, 2)), "PNG: header"},
		{"PNG huge", string(pngHeader(1<<26+1, 1)),
			"PNG: expected 1 to 67108864 pixels in all, found 67108865x1"},
		{"JPEG magic only", jpegMagic, "JPEG: header: unexpected EOF"},
		{"JPEG cut", jpegWhole[:len(jpegWhole)-20], "JPEG of 9x5"},
		{"JPEG header only", string(jpegHeader(2, 2, 0)), "JPEG of 2x2: "},
		{"JPEG without height", string(jpegHeader(2, 0, 0)), "JPEG: "},
		{"JPEG huge", string(jpegHeader(65535, 65535, 0)),
			"JPEG: expected 1 to 67108864 pixels in all, found 65535x65535"},
		{"JPEG with a long preface", string(jpegHeader(65535, 65535, 20)),
			"JPEG: expected 1 to 67108864 pixels in all, found 65535x65535"},
	} {
		img, err := Decode(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, error %v, want one with %q", c.name, img, err, c.want)
		}
	}
}

// Every way to cut a file short is an error, or gives the whole picture.
func TestDecodeCut(t *testing.T) {
	img := sample(9, 5)
	for name, file := range map[string][]byte{
		"PPM": []byte(handPPM), "PNG": pngFile(t, img), "JPEG": jpegFile(t, img),
	} {
		whole, err := Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range file {
			if got, err := Decode(bytes.NewReader(file[:n])); err == nil && !sameImage(got, whole) {
				t.Errorf("%s cut to %d bytes: no error", name, n)
			}
		}
	}
}

func TestDecodeReadError(t *testing.T) {
	for _, file := range []string{"", "P6", handPPM[:20], handPPM[:25], handPPM,
		string(pngFile(t, sample(9, 5)))[:50]} {
		r := io.MultiReader(strings.NewReader(file), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := Decode(r); err == nil || !strings.Contains(err.Error(), io.ErrClosedPipe.Error()) {
			t.Errorf("after %q: error %v, want %v", file, err, io.ErrClosedPipe)
		}
	}
}

// FuzzDecode checks that what Decode accepts is a picture within bounds, whose luma can
// be computed both ways.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(handPPM))
	f.Add([]byte("P6 1 2 255\nABCDEF"))
	f.Add([]byte("P6 # no end of the line"))
	f.Add([]byte("P6 4000000000 4000000000 255\n"))
	f.Add(pngFile(f, sample(3, 2)))
	f.Add(pngFile(f, &image.Paletted{Pix: []uint8{0, 1, 1}, Stride: 3, Rect: image.Rect(0, 0, 3, 1),
		Palette: color.Palette{color.NRGBA{9, 8, 7, 255}, color.NRGBA{200, 100, 50, 20}}}))
	f.Add(pngHeader(5, 5))
	f.Add(jpegFile(f, sample(3, 2)))
	f.Add(jpegHeader(5, 5, 0))
	f.Add(withEXIF(jpegFile(f, sample(3, 2)), exifOf(binary.BigEndian, 6)))
	f.Add(withEXIF(pngFile(f, sample(3, 2)), exifOf(binary.LittleEndian, 8)))
	f.Fuzz(func(t *testing.T, file []byte) {
		const pixels = 64 * 64
		img, err := decode(file, pixels)
		if err != nil {
			return
		}
		b := img.Bounds()
		if b.Empty() || b.Dx()*b.Dy() > pixels || b.Min != (image.Point{}) {
			t.Fatalf("bounds %v", b)
		}
		g := Luma(img)
		if g.Rect.Size() != b.Size() || len(g.Pix) != b.Dx()*b.Dy() {
			t.Fatalf("luma of %v has bounds %v, %d values", b, g.Rect, len(g.Pix))
		}
		part, err := Crop(img, b)
		if err != nil || !slices.Equal(Luma(part).Pix, g.Pix) {
			t.Fatalf("crop to the whole: %v", err)
		}
		if _, ok := img.(*image.YCbCr); ok {
			return // luma as stored, not as computed from RGB
		}
		if slow := Luma(window{img, b}); !slices.Equal(slow.Pix, g.Pix) {
			t.Fatalf("luma of %T: %v, pixel by pixel %v", img, g.Pix, slow.Pix)
		}
	})
}
