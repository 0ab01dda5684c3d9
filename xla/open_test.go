//go:build unix && cgo

package xla

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// clearEnv takes away the settings of whoever runs the tests.
func clearEnv(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "")
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", "")
}

// realPlugin returns the CPU plugin in the default cache, so that all tests
// share one download.
func realPlugin(t *testing.T) string {
	t.Helper()
	clearEnv(t)
	path, err := EnsureCPUPlugin(t.Context(), "", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// checkAdds fails the test unless 1+1 is 2 on b.
func checkAdds(t *testing.T, b compute.Backend) {
	t.Helper()
	sum, err := graph.CallOnce(b, func(x, y *graph.Node) *graph.Node { return graph.Add(x, y) }, float32(1),
		float32(1))
	if err != nil {
		t.Fatal(err)
	}
	if got := sum.Value(); got != float32(2) {
		t.Errorf("1 + 1 = %v", got)
	}
}

func TestOpenCPU(t *testing.T) {
	realPlugin(t)
	forbidPip(t)
	t.Setenv("GOMLX_BACKEND", "go") // It is for "auto" only.
	for range 2 {
		start := time.Now()
		b, info, err := Open(t.Context(), Options{Name: "cpu", Log: t.Output()})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("opened in %v: %+v", time.Since(start), info)
		checkAdds(t, b)
		if !b.HasSharedBuffers() {
			t.Error("no shared buffers: each tensor is copied")
		}
		if info.Backend != "xla" || info.Plugin != "cpu" || info.Device == "" ||
			!strings.HasPrefix(info.Version, "PJRT ") {
			t.Errorf("info %+v", info)
		}
		b.Finalize()
	}
}

func TestOpenGo(t *testing.T) {
	forbidPip(t)
	b, info, err := Open(t.Context(), Options{Name: "go", CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	checkAdds(t, b)
	j, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(j), `{"backend":"go","version":"`) {
		t.Errorf("info %s", j)
	}
}

func TestOpenUnknown(t *testing.T) {
	_, _, err := Open(t.Context(), Options{Name: "tpu", CacheDir: t.TempDir()})
	if err == nil {
		t.Fatal(`opened "tpu"`)
	}
	for _, want := range []string{`"tpu"`, `"auto"`, `"cuda"`, `"cpu"`, `"go"`, "absolute path"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %s in it", err, want)
		}
	}
}

func TestOpenPath(t *testing.T) {
	path := realPlugin(t)
	b, info, err := Open(t.Context(), Options{Name: path, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	checkAdds(t, b)
	if info.Plugin != "cpu" {
		t.Errorf("info %+v", info)
	}

	missing := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
	if _, _, err := Open(t.Context(), Options{Name: missing}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want os.ErrNotExist", err)
	}

	// Loading it would end this process.
	head := make([]byte, 1<<20)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	truncated := filepath.Join(t.TempDir(), pluginBase)
	write(t, truncated, head, 0o644)
	if _, _, err := Open(t.Context(), Options{Name: truncated}); err == nil ||
		!strings.Contains(err.Error(), truncated) {
		t.Errorf("error %v, want one that names %s", err, truncated)
	}
}

// A plugin that would load, but is not the one pinned, must not be.
func TestUnknownPluginIsNotLoaded(t *testing.T) {
	good := realPlugin(t)
	c, _, _ := newTestCache(t)
	putPip(t, "python3", "exit 1")
	p := &opener{t.Context(), c}
	for _, name := range []string{c.wheelPlugin(), "cpu"} {
		if err := os.MkdirAll(filepath.Dir(c.wheelPlugin()), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(good, c.wheelPlugin()); err != nil {
			t.Fatal(err)
		}
		if _, info, err := p.open(name); err == nil {
			t.Errorf("%s: opened %+v", name, info)
		}
		os.Remove(c.wheelPlugin())
	}
}

// What needs no cache must not fail for the want of one.
func TestNoCacheDir(t *testing.T) {
	clearEnv(t)
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	if _, _, err := Open(t.Context(), Options{Name: "go"}); err != nil {
		t.Error(err)
	}
	if _, err := EnsureCPUPlugin(t.Context(), "", nil); err == nil ||
		!strings.Contains(err.Error(), "no directory") {
		t.Errorf("error %v, want one about the directory", err)
	}
}

func TestUsersPluginPath(t *testing.T) {
	path := realPlugin(t)
	forbidPip(t)
	broken, good := t.TempDir(), t.TempDir()
	write(t, filepath.Join(broken, pluginBase), []byte("\x7fELF, but no more of it"), 0o644)
	if err := os.Symlink(path, filepath.Join(good, pluginBase)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", broken+":"+good)
	for _, name := range []string{"auto", "cpu"} {
		var log strings.Builder
		b, info, err := Open(t.Context(), Options{Name: name, CacheDir: t.TempDir(), Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Finalize()
		if !strings.Contains(info.Version, good) {
			t.Errorf("%s: %+v, want the plugin in %s", name, info, good)
		}
		if !strings.Contains(log.String(), broken) {
			t.Errorf("%s: log %q, want that %s was passed over", name, &log, broken)
		}
		checkAdds(t, b)
	}
}

func TestUsersBackend(t *testing.T) {
	realPlugin(t)
	for _, test := range []struct {
		config, backend string
		shared          bool
		err             string
	}{
		{config: "go", backend: "go", shared: true},
		{config: "xla:cpu", backend: "xla", shared: true},
		{config: "xla:cpu,noshared_buffers", backend: "xla", shared: false},
		{config: "xla:rocm", err: "rocm"},
		{config: "xla:cpu,colour=red", err: "colour"},
		{config: "mlx", err: "want one of"},
	} {
		t.Run(test.config, func(t *testing.T) {
			t.Setenv("GOMLX_BACKEND", test.config)
			b, info, err := Open(t.Context(), Options{})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q in it", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer b.Finalize()
			checkAdds(t, b)
			if info.Backend != test.backend || b.HasSharedBuffers() != test.shared {
				t.Errorf("%+v, shared buffers %t", info, b.HasSharedBuffers())
			}
		})
	}
}

func TestAutoFallsBackToGo(t *testing.T) {
	clearEnv(t)
	c, _, log := newTestCache(t)
	putPip(t, "python3", "exit 7")
	p := &opener{t.Context(), c}
	b, info, err := p.open("auto")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	if info.Backend != "go" {
		t.Skipf("%+v: this machine has a GPU", info)
	}
	var warnings []string
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "warning: ") {
			warnings = append(warnings, line)
		}
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "slower") ||
		!strings.Contains(warnings[0], "exit status 7") {
		t.Errorf("warnings %q, want one that says what it costs and why", warnings)
	}
}

func TestAutoDoesNotFallBackOnCancel(t *testing.T) {
	clearEnv(t)
	c, _, _ := newTestCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	putPip(t, "python3", "sleep 60")
	p := &opener{ctx, c}
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, _, err := p.open("auto"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
