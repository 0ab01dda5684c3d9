package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

func noEXIF([]byte) []byte { return nil }

// jpegEXIF returns the content of the segment APP1 of that name, which comes before the pixels.
func jpegEXIF(file []byte) []byte {
	const startOfScan, app1 = 0xda, 0xe1
	for rest := file[len(jpegMagic):]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != startOfScan; {
		end := min(2+int(binary.BigEndian.Uint16(rest[2:])), len(rest))
		exif, ok := bytes.CutPrefix(rest[min(4, end):end], []byte("Exif\x00\x00"))
		if ok && rest[1] == app1 {
			return exif
		}
		rest = rest[end:]
	}
	return nil
}

// pngEXIF returns the content of the chunk eXIf.
func pngEXIF(file []byte) []byte {
	for rest := file[len(pngMagic):]; len(rest) >= 8; {
		end := min(8+int64(binary.BigEndian.Uint32(rest)), int64(len(rest)))
		if string(rest[4:8]) == "eXIf" {
			return rest[8:end]
		}
		rest = rest[min(end+4, int64(len(rest))):] // after the checksum
	}
	return nil
}

// orientation returns the orientation in EXIF data, 1 to 8; 1, which is upright, if they have none.
func orientation(exif []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(exif, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(exif, []byte("MM\x00*")):
		order = binary.BigEndian
	}
	if order == nil || len(exif) < 8 {
		return 1
	}
	// A directory: the number of its entries, and these: tag, type, count and value.
	const entry, tag = 12, 0x0112
	dir := exif[min(int64(order.Uint32(exif[4:])), int64(len(exif))):]
	if len(dir) < 2 {
		return 1
	}
	n := int(order.Uint16(dir))
	for dir = dir[2:]; n > 0 && len(dir) >= entry; n, dir = n-1, dir[entry:] {
		if v := int(order.Uint16(dir[8:])); order.Uint16(dir) == tag && v >= 1 && v <= 8 {
			return v
		}
	}
	return 1
}

// turn returns the picture upright that is stored in one of the orientations of EXIF.
func turn(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	stored := Luma(img)
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	sideways := orientation >= 5
	out := image.NewGray(stored.Rect)
	if sideways {
		out = image.NewGray(image.Rect(0, 0, h, w))
	}
	for i := range out.Pix {
		x, y := i%out.Stride, i/out.Stride
		if sideways {
			x, y = y, x
		}
		switch orientation {
		case 2, 3, 7, 8: // from right to left
			x = w - 1 - x
		}
		switch orientation {
		case 3, 4, 6, 7: // from below
			y = h - 1 - y
		}
		out.Pix[i] = stored.Pix[y*w+x]
	}
	return out
}
