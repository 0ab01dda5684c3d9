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
	Accepted State = "accepted" // its size or sums are not the published ones, but were accepted
)

// Good reports whether a file in this state need not be fetched.
func (s State) Good() bool { return s == Verified || s == Accepted }

// Sums are checksums in hex.
type Sums struct {
	MD5    string `json:"md5"`
	SHA256 string `json:"sha256"`
}

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
	Sums  Sums  // if the state is Good
}

// Stat says what is at f.Path without reading the file: it goes by its size and by
// the record of an earlier check. It is an error if it is not a regular file or
// cannot be looked at.
func Stat(f File) (Status, error) {
	s, _, err := look(f)
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

// look is Stat, with the record if there is one and without the file's name in errors.
func look(f File) (s Status, rec *record, err error) {
	if f.MD5 == "" && f.SHA256 == "" {
		return s, nil, errors.New("no checksum is published")
	}
	s.State = Missing
	if info, err := os.Stat(partPath(f.Path)); err == nil {
		s.Part = info.Size()
	}
	rec = readRecord(f.Path)
	info, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, rec, nil
	}
	if err != nil {
		return s, nil, err
	}
	if !info.Mode().IsRegular() {
		return s, nil, fmt.Errorf("expected a regular file, found %s", info.Mode())
	}
	s.Size = info.Size()
	switch {
	case rec != nil && rec.Size == s.Size && rec.ModTime == info.ModTime().UnixNano():
		s.State, s.Why = f.judge(s.Size, rec.Sums, rec)
		s.Sums = rec.Sums
	case f.Size > 0 && s.Size != f.Size && (rec == nil || !rec.Accepted):
		s.State, s.Why = Wrong, sizeMismatch(f.Size, s.Size)
	default:
		s.State = Present
	}
	return s, rec, nil
}

func check(ctx context.Context, f File, progress func(Event)) (Status, error) {
	s, rec, err := look(f)
	if err != nil || s.State != Present && (s.State != Wrong || !f.Accept) {
		return s, err
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	return f.examine(ctx, file, s, rec, progress)
}

// examine hashes a file that is complete, and records it if it is good.
func (f File) examine(
	ctx context.Context, file *os.File, s Status, rec *record, progress func(Event),
) (Status, error) {
	info, err := file.Stat()
	if err != nil {
		return s, err
	}
	s.Size = info.Size()
	if s.Sums, err = sumOf(ctx, file, s.Size, progress); err != nil {
		return s, err
	}
	if s.State, s.Why = f.judge(s.Size, s.Sums, rec); s.State == Wrong && f.Accept {
		s.State, s.Why = Accepted, nil
	}
	if !s.State.Good() {
		return s, nil
	}
	now := record{s.Size, info.ModTime().UnixNano(), s.Sums, s.State == Accepted}
	text, err := json.MarshalIndent(now, "", "\t")
	if err == nil {
		err = files.WritePath(recordPath(f.Path), append(text, '\n'))
	}
	if err != nil {
		err = fmt.Errorf("write %s: %w", recordPath(f.Path), err)
	}
	return s, err
}

// judge compares a file's size and sums with the published ones or, if they differ, with
// those that were accepted before; the record of that may be nil.
func (f File) judge(size int64, sums Sums, rec *record) (State, error) {
	var err error
	switch {
	case f.Size > 0 && size != f.Size:
		err = sizeMismatch(f.Size, size)
	case f.MD5 != "" && !strings.EqualFold(f.MD5, sums.MD5):
		err = &MismatchError{"md5", strings.ToLower(f.MD5), sums.MD5}
	case f.SHA256 != "" && !strings.EqualFold(f.SHA256, sums.SHA256):
		err = &MismatchError{"sha256", strings.ToLower(f.SHA256), sums.SHA256}
	default:
		return Verified, nil
	}
	if rec != nil && rec.Accepted && rec.SHA256 == sums.SHA256 {
		return Accepted, nil
	}
	return Wrong, err
}

func sizeMismatch(want, got int64) *MismatchError {
	return &MismatchError{"size", strconv.FormatInt(want, 10), strconv.FormatInt(got, 10)}
}

// sumOf hashes the first size bytes of r.
func sumOf(ctx context.Context, r io.ReaderAt, size int64, progress func(Event)) (Sums, error) {
	m, s := md5.New(), sha256.New()
	from, to := io.NewSectionReader(r, 0, size), io.MultiWriter(m, s)
	for done := int64(0); done < size; {
		if err := ctx.Err(); err != nil {
			return Sums{}, err
		}
		progress(Event{Stage: Checking, Done: done, Size: size})
		n, err := io.CopyN(to, from, min(1<<20, size-done))
		if err == io.EOF {
			err = fmt.Errorf("now shorter than %d bytes: %w", size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return Sums{}, err
		}
		done += n
	}
	progress(Event{Stage: Checking, Done: size, Size: size})
	return Sums{MD5: hex.EncodeToString(m.Sum(nil)), SHA256: hex.EncodeToString(s.Sum(nil))}, nil
}

// record is what an earlier check found, in .NAME.sum. It speaks of the file as long
// as that has the size and time of then. A change that leaves both as they were
// goes unseen; that is the price of not reading gigabytes at each start.
type record struct {
	Size    int64 `json:"size"`
	ModTime int64 `json:"modTime"` // in nanoseconds since 1970
	Sums
	Accepted bool `json:"accepted,omitempty"` // although not what is published
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
