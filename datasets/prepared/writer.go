package prepared

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Writer writes a set, sample after sample. It is not safe for concurrent use.
type Writer struct {
	dir, temp string // where the set will be, and where it is until then
	layout    Layout
	file      *os.File
	values    *bufio.Writer
	sum       hash.Hash32 // of the values
	buffer    []byte
	samples   []Sample
	moments   []float64
}

// Create begins a set that will be the directory dir. Its parent is made if need be.
// After Create the caller calls Commit or Discard.
func Create(dir string, l Layout) (*Writer, error) {
	if err := l.validate(); err != nil {
		return nil, fmt.Errorf("prepared set %s: %w", dir, err)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(parent, temporary+"*")
	if err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, temp: temp, layout: l}
	err = os.Chmod(temp, 0o755) // caches can be shared
	if err == nil {
		w.file, err = os.Create(filepath.Join(temp, valuesFile))
	}
	if err != nil {
		w.Discard()
		return nil, err
	}
	w.sum = crc32.New(castagnoli)
	w.values = bufio.NewWriterSize(io.MultiWriter(w.file, w.sum), 1<<20)
	return w, nil
}

// Samples returns what is known of the samples so far, in the order in which they were
// added. It can be changed until Commit, as when an archive has the list of test
// samples after the samples.
func (w *Writer) Samples() []Sample { return w.samples }

// Add adds a sample and its values, []byte or []float32 as the layout has it. A value that
// is not finite is an error: no network learns from it.
func (w *Writer) Add(s Sample, values any) error {
	if v, ok := values.([]byte); ok {
		return add(w, s, v, w.layout.Bytes, 255)
	}
	v, _ := values.([]float32)
	return add(w, s, v, !w.layout.Bytes, 1)
}

// add adds a sample whose values are of the layout's type, and the moments of its values
// divided by unit.
func add[T byte | float32](w *Writer, s Sample, v []T, fits bool, unit float64) (err error) {
	if !fits || len(v) != w.layout.Size {
		return fmt.Errorf("sample %s: %d values of type %T for the layout %+v", s.Name, len(v), v, w.layout)
	}
	for i, x := range v {
		if x-x != 0 { // NaN or infinite
			return fmt.Errorf("sample %s: value %d is %v: expected a finite number", s.Name, i, x)
		}
	}
	if n, period := len(w.moments), w.layout.Period; period > 0 {
		w.moments = slices.Grow(w.moments, 2*period)[:n+2*period]
		m := w.moments[n:]
		clear(m)
		for i, x := range v {
			x := float64(x) / unit
			m[i%period*2] += x
			m[i%period*2+1] += x * x
		}
	}
	if w.buffer, err = binary.Append(w.buffer[:0], binary.NativeEndian, v); err != nil {
		return err
	}
	w.samples = append(w.samples, s)
	_, err = w.values.Write(w.buffer)
	return err
}

// Commit completes the set; meta is stored with it as JSON. Another process may have
// made the same set meanwhile: then that one stays.
func (w *Writer) Commit(meta any) error {
	defer w.Discard()
	if len(w.samples) == 0 {
		return errors.New("a prepared set without samples")
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	file := w.file
	w.file = nil
	if err := errors.Join(w.values.Flush(), file.Sync(), file.Close()); err != nil {
		return err
	}
	set, err := w.encode(text)
	if err != nil {
		return err
	}
	path := filepath.Join(w.temp, setFile)
	if err := os.WriteFile(path, set, 0o644); err != nil {
		return err
	}
	if err := errors.Join(syncFile(path), syncFile(w.temp)); err != nil {
		return err
	}
	return w.rename()
}

// encode returns the content of the file set. Moments follow the values' order, the
// index the names'.
func (w *Writer) encode(meta json.RawMessage) ([]byte, error) {
	order := make([]int, len(w.samples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return strings.Compare(w.samples[a].Name, w.samples[b].Name)
	})
	// Names get numbers from 0 up; the empty name has -1.
	number := func(seen map[string]int32, name string) int32 {
		if name == "" {
			return -1
		}
		if _, ok := seen[name]; !ok {
			seen[name] = int32(len(seen))
		}
		return seen[name]
	}
	groups, clips := map[string]int32{}, map[string]int32{}
	var index []int32
	for _, row := range order {
		s := w.samples[row]
		index = append(index, int32(row), s.Label, int32(s.Part), number(groups, s.Group),
			number(clips, s.Clip))
	}
	b, err := json.Marshal(head{format, w.layout, len(order), w.sum.Sum32(), meta})
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for _, numbers := range []any{index, w.moments} {
		if b, err = binary.Append(b, binary.NativeEndian, numbers); err != nil {
			return nil, err
		}
	}
	return seal(b), nil
}

// rename puts the set in its place. What is there already and is no set, damaged or of
// another format, is moved away first; another process may be doing the same.
func (w *Writer) rename() error {
	const attempts = 20
	var err error
	for i := range attempts {
		if err = os.Rename(w.temp, w.dir); err == nil {
			return syncFile(filepath.Dir(w.dir))
		}
		if _, openErr := Open(w.dir); openErr == nil {
			return nil
		}
		away := fmt.Sprintf("%s-away-%d", w.temp, i)
		if os.Rename(w.dir, away) == nil {
			os.RemoveAll(away)
		}
	}
	return err
}

// syncFile makes sure that a closed file or a directory's entries are on disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Discard removes what was written, unless it was committed.
func (w *Writer) Discard() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	os.RemoveAll(w.temp)
}
