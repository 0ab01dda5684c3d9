package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// originals returns, for each dataset with a reader of more than bytes, files as its
// authors' unpacked from an archive.
func originals(t *testing.T) map[string][]file {
	t.Helper()
	recordings, lists := gscFiles(manySpoken(12), "no/0000_nohash_0.wav\nyes/0000_nohash_0.wav\n", "")
	train, test, truth := gtsrbFiles()
	good := matFile(digits(3), answers(10, 1, 9))
	return map[string][]file{
		"gsc":   append(recordings, lists...),
		"us8k":  under("audio", us8kFiles()),
		"esc10": under("audio", esc10Recordings()),
		"hhar": both(rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 27}),
			rowsOf(stretch{user: "h", device: "d", gt: "walk", seconds: 12})),
		"gtsrb": slices.Concat(train, test, truth),
		"svhn":  {{svhnTrain, good}, {svhnTest, good}},
		"obs":   videos(t, map[string]int{"Left": 4, "Stop": 4}),
	}
}

// original makes a data directory with the files of one dataset, last changed long ago.
func original(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	unpack(t, dir, under(name, originals(t)[name])...)
	settle(t, dir)
	return dir
}

// stages collects what Options.Progress is told.
type stages struct {
	t    *testing.T
	last map[string][2]int64
}

func (s *stages) progress(stage string, done, total int64) {
	if s.last == nil {
		s.last = map[string][2]int64{}
	}
	if before := s.last[stage]; done < before[0] || done > total || before[1] != 0 && before[1] != total {
		s.t.Errorf("%s: %d of %d follows %v", stage, done, total, before)
	}
	s.last[stage] = [2]int64{done, total}
}

// same reports whether two datasets have the same samples in the same order.
func same(a, b *Dataset) bool {
	for _, pair := range [][2]*Split{{a.Train, b.Train}, {a.Validation, b.Validation}, {a.Test, b.Test}} {
		if !slices.Equal(values(pair[0]), values(pair[1])) ||
			!slices.Equal(pair[0].Labels, pair[1].Labels) ||
			!slices.Equal(pair[0].Groups, pair[1].Groups) || !slices.Equal(pair[0].Clips, pair[1].Clips) {
			return false
		}
	}
	return a.Provenance == b.Provenance
}

// The second time the files are not even read: changing them behind the cache's back,
// with their sizes and times, changes nothing.
func TestOpenAgain(t *testing.T) {
	for name, files := range originals(t) {
		dir, first, second := original(t, name), &stages{t: t}, &stages{t: t}
		o := Options{Dir: dir, CacheDir: t.TempDir(), Progress: first.progress}
		want, err := Open(t.Context(), name, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, stage := range []string{"checking", "preparing"} {
			if p := first.last[stage]; p[0] == 0 || p[0] != p[1] {
				t.Errorf("%s: %s went to %d of %d", name, stage, p[0], p[1])
			}
		}
		for _, f := range files {
			write(t, make([]byte, len(f.data)), dir, name, filepath.FromSlash(f.name))
		}
		settle(t, dir)
		o.Progress = second.progress
		got, err := Open(t.Context(), name, o)
		if err != nil {
			t.Errorf("%s: the second time: %v", name, err)
			continue
		}
		if !same(got, want) || len(second.last) > 0 {
			t.Errorf("%s: the second time: the same samples: %v; stages %v", name, same(got, want),
				second.last)
		}
		if done, unfinished := sets(t, o.CacheDir, name); len(done) != 1 || len(unfinished) > 0 {
			t.Errorf("%s: sets %v and %v, want one", name, done, unfinished)
		}
	}
}

// Files that were written a moment ago are read to check them, but not prepared again.
func TestOpenYoungFiles(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, under("gsc", originals(t)["gsc"])...)
	var seen stages
	o := Options{Dir: dir, CacheDir: t.TempDir()}
	for range 2 {
		seen = stages{t: t}
		o.Progress = seen.progress
		if _, err := Open(t.Context(), "gsc", o); err != nil {
			t.Fatal(err)
		}
	}
	if p := seen.last["checking"]; p[0] == 0 || len(seen.last) != 1 {
		t.Errorf("stages %v, want checking alone", seen.last)
	}
}

// Seed and limits choose among prepared samples.
func TestOpenPreparesOnce(t *testing.T) {
	o := Options{Dir: original(t, "gsc"), CacheDir: t.TempDir()}
	first, err := Open(t.Context(), "gsc", o)
	if err != nil {
		t.Fatal(err)
	}
	o.Progress = func(stage string, _, _ int64) { t.Errorf("%s again", stage) }
	o.MaxTrain = 10
	if _, err := Open(t.Context(), "gsc", o); err != nil {
		t.Fatal(err)
	}
	o.Seed, o.MaxTrain = 1, 0
	other, err := Open(t.Context(), "gsc", o)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(other.Validation.rows, first.Validation.rows) &&
		slices.Equal(other.Train.rows, first.Train.rows) {
		t.Error("another seed gives the same split")
	}
}

