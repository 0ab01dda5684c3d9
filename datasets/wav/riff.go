package wav

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// unknownSize stands for the size of a data chunk that reaches to the end of the file.
const unknownSize = -1

// unset is what programs that cannot seek back leave in a size field, or 0.
const unset = math.MaxUint32

// readHeader reads up to the first sample. It returns the format and the size of the
// samples in bytes.
//
// The chunks are walked here rather than by github.com/go-audio/wav, which rounds odd
// sizes up, hides the extension of the fmt chunk, and allocates whatever size a
// header claims.
func readHeader(r io.Reader) (f format, size int64, err error) {
	var head [12]byte
	if err := readFull(r, head[:], "RIFF header"); err != nil {
		return f, 0, err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return f, 0, fmt.Errorf("%w: starts with %q and %q, not RIFF and WAVE", ErrFormat, head[:4], head[8:])
	}
	fileSize := binary.LittleEndian.Uint32(head[4:])
	haveFormat := false
	for {
		var chunk [8]byte
		if err := readFull(r, chunk[:], "list of chunks, before the samples"); err != nil {
			return f, 0, err
		}
		size := binary.LittleEndian.Uint32(chunk[4:])
		switch id := string(chunk[:4]); id {
		case "fmt ":
			if f, err = readFormat(r, size); err != nil {
				return f, 0, err
			}
			haveFormat = true
		case "data":
			if !haveFormat {
				return f, 0, fmt.Errorf("%w: samples without a format before them", ErrFormat)
			}
			if size == unset || size == 0 && (fileSize == 0 || fileSize == unset) {
				return f, unknownSize, nil
			}
			return f, int64(size), nil
		default:
			if err := skip(r, int64(size)+int64(size%2), id); err != nil {
				return f, 0, err
			}
		}
	}
}

// readFormat reads a fmt chunk of the given size, and the byte that pads it.
func readFormat(r io.Reader, size uint32) (format, error) {
	var b [40]byte // the extensible form; other encodings may need more, in vain
	n := min(size, uint32(len(b)))
	if err := readFull(r, b[:n], "format"); err != nil {
		return format{}, err
	}
	f, err := parseFormat(b[:n])
	if err != nil {
		return format{}, err
	}
	rest := int64(size-n) + int64(size%2)
	return f, skip(r, rest, "fmt ")
}

// readFull fills b. What is named in the error if r ends before.
func readFull(r io.Reader, b []byte, what string) error {
	switch _, err := io.ReadFull(r, b); err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return fmt.Errorf("%w: ends in the %s", ErrFormat, what)
	default:
		return fmt.Errorf("read %s: %w", what, err)
	}
}

// skip passes over the next n bytes, which belong to the chunk id.
func skip(r io.Reader, n int64, id string) error {
	switch _, err := io.CopyN(io.Discard, r, n); err {
	case nil:
		return nil
	case io.EOF:
		return fmt.Errorf("%w: ends in the chunk %q", ErrFormat, id)
	default:
		return fmt.Errorf("read chunk %q: %w", id, err)
	}
}
