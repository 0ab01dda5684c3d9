//go:build unix && cgo

package xla

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestCheckWhole(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no ELF files here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkWhole(self); err != nil {
		t.Errorf("this program: %v", err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	// Without section headers, at the end of the file, the segments tell.
	stripped := slices.Clone(b)
	clear(stripped[0x28:0x30]) // e_shoff
	clear(stripped[0x3c:0x40]) // e_shnum, e_shstrndx
	for _, test := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"10 bytes", b[:10]},
		{"half", b[:len(b)/2]},
		{"all but a byte", b[:len(b)-1]},
		{"a quarter, no section headers", stripped[:len(b)/4]},
	} {
		path := filepath.Join(t.TempDir(), pluginBase)
		write(t, path, test.b, 0o644)
		if err := checkWhole(path); err == nil {
			t.Errorf("%s of a file passes for whole", test.name)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for _, test := range []struct {
		path, name string
		ok         bool
	}{
		{"/Users/ann/.cache/weightsep/pjrt_c_api_cpu_plugin.so", "cpu", true},
		{"/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so", "cuda", true},
		{"/lib/pjrt_c_api_cpu_v0.114.0_plugin.so", "cpu", true},
		{"/Users/nvidia/pjrt_c_api_cpu_plugin.so", "cpu", false},
		{"/cpu/nvidia/pjrt_c_api_cuda_plugin.so", "cuda", false},
		{"/home/a,b/pjrt_c_api_cpu_plugin.so", "cpu", false},
	} {
		name := pluginName(test.path)
		if name != test.name {
			t.Errorf("%s is named %q, want %q", test.path, name, test.name)
		}
		if err := checkPath(test.path, name); (err == nil) != test.ok {
			t.Errorf("%s: error %v", test.path, err)
		}
	}
}

func TestWithDefaults(t *testing.T) {
	for _, test := range []struct{ options, name, want string }{
		{"", "cuda", "tf32=false,shared_buffers=false"},
		{"", "cpu", "tf32=false,shared_buffers=true"},
		{"tf32", "cuda", "tf32,shared_buffers=false"},
		{"preallocate=false,notf32", "cuda", "preallocate=false,notf32,shared_buffers=false"},
		{"noshared_buffers", "cpu", "noshared_buffers,tf32=false"},
	} {
		if got := withDefaults(test.options, test.name); got != test.want {
			t.Errorf("withDefaults(%q, %q) = %q, want %q", test.options, test.name, got, test.want)
		}
	}
}

func TestFindPlugin(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, test := range []struct{ add, want string }{
		{"libcuda.so", ""},
		{"pjrt_c_api_cuda_v0.9_plugin.so", "pjrt_c_api_cuda_v0.9_plugin.so"},
		{"pjrt_c_api_cuda_v0.10_plugin.so", "pjrt_c_api_cuda_v0.10_plugin.so"},
		{"pjrt_c_api_cpu_plugin.so", "pjrt_c_api_cuda_v0.10_plugin.so"},
		{"pjrt-plugin-cuda.so", "pjrt-plugin-cuda.so"},
	} {
		if err := os.Symlink(self, filepath.Join(dir, test.add)); err != nil {
			t.Fatal(err)
		}
		path, err := find("cuda", []string{filepath.Join(dir, "missing"), dir}, t.Output())
		if got := filepath.Base(path); err == nil && got != test.want {
			t.Errorf("with %s: found %s, want %s", test.add, got, test.want)
		}
		if (err == nil) != (test.want != "") {
			t.Errorf("with %s: error %v", test.add, err)
		}
	}
}

// A stand-in for Python says where its package lies, as python3 does; NVIDIA's are beside it.
func TestPipPlugin(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	site, bin := t.TempDir(), t.TempDir()
	plugin := filepath.Join(site, "jax_plugins", "xla_cuda13", "xla_cuda_plugin.so")
	nvidia := filepath.Join(site, "nvidia", "cu13")
	for _, dir := range []string{filepath.Dir(plugin), nvidia} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("XLA_FLAGS", "")
	t.Setenv("GOPJRT_CUDA_CHECKS", "")
	says := func(line string) {
		t.Helper()
		script := "#!/bin/sh\n" + line + "\n"
		if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pipPlugin(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no Python: %v", err)
	}
	says("exit 0")
	if _, err := pipPlugin(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no package: %v", err)
	}
	says("echo " + plugin)
	if _, err := pipPlugin(t.Context()); err == nil {
		t.Error("no file: no error")
	}
	if err := os.Symlink(self, plugin); err != nil {
		t.Fatal(err)
	}
	path, err := pipPlugin(t.Context())
	if err != nil || path != plugin || pluginName(path) != "cuda" {
		t.Errorf("found %s (%v), want %s", path, err, plugin)
	}
	if got := os.Getenv("XLA_FLAGS"); got != "--xla_gpu_cuda_data_dir="+nvidia {
		t.Errorf("XLA_FLAGS are %q", got)
	}
}

func TestSetXLAFlag(t *testing.T) {
	for _, test := range []struct{ have, want string }{
		{"", "--some=true"},
		{"--other=1 ", "--other=1 --some=true"},
		{"--some=false --other=1", "--some=false --other=1"},
		{"/a/file", "/a/file"},
		{"--something=false", "--something=false --some=true"},
	} {
		t.Setenv("XLA_FLAGS", test.have)
		if err := setXLAFlag("--some", "true"); err != nil {
			t.Fatal(err)
		}
		if got := os.Getenv("XLA_FLAGS"); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.have, got, test.want)
		}
	}
}
