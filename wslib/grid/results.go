package grid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"weightsep/datasets/files"
	"weightsep/datasets/npy"
)

// Files of a grid's directory that hold what is finished. A cell counts once its record is there.
const (
	recordsFile = "cells.json" // []Record in the order in which cells were finished
	rightFile   = "right.npz"  // vectors, see results
	groupsOf    = "groups/"    // begins the names of groups in it
)

// Record is a finished cell.
type Record struct {
	Cell     Cell            `json:"cell"`
	Seed     uint64          `json:"seed"`
	Key      string          `json:"key"` // hash of everything that decides the result but the data
	Bytes    int             `json:"bytes"`
	Level1   int             `json:"level1Bytes"` // in device memory; all of it without exclusive pages
	Separate int             `json:"separateBytes"`
	Seconds  float64         `json:"seconds"` // of wall time, over all processes that worked on it
	Networks []NetworkRecord `json:"networks"`
	Pages    string          `json:"pages,omitempty"` // what the budget was turned into
}

// NetworkRecord is one network of a cell.
type NetworkRecord struct {
	Name       string  `json:"name"`
	Data       string  `json:"data"`       // real or stand-in
	Samples    string  `json:"samples"`    // which data, with a hash of the files
	Validation float64 `json:"validation"` // accuracy, 0 to 1
	Test       float64 `json:"test"`
}

// results are what cells gave: their records, and vectors of a value for each test sample. No label
// of a dataset is among them.
type results struct {
	records
	right  map[string][]uint8 // by CELL/SEED/NETWORK: 1 if the sample was classified rightly, else 0
	groups map[string][]int32 // by network: the number that related samples share, from 0; -1: alone
}

func newResults() *results {
	return &results{right: map[string][]uint8{}, groups: map[string][]int32{}}
}

// vectorName names what a record has right of a network.
func (record Record) vectorName(network string) string {
	return fmt.Sprintf("%s/%d/%s", record.Cell, record.Seed, network)
}

type records []Record

// find is the record of a cell, nil if it is not finished.
func (rs records) find(c Cell, seed uint64) *Record {
	i := slices.IndexFunc(rs, func(x Record) bool { return x.Cell == c && x.Seed == seed })
	if i < 0 {
		return nil
	}
	return &rs[i]
}

// reference of a seed, nil if it is not finished.
func (rs records) reference(seed uint64) *Record { return rs.find(Cell{Method: Further}, seed) }

func readRecords(dir string) (rs records, err error) {
	err = readJSON(filepath.Join(dir, recordsFile), &rs)
	return rs, err
}

func readResults(dir string) (*results, error) {
	r := newResults()
	var err error
	if r.records, err = readRecords(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, rightFile)
	arrays, err := npy.ReadArchive(path, files.MaxSize)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || len(r.records) > 0) {
		return nil, fmt.Errorf("grid: %w", err)
	}
	for name, raw := range arrays {
		kind := "|u1"
		network, isGroups := strings.CutPrefix(name, groupsOf)
		if isGroups {
			kind = "<i4"
		}
		a, err := npy.Array(path+": "+name, raw, kind)
		if err != nil {
			return nil, fmt.Errorf("grid: %w", err)
		}
		if !isGroups {
			r.right[name] = a.Data
			continue
		}
		groups := make([]int32, len(a.Data)/4)
		if _, err := binary.Decode(a.Data, binary.LittleEndian, groups); err != nil {
			return nil, fmt.Errorf("grid: %s: %s: %w", path, name, err)
		}
		r.groups[network] = groups
	}
	return r, nil
}

// add puts a finished cell into the files of a directory. Several processes may do so at a time.
func add(ctx context.Context, dir string, record Record, v *results) error {
	unlock, err := files.Lock(ctx, filepath.Join(dir, lockFile), nil)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := readResults(dir)
	if err != nil {
		return err
	}
	if r.find(record.Cell, record.Seed) != nil {
		return fmt.Errorf("grid: another process has finished %s, seed %d, in %s", record.Cell,
			record.Seed, dir)
	}
	for network, groups := range v.groups {
		if old, ok := r.groups[network]; ok && !slices.Equal(old, groups) {
			return fmt.Errorf("grid: groups of %s of other cells in %s are not those of %s", network, dir,
				record.Cell)
		}
	}
	maps.Copy(r.right, v.right)
	maps.Copy(r.groups, v.groups)
	r.records = append(r.records, record)
	return r.write(dir)
}

// write replaces the files, each whole or not at all: records last, for they need the vectors.
func (r *results) write(dir string) error {
	var entries []npy.Entry
	var failed error
	put := func(name string, raw []byte, err error) {
		entries, failed = append(entries, npy.Entry{Name: name, Raw: raw}), errors.Join(failed, err)
	}
	for name, v := range r.right {
		raw, err := npy.Values(v)
		put(name, raw, err)
	}
	for network, v := range r.groups {
		raw, err := npy.Values(v)
		put(groupsOf+network, raw, err)
	}
	slices.SortFunc(entries, func(a, b npy.Entry) int { return strings.Compare(a.Name, b.Name) })
	if failed == nil {
		failed = npy.SaveArchive(filepath.Join(dir, rightFile), entries)
	}
	if failed != nil {
		return fmt.Errorf("grid: %w", failed)
	}
	return files.WriteJSON(filepath.Join(dir, recordsFile), r.records)
}

// readJSON leaves v as it is if there is no file.
func readJSON(path string, v any) error {
	if err := files.ReadJSON(path, v); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// stopwatch is the wall time of a cell over all processes that worked on it: a file has earlier ones'.
type stopwatch struct {
	mu            sync.Mutex
	path          string
	before        float64 // seconds
	start, marked time.Time
}

const (
	secondsFile = "seconds.json"
	// markEvery is how often the file is written: what a killed process took since then is lost.
	markEvery = 10 * time.Second
)

// begin starts the watch, or goes on where an earlier process stopped.
func (w *stopwatch) begin(path string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.path, w.start, w.marked = path, time.Now(), time.Now()
	return readJSON(path, &w.before)
}

func (w *stopwatch) seconds() float64 { return w.before + time.Since(w.start).Seconds() }

// note writes the time, unless it did so less than a while ago. It may be called at any time, by
// several goroutines; before begin it does nothing.
func (w *stopwatch) note(while time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.start.IsZero() || time.Since(w.marked) < while {
		return nil
	}
	w.marked = time.Now()
	return files.WriteJSON(w.path, w.seconds())
}
