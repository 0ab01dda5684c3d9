package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/prepared"
)

// cacheSets is how many prepared sets the cache keeps of a dataset: for some data
// directories side by side.
const cacheSets = 6

// real returns the samples of files, prepared now or before.
func (e entry) real(ctx context.Context, o Options, f form) (*Dataset, error) {
	parent, memo := "", ""
	user, noUser := os.UserCacheDir()
	switch {
	case o.CacheDir != "":
		parent = filepath.Join(o.CacheDir, e.Name)
	case noUser == nil:
		parent = filepath.Join(user, "weightsep", "datasets", e.Name)
	}
	if parent != "" {
		memo = filepath.Join(parent, "hashes.json")
	}
	content, err := prepared.Hash(ctx, memo, f.files, o.counter("checking", f.files))
	if err != nil {
		return nil, err
	}
	// The number is raised when other files of a folder are read, or otherwise.
	key := prepared.Name(fmt.Appendf(nil, "set 3 %v %q %q", e.Shape, e.ClassNames,
		[]any{f.name, f.version, content}))
	var d *Dataset
	if parent == "" {
		d, err = e.realOnce(ctx, o, f, noUser)
	} else {
		d, err = e.realKept(ctx, o, f, filepath.Join(parent, key))
	}
	if err != nil {
		return nil, err
	}
	d.Provenance.Content = content[:16]
	if f.note != "" {
		d.Provenance.note(f.note)
	}
	return d, nil
}

// realKept returns the samples of the set in the directory dir of the cache, which it makes unless it is
// there.
func (e entry) realKept(ctx context.Context, o Options, f form, dir string) (*Dataset, error) {
	d, err := e.openSet(dir)
	if err == nil {
		prepared.Touch(dir)
		return d, nil
	}
	if _, absent := os.Lstat(dir); absent == nil {
		o.log("%s: the cache is of no use and is made anew: %v", e.Name, err)
	}
	err = e.prepare(ctx, o, f, dir)
	if errors.Is(err, errNoCache) && o.CacheDir == "" {
		return e.realOnce(ctx, o, f, err)
	}
	if err != nil {
		return nil, err
	}
	prepared.Prune(filepath.Dir(dir), cacheSets)
	if d, err = e.openSet(dir); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return d, nil
}

// realOnce returns the samples of files where there is no place to keep them, for the reason why. The files
// of an open set need no names where systems keep open files.
func (e entry) realOnce(ctx context.Context, o Options, f form, why error) (*Dataset, error) {
	temp, err := os.MkdirTemp("", "weightsep-")
	if err != nil {
		return nil, fmt.Errorf("no place for prepared datasets, set XDG_CACHE_HOME to one: %w; %w", why, err)
	}
	defer os.RemoveAll(temp)
	o.log("%s: prepared in a temporary folder, anew each time, unless XDG_CACHE_HOME is a folder "+
		"that can be written: %v", e.Name, why)
	dir := filepath.Join(temp, e.Name)
	if err := e.prepare(ctx, o, f, dir); err != nil {
		return nil, err
	}
	return e.openSet(dir)
}

// log writes a line.
func (o Options) log(format string, args ...any) {
	out := o.Log
	if out == nil {
		out = os.Stderr
	}
	fmt.Fprintf(out, format+"\n", args...)
}

// setMeta is what the cache keeps beside the samples.
type setMeta struct {
	Provenance Provenance
	Sorted     bool
}

// errNoCache says that a prepared set cannot be begun.
var errNoCache = errors.New("cache")

// prepare makes a prepared set of files.
func (e entry) prepare(ctx context.Context, o Options, f form, dir string) error {
	w, err := prepared.Create(dir, prepared.Layout{Size: e.size(), Bytes: f.bytes, Period: f.period})
	if err != nil {
		return fmt.Errorf("%w: %w", errNoCache, err)
	}
	defer w.Discard()
	r := &recorder{w, e, ctx, o.counter("preparing", f.files), f.provenance, map[string]string{}}
	if err := f.load(r); err != nil {
		return err
	}
	if len(w.Samples()) == 0 {
		return fmt.Errorf("%s: expected samples, found none", strings.Join(f.files, ", "))
	}
	r.provenance.Kind = Real
	if err := w.Commit(setMeta{r.provenance, f.sorted}); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// counter returns a function that adds up what it is told and reports it as the
// progress of a stage over all the files, as far as they can be seen.
func (o Options) counter(stage string, files []string) func(n int64) {
	if o.Progress == nil {
		return func(int64) {}
	}
	var done, total int64
	for _, root := range files {
		archive.Tree(root, func(_ string, info fs.FileInfo) error {
			if info != nil && info.Mode().IsRegular() {
				total += info.Size()
			}
			return nil
		})
	}
	return func(n int64) {
		done += n
		o.Progress(stage, min(done, total), total)
	}
}

// openSet returns the samples of a prepared set, in the order of their names.
func (e entry) openSet(dir string) (*Dataset, error) {
	set, err := prepared.Open(dir)
	if err != nil {
		return nil, err
	}
	var meta setMeta
	if err := json.Unmarshal(set.Meta, &meta); err != nil {
		return nil, err
	}
	unlessNone := func(numbers []int32) []int32 {
		if slices.Max(numbers) < 0 {
			return nil
		}
		return numbers
	}
	whole := &Split{size: set.Layout.Size, bytes: set.Bytes, floats: set.Floats, rows: set.Rows, set: set,
		Labels: set.Labels, Groups: unlessNone(set.Groups), Clips: unlessNone(set.Clips)}
	var parts [3][]int
	for i, p := range set.Parts {
		if p < 0 || int(p) >= len(parts) {
			return nil, fmt.Errorf("%s: part %d", dir, p)
		}
		parts[p] = append(parts[p], i)
	}
	d := e.Dataset
	d.Train, d.Test = whole.pick(parts[prepared.Train]), whole.pick(parts[prepared.Test])
	if meta.Sorted {
		d.Test = d.Test.shuffled(seeded(0, e.Name, streamTestOrder))
	}
	if v := parts[prepared.Validation]; len(v) > 0 {
		d.Validation = whole.pick(v)
	}
	d.Provenance = meta.Provenance
	return &d, nil
}

// standardise sets the scaling of all splits to the statistics of the training
// samples, if the values are to be standardised.
func (d *Dataset) standardise() {
	set := d.Train.set
	if set == nil || set.Layout.Period == 0 {
		return
	}
	k := set.Layout.Period
	sums := make([]float64, 2*k)
	for _, row := range d.Train.rows {
		for j, v := range set.Moments[2*k*int(row):][:2*k] {
			sums[j] += v
		}
	}
	n := float64(d.Train.Len()) * float64(d.Train.Size()/k)
	c := &scaling{make([]float32, k), make([]float32, k)}
	for i := range k {
		mean := sums[2*i] / n
		variance := sums[2*i+1]/n - mean*mean
		c.mean[i] = float32(mean)
		if variance > 1e-12*max(1, mean*mean) { // a constant stays one
			c.factor[i] = float32(1 / math.Sqrt(variance))
		}
	}
	for _, split := range []*Split{d.Train, d.Validation, d.Test} {
		split.scale = c
	}
}
