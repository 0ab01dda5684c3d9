// Package xla opens the compute backend (CUDA, XLA's CPU plugin, pure Go) and
// holds the graph pieces whose lowering decides the speed of training:
// convolution, pooling, page gather.
package xla

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/exceptions"
)

// Info reports what runs, for logs and for the record of a run.
type Info struct {
	Backend string `json:"backend"`          // "xla" or "go"
	Plugin  string `json:"plugin,omitempty"` // the PJRT plugin: "cpu", "cuda"; empty with the Go backend
	Version string `json:"version"`          // e.g. "PJRT 0.98 (wheel lammps-jax-pjrt-cpu 0.11.2)"
	Device  string `json:"device"`           // the backend's own description of its first device
}

// Options says which backend [Open] opens. The zero value means "auto".
type Options struct {
	// Name is "auto" (or empty), "cuda", "cpu", "go", or the absolute path of
	// a PJRT plugin.
	Name string
	// Log receives the progress of an installation, and a line whenever
	// something slower or other than asked for is used. Nil discards them.
	Log io.Writer
	// CacheDir is where plugins are installed. Empty means the directory
	// weightsep in the user's cache directory (see [os.UserCacheDir]).
	CacheDir string
}

// Open opens the compute backend that o names, and reports which it is.
//
// A name other than "auto" gives exactly that backend or an error. "auto"
// takes, in this order:
//
//  1. what the environment variable GOMLX_BACKEND says, if it is set; then
//     again that backend or an error;
//  2. CUDA, if there are an NVIDIA GPU and its plugin;
//  3. the CPU plugin, which is installed if it is missing;
//  4. GoMLX's pure Go backend, with a warning on o.Log.
//
// The directories of PJRT_PLUGIN_LIBRARY_PATH come before all others in the
// search for a plugin, by name or not. Without it the CUDA plugin is searched
// where go-xla's installer puts it, and the CPU plugin is the one that
// [EnsureCPUPlugin] keeps in o.CacheDir.
//
// The wheel's CPU plugin computes with oneDNN: Open sets
// --xla_cpu_experimental_onednn_custom_call in XLA_FLAGS unless it is there.
// Programs that train import package keepmemory, too: steps are faster with it.
//
// Plugins are opened with the go-xla option tf32=false, so that a GPU's
// results agree with the CPU's, unless GOMLX_BACKEND has that option.
//
// The error wraps that of ctx if ctx ended first.
func Open(ctx context.Context, o Options) (compute.Backend, Info, error) {
	CorrectGradients()
	b, info, err := newOpener(ctx, o).open(o.Name)
	if err != nil {
		return nil, Info{}, fmt.Errorf("xla: opening backend %q: %w", o.Name, err)
	}
	return b, info, nil
}

// An opener carries what every way of opening a backend needs.
type opener struct {
	ctx context.Context // for the duration of one call of Open
	cache
}

func newOpener(ctx context.Context, o Options) *opener {
	return &opener{ctx, newCache(o.CacheDir, o.Log)}
}

func (p *opener) open(name string) (compute.Backend, Info, error) {
	if err := p.ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	switch {
	case name == "" || name == "auto":
		if config := os.Getenv(compute.ConfigEnvVar); config != "" {
			b, info, err := p.configured(config)
			if err != nil {
				return nil, Info{}, fmt.Errorf("%s=%s: %w", compute.ConfigEnvVar, config, err)
			}
			return b, info, nil
		}
		return p.auto()
	case name == "go":
		return openGo("")
	case name == "cuda" || name == "cpu" || filepath.IsAbs(name):
		return p.plugin(name, "")
	}
	return nil, Info{}, errors.New(`unknown name: want "auto", "cuda", "cpu", "go" or ` +
		`the absolute path of a PJRT plugin`)
}

func (p *opener) auto() (compute.Backend, Info, error) {
	b, info, err := p.fastest("")
	if err == nil || p.ctx.Err() != nil {
		return b, info, err
	}
	why := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(p.log, "warning: computing with the pure Go backend, which trains 10 to 100 times slower: "+
		"no CPU plugin: %s\n", why)
	return openGo("")
}

