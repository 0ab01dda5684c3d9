package download

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// State is what is known of the file at a place.
type State int

const (
	Missing  State = iota
	Wrong          // its size or sums are not what they should be
	Present        // its sums were not looked at
	Verified       // its size and sums are the published ones
	Recorded       // none are published, and its sum is still the first one
	Accepted       // its size or sums are not the published ones, but were accepted
)

var stateNames = [...]string{"missing", "wrong", "present", "verified", "recorded", "accepted"}

func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return stateNames[s]
}

// Good reports whether a file in this state need not be fetched.
func (s State) Good() bool { return s >= Verified }

// Sums are checksums in hex.
type Sums struct {
	MD5    string `json:"md5,omitempty"` // empty if it was not asked for
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

func (s Status) result() Result {
	return Result{State: s.State, Size: s.Size, Sums: s.Sums}
}

// Stat says what is at f.Path without reading the file: it goes by its size and by
// the record of an earlier check. It is an error if it is not a regular file or
// cannot be looked at.
func Stat(f File) (Status, error) {
	s, _, err := look(f)
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	return s, nil
}

// Check is like Stat, but reads a file that Stat finds Present, and records what it
// finds. So the state is never Present. Progress may be nil.
func Check(ctx context.Context, f File, progress func(Event)) (Status, error) {
	if progress == nil {
		progress = func(Event) {}
	}
	s, err := check(ctx, f, progress)
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	return s, nil
}

// look is Stat, with the record if there is one.
func look(f File) (s Status, rec *record, err error) {
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
	case rec != nil && rec.of(info) && (f.MD5 == "" || rec.MD5 != ""):
		s.State, s.Why = judge(f, s.Size, rec.Sums, rec)
		s.Sums = rec.Sums
	case f.Size > 0 && s.Size != f.Size && (rec == nil || !rec.Accepted):
		s.State, s.Why = Wrong, sizeMismatch(f.Size, s.Size)
	default:
		s.State = Present
	}
	return s, rec, nil
}

// check is Check without the file's name in errors.
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
	info, err := file.Stat()
	if err != nil {
		return s, err
	}
	if s.Sums, err = sumOf(ctx, file, info.Size(), f.MD5 != "", progress); err != nil {
		return s, err
	}
	s.Size = info.Size()
	if s.State, s.Why = judge(f, s.Size, s.Sums, rec); s.State == Wrong && f.Accept {
		s.State, s.Why = Accepted, nil
	}
	if s.State.Good() {
		return s, writeRecord(f.Path, newRecord(info, s.Sums, s.State == Accepted))
	}
	return s, nil
}

// judge compares a file's size and sums with the published ones or, where there are
// none, with those of an earlier record, which may be nil.
func judge(f File, size int64, sums Sums, rec *record) (State, error) {
	err := f.compare(size, sums)
	published := f.MD5 != "" || f.SHA256 != ""
	switch {
	case err == nil && published:
		return Verified, nil
	case rec != nil && rec.Accepted && rec.SHA256 == sums.SHA256:
		return Accepted, nil
	case err != nil:
		return Wrong, err
	case rec != nil && rec.SHA256 != sums.SHA256:
		return Wrong, &MismatchError{"sha256", rec.SHA256, sums.SHA256}
	}
	return Recorded, nil
}

// compare returns a *MismatchError for the first of f's size and sums that differs.
func (f File) compare(size int64, sums Sums) error {
	switch {
	case f.Size > 0 && size != f.Size:
		return sizeMismatch(f.Size, size)
	case f.MD5 != "" && !strings.EqualFold(f.MD5, sums.MD5):
		return &MismatchError{"md5", strings.ToLower(f.MD5), sums.MD5}
	case f.SHA256 != "" && !strings.EqualFold(f.SHA256, sums.SHA256):
		return &MismatchError{"sha256", strings.ToLower(f.SHA256), sums.SHA256}
	}
	return nil
}

func sizeMismatch(want, got int64) *MismatchError {
	return &MismatchError{"size", strconv.FormatInt(want, 10), strconv.FormatInt(got, 10)}
}

// sumOf hashes the first size bytes of r. The sum of md5 is only made if asked for.
func sumOf(ctx context.Context, r io.ReaderAt, size int64, withMD5 bool, progress func(Event)) (Sums, error) {
	hashes := []hash.Hash{sha256.New()}
	if withMD5 {
		hashes = append(hashes, md5.New())
	}
	b := make([]byte, 1<<20)
	for done := int64(0); done < size; {
		if err := ctx.Err(); err != nil {
			return Sums{}, err
		}
		progress(Event{Stage: Checking, Done: done, Size: size})
		n, err := r.ReadAt(b[:min(int64(len(b)), size-done)], done)
		if n == 0 && err != nil {
			if err == io.EOF {
				err = fmt.Errorf("%d bytes, now only %d: %w", size, done, io.ErrUnexpectedEOF)
			}
			return Sums{}, err
		}
		for _, h := range hashes {
			h.Write(b[:n])
		}
		done += int64(n)
	}
	progress(Event{Stage: Checking, Done: size, Size: size})
	sums := Sums{SHA256: hex.EncodeToString(hashes[0].Sum(nil))}
	if withMD5 {
		sums.MD5 = hex.EncodeToString(hashes[1].Sum(nil))
	}
	return sums, nil
}
