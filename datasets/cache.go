package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"weightsep/datasets/prepared"
)

// cacheSets is how many prepared sets the cache keeps of a dataset: for some data
// directories, and stand-ins of some seeds and sizes, side by side.
const cacheSets = 6

// cacheFolder returns where the prepared sets of a dataset are.
func (o Options) cacheFolder(name string) (string, error) {
	dir := o.CacheDir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no place for prepared datasets: set the option CacheDir: %w", err)
		}
		dir = filepath.Join(user, "weightsep", "datasets")
	}
	return filepath.Join(dir, name), nil
}

// real returns the samples of files, prepared now or before.
func (e entry) real(ctx context.Context, o Options, f form) (*samples, error) {
	parent, err := o.cacheFolder(e.name)
	if err != nil {
		return nil, err
	}
	content, err := prepared.Hash(ctx, filepath.Join(parent, "hashes.json"), f.files, o.counter("checking", f.files))
	if err != nil {
		return nil, err
	}
	s, err := e.cached(ctx, o, e.cacheKey(f.name, f.version, content), f)
	if err != nil {
		return nil, err
	}
	s.provenance.Content = content[:16]
	return s, nil
}

// cacheKey returns a name for what is made of the given things for the dataset.
func (e entry) cacheKey(of ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("set 2 %v %q %q", e.shape, e.classNames, of)))
	return hex.EncodeToString(sum[:12])
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