// fastest opens CUDA or, where that cannot be, the CPU plugin.
func (p *opener) fastest(options string) (compute.Backend, Info, error) {
	if HasGPU(p.ctx) {
		b, info, err := p.plugin("cuda", options)
		if err == nil {
			return b, info, nil
		}
		fmt.Fprintf(p.log, "warning: not computing on the GPU: %v\n", err)
	}
	return p.plugin("cpu", options)
}

// plugin opens a plugin by its name or absolute path.
func (p *opener) plugin(name, options string) (compute.Backend, Info, error) {
	path, origin, err := p.locate(name)
	if err != nil {
		return nil, Info{}, err
	}
	return openPlugin(path, options, origin)
}

// locate returns the path of a plugin that is whole, and where it came from.
func (p *opener) locate(name string) (path, origin string, err error) {
	switch {
	case name == "cpu":
		return p.cpuPlugin()
	case !filepath.IsAbs(name):
		if path, err = find(name, pluginDirs(), p.log); err != nil && name == "cuda" {
			var other error
			if path, other = pipPlugin(p.ctx); other != nil {
				return "", "", errors.Join(err, other)
			}
			err = nil
		}
		return path, path, err
	case p.wheel != nil && filepath.Clean(name) == p.wheelPlugin():
		return name, p.wheel.String(), checkSum(name, p.wheel.pluginSum)
	}
	return name, name, checkWhole(name)
}

// cpuPlugin returns the path of a CPU plugin that is whole, and its origin:
// the user's own, or ours, which is installed if need be.
func (p *opener) cpuPlugin() (path, origin string, err error) {
	if errNoCgo != nil {
		return "", "", errNoCgo
	}
	if path, err := find("cpu", envPluginDirs(), p.log); err == nil {
		return path, path, nil
	}
	return p.ensure(p.ctx)
}

// configured opens what a value of GOMLX_BACKEND says: BACKEND or
// BACKEND:CONFIG, and for XLA the latter is PLUGIN[,OPTION]... .
//
// Plugins are resolved here and not by go-xla, which loads every file that
// looks like a plugin to see whether it is one, and installs what is missing.
func (p *opener) configured(config string) (compute.Backend, Info, error) {
	backend, rest, _ := strings.Cut(config, ":")
	plugin, options, _ := strings.Cut(rest, ",")
	switch {
	case backend == "go":
		return openGo(rest)
	case !slices.Contains([]string{"xla", "stablehlo", "hlo", "shlo"}, backend):
		return nil, Info{}, fmt.Errorf("no backend %q in this program: want one of go, xla", backend)
	case plugin == "":
		return p.fastest(options)
	}
	return p.plugin(plugin, options)
}

func openGo(config string) (compute.Backend, Info, error) {
	b, err := guard(func() (compute.Backend, error) { return gobackend.New(config) })
	if err != nil {
		return nil, Info{}, fmt.Errorf("the pure Go backend: %w", err)
	}
	return b, Info{
		Backend: "go",
		Version: moduleVersion("github.com/gomlx/compute"),
		Device:  fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
	}, nil
}

// moduleVersion returns the module's path and the version built into this
// program, which is absent from some test binaries.
func moduleVersion(module string) string {
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, m := range bi.Deps {
			if m.Path == module {
				return module + " " + m.Version
			}
		}
	}
	return module
}

// guard calls f and returns a panic of f, which is how GoMLX reports much, as
// an error.
func guard[T any](f func() (T, error)) (v T, err error) {
	switch e := exceptions.Try(func() { v, err = f() }).(type) {
	case nil:
	case error:
		err = e
	default:
		err = fmt.Errorf("%v", e)
	}
	return v, err
}

// String is the report on one line.
func (i Info) String() string {
	if i.Plugin == "" {
		return i.Backend + " " + i.Version
	}
	return i.Backend + ":" + i.Plugin + " " + i.Version
}
