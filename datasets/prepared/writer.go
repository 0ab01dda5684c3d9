package prepared

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
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
	buffer    []byte
	samples   []Sample
	moments   []float64
}

// Create begins a set that will be the directory dir. Its parent is made if need be.
// After Create the caller calls Commit or Discard.
func Create(dir string, l Layout) (*Writer, error) {
	if l.Size < 1 || l.Size > math.MaxInt32 || l.Period < 0 || l.Period > l.Size {
		return nil, fmt.Errorf("prepared set of %d values a sample, period %d", l.Size, l.Period)
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
	if err := os.Chmod(temp, 0o755); err != nil { // caches can be shared
		w.Discard()
		return nil, err
	}
	if w.file, err = os.Create(filepath.Join(temp, valuesFile)); err != nil {
		w.Discard()
		return nil, err
	}
	w.values = bufio.NewWriterSize(w.file, 1<<20)
	w.values.Write(make([]byte, headerSize)) // the number of samples is not known yet
	return w, nil
}

// Len returns the number of samples so far.
func (w *Writer) Len() int { return len(w.samples) }

// Samples returns what is known of the samples so far, in the order in which they were
// added. It can be changed until Commit, as when an archive has the list of test
// samples after the samples.
func (w *Writer) Samples() []Sample { return w.samples }

// AddBytes adds a sample of a layout of bytes.
func (w *Writer) AddBytes(s Sample, v []byte) error {
	if !w.layout.Bytes || len(v) != w.layout.Size {
		return fmt.Errorf("sample %s: %d bytes for the layout %+v", s.Name, len(v), w.layout)
	}
	if p := w.layout.Period; p > 0 {
		m := w.next(p)
		for i, b := range v {
			x := float64(b) / 255
			m[i%p*2] += x
			m[i%p*2+1] += x * x
		}
	}
	w.samples = append(w.samples, s)
	_, err := w.values.Write(v)
	return err
}

// AddFloats adds a sample of a layout of float32. A value that is not finite is an
// error: no network learns from it.
func (w *Writer) AddFloats(s Sample, v []float32) error {
	if w.layout.Bytes || len(v) != w.layout.Size {
		return fmt.Errorf("sample %s: %d floats for the layout %+v", s.Name, len(v), w.layout)
	}
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("sample %s: value %d is %v: expected a finite number", s.Name, i, x)
		}
	}
	if p := w.layout.Period; p > 0 {
		m := w.next(p)
		for i, x := range v {
			m[i%p*2] += float64(x)
			m[i%p*2+1] += float64(x) * float64(x)
		}
	}
	w.buffer = w.buffer[:0]
	for _, x := range v {
		w.buffer = binary.LittleEndian.AppendUint32(w.buffer, math.Float32bits(x))
	}
	w.samples = append(w.samples, s)
	_, err := w.values.Write(w.buffer)
	return err
}

// next returns the moments of the next sample, all 0.
func (w *Writer) next(period int) []float64 {
	n := len(w.moments)
	w.moments = slices.Grow(w.moments, 2*period)[:n+2*period]
	clear(w.moments[n:])
	return w.moments[n:]
}

// Commit completes the set; meta is stored with it as JSON. Another process may have
// made the same set meanwhile: then that one stays.
func (w *Writer) Commit(meta any) (err error) {
	defer w.Discard()
	d := description{Format: format, Layout: w.layout, Samples: len(w.samples), Meta: meta}
	if d.Samples == 0 {
		return errors.New("a prepared set without samples")
	}
	descr, _ := w.layout.values()
	if err := w.values.Flush(); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(header(descr, d.Samples, w.layout.Size), 0); err != nil {
		return err
	}
	if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
		return err
	}
	w.file = nil

	// Moments follow the values' order, the index the names'.
	order := make([]int, d.Samples)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(w.samples[a].Name, w.samples[b].Name) })
	groups, clips := numbering{}, numbering{}
	index := make([]int32, 0, columns*d.Samples)
	for _, row := range order {
		s := w.samples[row]
		index = append(index, int32(row), s.Label, int32(s.Part), groups.of(s.Group), clips.of(s.Clip))
	}
	d.Groups, d.Clips = len(groups), len(clips)
	if d.Index, err = w.write(indexFile, header("<i4", d.Samples, columns), index); err != nil {
		return err
	}
	if w.layout.Period > 0 {
		head := header("<f8", d.Samples, w.layout.Period, 2)
		if d.Moments, err = w.write(momentsFile, head, w.moments); err != nil {
			return err
		}
	}
	text, err := d.encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.temp, setFile), text, 0o644); err != nil {
		return err
	}
	if err := errors.Join(syncFile(filepath.Join(w.temp, setFile)), syncFile(w.temp)); err != nil {
		return err
	}
	return w.rename()
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

// write stores a file of the set, synced, and returns the checksum of its data.
func (w *Writer) write(name string, head []byte, data any) (uint32, error) {
	f, err := os.Create(filepath.Join(w.temp, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	b := bufio.NewWriter(f)
	b.Write(head)
	if err := binary.Write(io.MultiWriter(b, sum), binary.LittleEndian, data); err != nil {
		return 0, err
	}
	return sum.Sum32(), errors.Join(b.Flush(), f.Sync())
}

// Discard removes what was written, unless it was committed.
func (w *Writer) Discard() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	os.RemoveAll(w.temp)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// numbering gives names numbers from 0 up; the empty name has -1.
type numbering map[string]int32

func (n numbering) of(name string) int32 {
	if name == "" {
		return -1
	}
	i, ok := n[name]
	if !ok {
		i = int32(len(n))
		n[name] = i
	}
	return i
}
