package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

//go:embed requirements.txt
var requirements []byte

// setupVersion goes into the name of the environment's directory; raise it when the
// way it is made changes.
const setupVersion = "1"

// An environment is what notebooks run in: a Python with Jupyter, and the GoNB kernel
// with its tools. It lies in the user's cache, one for every set of pins.
type environment struct {
	root string // the checkout
	dir  string // the environment
	goes goInfo // the Go that compiles the cells
}

// venv is the Python environment; bin holds the kernel, gopls and goimports.
func (e *environment) venv() string   { return filepath.Join(e.dir, "venv") }
func (e *environment) python() string { return filepath.Join(e.venv(), "bin", "python") }
func (e *environment) bin() string    { return filepath.Join(e.dir, "bin") }

// setUp returns the environment for the checkout at root. It makes what is missing of
// it; what an interrupted set-up left is made again.
func setUp(ctx context.Context, root string, p *progress) (*environment, error) {
	env, err := newEnvironment(ctx, root)
	if err != nil {
		return nil, err
	}
	if env.complete(ctx) {
		return env, env.ensurePlugin(ctx, p)
	}
	start := time.Now()
	p.line("Setting up in %s", env.dir)
	if err := os.MkdirAll(env.dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, env.dir+".lock", func() {
		p.line("  another set-up is under way, waiting for it")
	})
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, step := range []func(context.Context, *progress) error{
		env.makePython, env.makeTools, env.makeKernelSpec, env.warmUp,
	} {
		if err := step(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := env.ensurePlugin(ctx, p); err != nil {
		return nil, err
	}
	removeLeftovers(env.venv())
	removeLeftovers(env.bin())
	p.line("Set up in %s", round(time.Since(start)))
	return env, nil
}

// newEnvironment finds the place of the environment for root, whether it is there or
// not.
func newEnvironment(ctx context.Context, root string) (*environment, error) {
	goes, err := findGo(ctx, root)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no place for the environment: %w", err)
	}
	hash, err := pinsHash(root)
	if err != nil {
		return nil, err
	}
	return &environment{
		root: root,
		dir:  filepath.Join(cache, "weightsep", "notebooks-"+hash),
		goes: goes,
	}, nil
}

// kernelModules are the modules that the kernel and its tools come from.
var kernelModules = []string{
	"github.com/janpfeifer/gonb",
	"golang.org/x/tools",
	"golang.org/x/tools/gopls",
}

// pinsHash names the set of everything that the environment in the cache is made of.
func pinsHash(root string) (string, error) {
	mod, err := readGoMod(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, setupVersion)
	for _, m := range kernelModules {
		v, ok := mod.versions[m]
		if !ok {
			return "", fmt.Errorf("%s: want a requirement of %s, the kernel is built from it", filepath.Join(root, "go.mod"), m)
		}
		fmt.Fprintln(h, m, v)
	}
	h.Write(requirements)
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}

// filesHash is a short name for the contents of files.
func filesHash(files ...string) (string, error) {
	h := sha256.New()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%d\n", len(b))
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}

// complete reports whether there is nothing left to make.
func (e *environment) complete(ctx context.Context) bool {
	warm, err := e.warmStamp()
	if err != nil || !warm.ok() || !e.pythonStamp().ok() || !e.toolsStamp().ok() {
		return false
	}
	spec, err := os.ReadFile(e.kernelSpecFile())
	if err != nil || !bytes.Equal(spec, e.kernelSpec()) {
		return false
	}
	return e.pythonWorks(ctx)
}

// lock takes the lock that is the file at path; waiting is called if it is taken. The
// function that it returns gives the lock back.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	l := flock.New(path)
	ok, err := l.TryLock()
	if err == nil && !ok {
		waiting()
		ok, err = l.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s: not available", path)
	}
	return func() { _ = l.Unlock() }, nil
}
