package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"weightsep/datasets/files"
	"weightsep/xla"
)

var (
	//go:embed requirements.txt
	requirements []byte
	//go:embed onnxruntime.txt
	onnxRequirements []byte
)

// setupVersion goes into the name of the environment's directory; raise it when the
// way it is made changes.
const setupVersion = "1"

// An environment is what notebooks run in: a Python with Jupyter, and the GoNB kernel
// with its tools. It lies in the user's cache, one for every set of pins.
type environment struct {
	root string // the checkout
	dir  string // the environment
	goes goInfo // the Go that compiles the cells

	noONNX error // why makePython did without ONNX Runtime
}

// venv is the Python environment; bin holds the kernel, gopls and goimports.
func (e *environment) venv() string   { return filepath.Join(e.dir, "venv") }
func (e *environment) python() string { return filepath.Join(e.venv(), "bin", "python") }
func (e *environment) bin() string    { return filepath.Join(e.dir, "bin") }

// notebooks is the directory with the notebooks.
func (e *environment) notebooks() string { return filepath.Join(e.root, "notebooks") }

// setUp returns the environment for the checkout at root, and makes what is missing of it, also
// what an interrupted set-up left.
func setUp(ctx context.Context, root string, progress *log.Logger) (*environment, error) {
	env, err := newEnvironment(ctx, root)
	if err != nil {
		return nil, err
	}
	if env.complete(ctx) {
		return env, env.ensurePlugin(ctx, progress)
	}
	start := time.Now()
	progress.Printf("Setting up in %s, which may take some minutes", env.dir)
	if err := os.MkdirAll(env.dir, 0o755); err != nil {
		return nil, noPlace(err)
	}
	unlock, err := files.Lock(ctx, env.dir+".lock", func() {
		progress.Printf("  another set-up is under way, waiting for it")
	})
	if err != nil {
		return nil, noPlace(err)
	}
	defer unlock()
	steps, err := env.steps()
	if err != nil {
		return nil, err
	}
	if !env.pythonWorks(ctx) && ctx.Err() == nil {
		if err := os.RemoveAll(steps[0].stamp.file); err != nil {
			return nil, err
		}
	}
	for _, step := range steps {
		begin := time.Now()
		err := step.stamp.make(func() error { return step.build(ctx) })
		switch {
		case err == nil:
			progress.Printf("  %s (%s)", step.name, round(time.Since(begin)))
			if env.noONNX != nil {
				progress.Printf("  without ONNX Runtime, which 07_devices will say: %v", env.noONNX)
				env.noONNX = nil
			}
		case errors.Is(err, errLibrary) && ctx.Err() == nil:
			progress.Printf("  %v", err) // a cell that needs the broken part will say so
		default:
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if err := env.ensurePlugin(ctx, progress); err != nil {
		return nil, err
	}
	removeLeftovers(env.venv())
	removeLeftovers(env.bin())
	progress.Printf("Set up in %s", round(time.Since(start)))
	return env, nil
}

// A step makes a part of the environment, unless its stamp says that it is there.
type step struct {
	name  string
	stamp stamp
	build func(context.Context) error
}

func (e *environment) steps() ([]step, error) {
	library, err := e.libraryStamp()
	return []step{
		{"Python packages", stamp{filepath.Join(e.dir, "venv.ok"), "venv " + setupVersion}, e.makePython},
		{"Go kernel", stamp{filepath.Join(e.dir, "bin.ok"), e.goes.version}, e.makeTools},
		{"go command of cells", stamp{filepath.Join(e.dir, "go.ok"), e.goForCellsScript()}, e.makeGoForCells},
		{"kernel specification", stamp{e.kernelSpecFile(), e.kernelSpec()}, e.makeKernelDir},
		{"library compiled", library, e.warmUp},
	}, err
}

// complete reports whether there is nothing left to make.
func (e *environment) complete(ctx context.Context) bool {
	steps, err := e.steps()
	missing := func(s step) bool { return !s.stamp.ok() }
	return err == nil && !slices.ContainsFunc(steps, missing) && e.pythonWorks(ctx)
}

// newEnvironment finds the place of the environment for root, whether it is there or not.
func newEnvironment(ctx context.Context, root string) (*environment, error) {
	goes, err := findGo(ctx, root)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, noPlace(err)
	}
	hash, err := pinsHash(root)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "weightsep", "notebooks-"+hash)
	return &environment{root: root, dir: dir, goes: goes}, nil
}