// What was changed in the files is in the samples.
func TestOpenChangedFiles(t *testing.T) {
	dir, cache := original(t, "gsc"), t.TempDir()
	o := Options{Dir: dir, CacheDir: cache}
	before, err := Open(t.Context(), "gsc", o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, wav16(gscRate, tone(gscRate, 3000, 3333, 0.5)), dir, "gsc", "yes", "0000_nohash_0.wav")
	after, err := Open(t.Context(), "gsc", o)
	if err != nil {
		t.Fatal(err)
	}
	if same(before, after) {
		t.Error("the samples are still those before the change")
	}
	if done, _ := sets(t, cache, "gsc"); len(done) != 2 {
		t.Errorf("sets %v, want two", done)
	}
	if err := os.Remove(filepath.Join(dir, "gsc", "yes", "0001_nohash_0.wav")); err != nil {
		t.Fatal(err)
	}
	fewer, err := Open(t.Context(), "gsc", o)
	if err != nil {
		t.Fatal(err)
	}
	if fewer.Provenance.Train != before.Provenance.Train-1 {
		t.Errorf("%d training samples after removing one of %d", fewer.Provenance.Train,
			before.Provenance.Train)
	}
}

// A set that cannot be opened, or whose values were changed, is made anew, and a line says so.
func TestOpenDamagedCache(t *testing.T) {
	dir := original(t, "us8k")
	want, err := Open(t.Context(), "us8k", Options{Dir: dir, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(set string) error{
		"values zeroed": func(set string) error {
			path := filepath.Join(set, "values")
			b, err := os.ReadFile(path)
			clear(b[256:])
			return errors.Join(err, os.WriteFile(path, b, 0o666))
		},
		"values cut":    func(set string) error { return os.Truncate(filepath.Join(set, "values"), 1000) },
		"values gone":   func(set string) error { return os.Remove(filepath.Join(set, "values")) },
		"no set":        func(set string) error { return os.Remove(filepath.Join(set, "set")) },
		"set cut":       func(set string) error { return os.Truncate(filepath.Join(set, "set"), 50) },
		"older format":  edit("set", `"format":3`, `"format":0`),
		"other meaning": edit("set", `"train_of":0`, `"train_of":0.5`),
		"no folder": func(set string) error {
			return errors.Join(os.RemoveAll(set), os.WriteFile(set, []byte("x"), 0o666))
		},
	} {
		o := Options{Dir: dir, CacheDir: t.TempDir()}
		if _, err := Open(t.Context(), "us8k", o); err != nil {
			t.Fatal(err)
		}
		done, _ := sets(t, o.CacheDir, "us8k")
		if err := damage(done[0]); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		o.Log = &log
		got, err := Open(t.Context(), "us8k", o)
		if err != nil || !same(got, want) {
			t.Errorf("%s: error %v, or other samples", name, err)
			continue
		}
		if !strings.HasPrefix(log.String(), "us8k: the cache is of no use and is made anew: ") ||
			!strings.Contains(log.String(), done[0]) {
			t.Errorf("%s: the log is %q", name, log.String())
		}
		if again, unfinished := sets(t, o.CacheDir, "us8k"); !slices.Equal(again, done) ||
			len(unfinished) > 0 {
			t.Errorf("%s: sets %v and %v, want %v", name, again, unfinished, done)
		}
	}
}

// edit returns a damage: old becomes new in a file.
func edit(name, old, new string) func(set string) error {
	return func(set string) error {
		path := filepath.Join(set, name)
		b, err := os.ReadFile(path)
		if err == nil && !strings.Contains(string(b), old) {
			err = fmt.Errorf("no %s in %s", old, b)
		}
		return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o666))
	}
}

// What cannot be prepared leaves nothing behind, wherever it fails.
func TestOpenFailedLeavesNothing(t *testing.T) {
	for name, files := range originals(t) {
		dir, cache := t.TempDir(), t.TempDir()
		for _, f := range files {
			text := strings.HasSuffix(f.name, ".txt") || strings.HasSuffix(f.name, ".csv")
			if name == "hhar" || !text {
				f.data = f.data[:min(len(f.data), 20)]
			}
			write(t, f.data, dir, name, filepath.FromSlash(f.name))
		}
		if d, err := Open(t.Context(), name, Options{Dir: dir, CacheDir: cache}); err == nil || d != nil {
			t.Errorf("%s: no error of files that are cut", name)
		}
		if done, unfinished := sets(t, cache, name); len(done)+len(unfinished) > 0 {
			t.Errorf("%s: left %v and %v", name, done, unfinished)
		}
	}
}

