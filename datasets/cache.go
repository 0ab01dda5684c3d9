package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets/prepared"
)

// cacheSets is how many prepared sets the cache keeps of a dataset: for some data
// directories side by side.
const cacheSets = 6

// real returns the samples of files, prepared now or before.
func (e entry) real(ctx context.Context, o Options, f form) (*samples, error) {
	parent := filepath.Join(o.CacheDir, e.name)
	if o.CacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no place for prepared datasets: set the option CacheDir: %w", err)
		}
		parent = filepath.Join(user, "weightsep", "datasets", e.name)
	}
	content, err := prepared.Hash(ctx, filepath.Join(parent, "hashes.json"), f.files,
		o.counter("checking", f.files))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "set 2 %v %q %q", e.shape, e.classNames,
		[]any{f.name, f.version, content}))
	dir := filepath.Join(parent, hex.EncodeToString(sum[:12]))
	s, err := e.openSet(dir)
	if err == nil {
		prepared.Touch(dir)
	} else { // a set that cannot be opened is as good as none: it is made anew
		if err := e.prepare(ctx, o, f, dir); err != nil {
			return nil, err
		}
		prepared.Prune(parent, cacheSets)
		if s, err = e.openSet(dir); err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
	}
	s.provenance.Content = content[:16]
	return s, nil
}

// prepare makes a prepared set of files.
func (e entry) prepare(ctx context.Context, o Options, f form, dir string) error {
	w, err := prepared.Create(dir, prepared.Layout{Size: e.size(), Bytes: f.bytes, Period: f.period})
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	defer w.Discard()
	p, err := f.load(ctx, &recorder{Writer: w, classes: e.classes, read: o.counter("preparing", f.files)})
	if err != nil {
		return err
	}
	if w.Len() == 0 {
		return fmt.Errorf("%s: expected samples, found none", strings.Join(f.files, ", "))
	}
	if err := w.Commit(setMeta{p, f.sorted}); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// counter returns a function that adds up what it is told and reports it as the
// progress of a stage over all the files.
func (o Options) counter(stage string, files []string) func(n int64) {
	if o.Progress == nil {
		return func(int64) {}
	}
	total := fileSizes(files)
	var done int64
	return func(n int64) {
		done += n
		o.Progress(stage, min(done, total), total)
	}
}