// noPlace says what to do where there is no cache directory to write to.
func noPlace(err error) error {
	return fmt.Errorf("no place for the environment: set XDG_CACHE_HOME (on macOS HOME) to the absolute "+
		"path of a directory that can be written: %w", err)
}

// kernelModules are the modules that the kernel and its tools come from.
var kernelModules = []string{"github.com/janpfeifer/gonb", "golang.org/x/tools", "golang.org/x/tools/gopls"}

// modulePath is the module that the notebooks walk through.
const modulePath = "weightsep"

// moduleRoot returns the nearest directory upwards from dir whose go.mod declares modulePath.
func moduleRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := start; ; d = filepath.Dir(d) {
		mod, err := readGoMod(d)
		switch {
		case err == nil && mod.Module != nil && mod.Module.Mod.Path == modulePath:
			return d, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is in no checkout of %s: want its go.mod there or above",
				start, modulePath)
		}
	}
}

func readGoMod(dir string) (*modfile.File, error) {
	file := filepath.Join(dir, "go.mod")
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return modfile.ParseLax(file, b, nil)
}

// pinsHash names the set of everything that the environment in the cache is made of.
func pinsHash(root string) (string, error) {
	mod, err := readGoMod(root)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, setupVersion)
	for _, m := range kernelModules {
		i := slices.IndexFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == m })
		if i < 0 {
			return "", fmt.Errorf("%s: want a requirement of %s, for the kernel", mod.Syntax.Name, m)
		}
		fmt.Fprintln(h, m, mod.Require[i].Mod.Version)
	}
	h.Write(requirements)
	h.Write(onnxRequirements)
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}

// ensurePlugin makes sure that the cells find XLA's CPU plugin.
func (e *environment) ensurePlugin(ctx context.Context, progress *log.Logger) error {
	// The plugin is installed through pip: the environment's, as the system may have none.
	path := os.Getenv("PATH")
	inside := filepath.Join(e.venv(), "bin") + string(filepath.ListSeparator) + path
	if err := os.Setenv("PATH", inside); err != nil {
		return err
	}
	defer os.Setenv("PATH", path)
	_, err := xla.EnsureCPUPlugin(ctx, "", progress.Writer())
	return err
}

// A stamp says that a step of the set-up was completed. It is a file that is written after
// everything else, at once, and holds what the step was made from: if it is missing or holds
// something else, the step was interrupted or is out of date.
type stamp struct {
	file string
	key  string
}

// ok reports whether the step was completed from the same key.
func (s stamp) ok() bool {
	b, err := os.ReadFile(s.file)
	return err == nil && strings.TrimSpace(string(b)) == s.key
}

// make runs build unless the step was completed before, and stamps it afterwards.
// Nothing is taken for complete while build runs or after it failed.
func (s stamp) make(build func() error) error {
	if s.ok() {
		return nil
	}
	if err := os.RemoveAll(s.file); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	if err := files.WritePath(s.file, []byte(s.key+"\n")); err != nil {
		return fmt.Errorf("stamp: %w", err)
	}
	return nil
}

// replaceDir has build fill a new directory, and then puts it in the place of dir. The new one is
// nobody else's: the child of a set-up that was killed may still be at work on its own.
func replaceDir(dir string, build func(dir string) error) error {
	removeLeftovers(dir)
	fresh, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := build(fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// removeLeftovers removes what an interrupted replaceDir left. It may fail while something is
// still being written to it; there is a next time.
func removeLeftovers(dir string) {
	beside, _ := os.ReadDir(filepath.Dir(dir))
	for _, e := range beside {
		if strings.HasPrefix(e.Name(), filepath.Base(dir)+".new") {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
}