func TestOpenCancelledLeavesNothing(t *testing.T) {
	for name := range originals(t) {
		dir := original(t, name)
		for _, at := range []string{"checking", "preparing"} {
			ctx, cancel := context.WithCancel(t.Context())
			cache := t.TempDir()
			_, err := Open(ctx, name, Options{Dir: dir, CacheDir: cache,
				Progress: func(stage string, _, _ int64) {
					if stage == at {
						cancel()
					}
				}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled when %s: error %v", name, at, err)
			}
			if done, unfinished := sets(t, cache, name); len(done)+len(unfinished) > 0 {
				t.Errorf("%s, cancelled when %s: left %v and %v", name, at, done, unfinished)
			}
		}
	}
}

// The files of a set do not depend on how the work was divided.
func TestOpenProcessors(t *testing.T) {
	cache := map[int]string{1: t.TempDir(), 3: t.TempDir()}
	dirs := map[string]string{}
	for name := range originals(t) {
		dirs[name] = original(t, name)
	}
	for _, n := range []int{1, 3} {
		before := runtime.GOMAXPROCS(n)
		for name, dir := range dirs {
			if _, err := Open(t.Context(), name, Options{Dir: dir, CacheDir: cache[n]}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		runtime.GOMAXPROCS(before)
	}
	for name := range dirs {
		a, _ := sets(t, cache[1], name)
		b, _ := sets(t, cache[3], name)
		if len(a) != 1 || len(b) != 1 || filepath.Base(a[0]) != filepath.Base(b[0]) {
			t.Errorf("%s: sets %v and %v", name, a, b)
			continue
		}
		for _, f := range []string{"values", "set"} {
			x, errX := os.ReadFile(filepath.Join(a[0], f))
			y, errY := os.ReadFile(filepath.Join(b[0], f))
			if string(x) != string(y) || (errX == nil) != (errY == nil) {
				t.Errorf("%s: three processors make another %s than one", name, f)
			}
		}
	}
}

// The cache keeps some sets of a dataset, not all there ever were.
func TestCacheIsBounded(t *testing.T) {
	cache := t.TempDir()
	for n := range cacheSets + 2 {
		dir := t.TempDir()
		write(t, cifarHand(slices.Repeat([]byte{1}, 2+n)...), dir, "cifar10", "data_batch_1.bin")
		write(t, cifarHand(1), dir, "cifar10", "test_batch.bin")
		if _, err := Open(t.Context(), "cifar10", Options{Dir: dir, CacheDir: cache}); err != nil {
			t.Fatal(err)
		}
	}
	if done, _ := sets(t, cache, "cifar10"); len(done) != cacheSets {
		t.Errorf("%d sets are left, want %d", len(done), cacheSets)
	}
}

// A cache in the data directory does not cost the user's folders.
func TestCacheAmongData(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 * cacheSets {
		write(t, []byte("x"), dir, "cifar10", fmt.Sprintf("mine%d", n), "notes.txt")
	}
	write(t, cifarHand(1, 2), dir, "cifar10", "data_batch_1.bin")
	write(t, cifarHand(1), dir, "cifar10", "test_batch.bin")
	if _, err := Open(t.Context(), "cifar10", Options{Dir: dir, CacheDir: dir}); err != nil {
		t.Fatal(err)
	}
	if done, _ := sets(t, dir, "cifar10"); len(done) != 1 {
		t.Errorf("sets %v, want one", done)
	}
	for n := range 3 * cacheSets {
		if _, err := os.Stat(filepath.Join(dir, "cifar10", fmt.Sprintf("mine%d", n), "notes.txt")); err != nil {
			t.Error(err)
		}
	}
}

// Without a place for the cache samples are prepared all the same, and nothing is left.
func TestNoCache(t *testing.T) {
	o := Options{Dir: original(t, "us8k")}
	want, err := Open(t.Context(), "us8k", o)
	if err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	write(t, nil, blocked)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("HOME", "")
	for _, cache := range []string{"", "relative", blocked} {
		t.Setenv("XDG_CACHE_HOME", cache)
		var log strings.Builder
		o.Log = &log
		got, err := Open(t.Context(), "us8k", o)
		if err != nil || !same(got, want) {
			t.Errorf("%q: error %v, or other samples", cache, err)
		}
		if !strings.Contains(log.String(), "us8k: ") || !strings.Contains(log.String(), "XDG_CACHE_HOME") {
			t.Errorf("%q: the log is %q", cache, log.String())
		}
	}
	for _, dir := range []string{os.TempDir(), "."} {
		if left, _ := filepath.Glob(filepath.Join(dir, "weightsep-*")); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	}
}

func TestCacheUnusable(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "file")
	_, err := Open(t.Context(), "hhar", Options{Dir: original(t, "hhar"),
		CacheDir: filepath.Join(dir, "file")})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v: want one that names the folder", err)
	}
}
