package xla

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/gomlx/go-xla/pjrt"
)

// EnsureCPUPlugin makes sure that a good CPU plugin is there and returns its
// path: one in a directory of PJRT_PLUGIN_LIBRARY_PATH or, without it, the one
// in cacheDir, whose hash is checked. A missing or damaged one in cacheDir is
// installed, which takes the network, Python's pip and some 270 MB for a
// while; where there is no pip, or no wheel for the platform, go-xla's own
// installer is asked. Processes that install at once wait for the first.
//
// An empty cacheDir stands for the directory weightsep in the user's cache
// directory. The progress of an installation goes to log, unless it is nil.
//
// The error wraps that of ctx if ctx ended first; nothing half-installed is
// left then.
func EnsureCPUPlugin(ctx context.Context, cacheDir string, log io.Writer) (string, error) {
	path, _, err := newOpener(ctx, Options{CacheDir: cacheDir, Log: log}).cpuPlugin()
	if err != nil {
		return "", fmt.Errorf("xla: CPU plugin: %w", err)
	}
	return path, nil
}

// A cache keeps a CPU plugin in a directory.
//
// The plugin out of the wheel has the hash that this program pins. That of
// go-xla's installer comes without one: the hash that it had when it was
// installed is part of the name of its directory. Either is hashed each time
// before it is loaded, for 0.15 s (0.2 GB): a stamp in its stead would miss
// what the disk did to the file.
type cache struct {
	dir   string
	err   error  // why there is no dir, for users who need none
	wheel *wheel // nil where there is none for the platform
	goxla string // version to ask go-xla's installer for; empty: never
	log   io.Writer
}

func newCache(dir string, log io.Writer) cache {
	c := cache{goxla: pjrt.DefaultCPUVersion, log: log}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		c.wheel = &cpuWheel
	}
	if dir == "" {
		var user string
		if user, c.err = os.UserCacheDir(); c.err != nil {
			return c
		}
		dir = filepath.Join(user, "weightsep")
	}
	dir, c.err = filepath.Abs(dir)
	c.dir = filepath.Join(dir, "pjrt")
	return c
}

// A badFileError reports a file that is not what it should be.
type badFileError struct {
	path       string
	want, have string // SHA-256; have is empty if only pip has seen the file
	size       int64
}

func (e *badFileError) Error() string {
	if e.have == "" {
		return fmt.Sprintf("%s: want SHA-256 %s, pip got a file with another", e.path, e.want)
	}
	return fmt.Sprintf("%s is damaged or not the file expected: want SHA-256 %s, have %s in %d bytes", e.path, e.want, e.have, e.size)
}

// ensure returns the path of the plugin and where it came from. It installs
// the plugin if it is missing or damaged.
func (c cache) ensure(ctx context.Context) (path, origin string, err error) {
	if c.err != nil {
		return "", "", fmt.Errorf("no directory for plugins: %w", c.err)
	}
	path, origin, err = c.installed()
	if !missing(err) {
		return path, origin, err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	path, origin, err = c.installed() // Another process may have been faster.
	if !missing(err) {
		return path, origin, err
	}
	var bad *badFileError
	if errors.As(err, &bad) {
		fmt.Fprintf(c.log, "replacing a plugin: %v\n", err)
		// Processes that have it loaded keep their file.
		if err := os.Remove(bad.path); err != nil {
			return "", "", err
		}
	}
	if err := c.install(ctx); err != nil {
		return "", "", err
	}
	return c.installed()
}

// missing reports whether err, of installed, is one that installing helps.
func missing(err error) bool {
	var bad *badFileError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &bad)
}

// installed returns the plugin in the cache if its hash is right. The error
// wraps [fs.ErrNotExist] or a *badFileError if there is none.
func (c cache) installed() (path, origin string, err error) {
	if c.wheel != nil {
		path := c.wheelPlugin()
		err := checkSum(path, c.wheel.pluginSum)
		if err == nil {
			return path, c.wheel.String(), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
	}
	return c.installedByGoXLA()
}

func (c cache) wheelPlugin() string {
	return filepath.Join(c.dir, c.wheel.name+"-"+c.wheel.version, pluginBase)
}

func (c cache) installedByGoXLA() (path, origin string, err error) {
	prefix := "go-xla-" + c.goxla + "-"
	entries, _ := os.ReadDir(c.dir) // It may be missing, then so is the plugin.
	for _, e := range entries {
		sum, ok := strings.CutPrefix(e.Name(), prefix)
		if c.goxla == "" || !ok {
			continue
		}
		path := filepath.Join(c.dir, e.Name(), pluginBase)
		if err := checkSum(path, sum); err != nil {
			return "", "", err
		}
		return path, "go-xla " + c.goxla, nil
	}
	return "", "", fmt.Errorf("no plugin in %s: %w", c.dir, fs.ErrNotExist)
}

// owns returns where the plugin at path came from if it is one of the cache's,
// else "". The error is that of a damaged one.
func (c cache) owns(path string) (origin string, err error) {
	if rel, err := filepath.Rel(c.dir, path); c.err != nil || err != nil || !filepath.IsLocal(rel) {
		return "", nil
	}
	ours, origin, err := c.installed()
	if err != nil || ours != filepath.Clean(path) {
		return "", err
	}
	return origin, nil
}

// lock waits until no other process installs.
func (c cache) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(c.dir, "lock"))
	ok, err := l.TryLock()
	if err == nil && !ok {
		fmt.Fprintf(c.log, "waiting for another process that installs a plugin in %s\n", c.dir)
		_, err = l.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", l.Path(), err)
	}
	return func() { l.Close() }, nil
}

// install installs the plugin, with the lock held.
func (c cache) install(ctx context.Context) error {
	// What a killed process left; who holds the lock has the only live one.
	stale, _ := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*"))
	for _, dir := range stale {
		os.RemoveAll(dir)
	}
	tmp, err := os.MkdirTemp(c.dir, tempPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	var wheelErr error
	if c.wheel != nil {
		start := time.Now()
		wheelErr = c.installWheel(ctx, tmp)
		if wheelErr == nil {
			fmt.Fprintf(c.log, "installed %s in %s, %.1f s\n", c.wheel, c.dir, time.Since(start).Seconds())
			return nil
		}
		// What comes with a wrong hash is no reason to go and look for what
		// has none.
		var bad *badFileError
		if c.goxla == "" || ctx.Err() != nil || errors.As(wheelErr, &bad) {
			return wheelErr
		}
		fmt.Fprintf(c.log, "not installed: %v\n", wheelErr)
	}
	if err := c.installGoXLA(ctx, tmp); err != nil {
		return errors.Join(wheelErr, err)
	}
	return nil
}

const (
	pluginBase = "pjrt_c_api_cpu_plugin.so" // Any platform's loader takes the name.
	tempPrefix = "tmp-"
)

// place makes the file at tmp, of the given hash, the one at path, whole or
// not at all. Both are in the cache.
func place(tmp, path, sum string) error {
	if err := checkSum(tmp, sum); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// checkSum returns a *badFileError if the file's SHA-256 is not want.
func checkSum(path, want string) error {
	have, size, err := fileSum(path)
	if err != nil {
		return err
	}
	if have != want {
		return &badFileError{path: path, want: want, have: have, size: size}
	}
	return nil
}

func fileSum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// copyFile copies src to the new file dst and brings it to the disk, so that a
// later rename does not get there first.
func copyFile(dst string, src io.Reader) (err error) {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, src); err != nil {
		return fmt.Errorf("writing %s: %w", dst, err)
	}
	return f.Sync()
}
