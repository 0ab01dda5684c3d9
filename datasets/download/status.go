package download

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"weightsep/datasets/files"
)

// State is what is known of the file at a place.
type State string

const (
	Missing  State = "missing"
	Wrong    State = "wrong"    // its size or sums are not what they should be
	Present  State = "present"  // its sums were not looked at
	Verified State = "verified" // its size and sums are the published ones
)

// MismatchError reports bytes that are not those of the file.
type MismatchError struct {
	Kind      string // size, md5 or sha256
	Want, Got string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: expected %s, found %s", e.Kind, e.Want, e.Got)
}

// Status says what is at a file's place.
type Status struct {
	State State
	Size  int64 // bytes of the file
	Part  int64 // bytes of an unfinished download
	Why   error // what is wrong, if the state is Wrong
}

// Stat says what is at f.Path without reading the file: it goes by its size and by
// the record of an earlier check. It is an error if it is not a regular file or
// cannot be looked at.
func Stat(f File) (Status, error) {
	s, err := look(f)
	return s, named(f, err)
}

// Check is like Stat, but reads a file that Stat finds Present, and records what it
// finds. So the state is never Present.
func Check(ctx context.Context, f File, progress func(Event)) (Status, error) {
	s, err := check(ctx, f, progress)
	return s, named(f, err)
}

// named puts the file's name before an error, if it is one.
func named(f File, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", f.Path, err)
	}
	return err
}

// look is Stat, without the file's name in errors.
func look(f File) (s Status, err error) {
	if f.MD5 == "" && f.SHA256 == "" {
		return s, errors.New("no checksum is published")
	}
	s.State = Missing
	if info, err := os.Stat(partPath(f.Path)); err == nil {
		s.Part = info.Size()
	}
	info, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("expected a regular file, found %s", info.Mode())
	}
	s.Size = info.Size()
	rec := readRecord(f.Path)
	switch {
	case rec != nil && rec.Size == s.Size && rec.ModTime == info.ModTime().UnixNano():
		s.State, s.Why = f.compare(*rec)
	case f.Size > 0 && s.Size != f.Size:
		s.State, s.Why = Wrong, sizeMismatch(f.Size, s.Size)
	default:
		s.State = Present
	}
	return s, nil
}

func check(ctx context.Context, f File, progress func(Event)) (Status, error) {
	s, err := look(f)
	if err != nil || s.State != Present {
		return s, err
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	return f.examine(ctx, file, s, progress)
}

// examine hashes a file that is complete, and records it if it is right.
func (f File) examine(ctx context.Context, file *os.File, s Status, progress func(Event)) (Status, error) {
	info, err := file.Stat()
	if err != nil {
		return s, err
	}
	s.Size = info.Size()
	rec := record{Size: s.Size, ModTime: info.ModTime().UnixNano()}
	if rec.MD5, rec.SHA256, err = sumsOf(ctx, file, s.Size, progress); err != nil {
		return s, err
	}
	if s.State, s.Why = f.compare(rec); s.State == Wrong {
		return s, nil
	}
	text, err := json.MarshalIndent(rec, "", "\t")
	if err == nil {
		err = files.WritePath(recordPath(f.Path), append(text, '\n'))
	}
	if err != nil {
		err = fmt.Errorf("write %s: %w", recordPath(f.Path), err)
	}
	return s, err
}

// compare compares a file's size and sums with the published ones.
func (f File) compare(r record) (State, error) {
	switch {
	case f.Size > 0 && r.Size != f.Size:
		return Wrong, sizeMismatch(f.Size, r.Size)
	case f.MD5 != "" && !strings.EqualFold(f.MD5, r.MD5):
		return Wrong, &MismatchError{"md5", strings.ToLower(f.MD5), r.MD5}
	case f.SHA256 != "" && !strings.EqualFold(f.SHA256, r.SHA256):
		return Wrong, &MismatchError{"sha256", strings.ToLower(f.SHA256), r.SHA256}
	}
	return Verified, nil
}

func sizeMismatch(want, got int64) *MismatchError {
	return &MismatchError{"size", strconv.FormatInt(want, 10), strconv.FormatInt(got, 10)}
}

// sumsOf hashes the first size bytes of r.
func sumsOf(
	ctx context.Context, r io.ReaderAt, size int64, progress func(Event),
) (inMD5, inSHA256 string, err error) {
	m, s := md5.New(), sha256.New()
	from, to := io.NewSectionReader(r, 0, size), io.MultiWriter(m, s)
	for done := int64(0); done < size; {
		if err := ctx.Err(); err != nil {
			return "", "", err
		}
		progress(Event{Stage: Checking, Done: done, Size: size})
		n, err := io.CopyN(to, from, min(1<<20, size-done))
		if err == io.EOF {
			err = fmt.Errorf("now shorter than %d bytes: %w", size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return "", "", err
		}
		done += n
	}
	progress(Event{Stage: Checking, Done: size, Size: size})
	return hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(s.Sum(nil)), nil
}

// record is what an earlier check found, in .NAME.sum. It speaks of the file as long
// as that has the size and time of then. A change that leaves both as they were
// goes unseen; that is the price of not reading gigabytes at each start.
type record struct {
	Size    int64  `json:"size"`
	ModTime int64  `json:"modTime"` // in nanoseconds since 1970
	MD5     string `json:"md5"`
	SHA256  string `json:"sha256"`
}

// hidden is the path of a hidden file beside path, which is none of a dataset's files.
func hidden(path, suffix string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix)
}

func recordPath(path string) string { return hidden(path, ".sum") }

// readRecord returns nil if there is no record. One that cannot be read is none: the
// file is then hashed again.
func readRecord(path string) *record {
	var r record
	text, err := os.ReadFile(recordPath(path))
	if err != nil || json.Unmarshal(text, &r) != nil || r.SHA256 == "" || r.MD5 == "" {
		return nil
	}
	return &r
}
