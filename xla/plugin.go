package xla

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/go-xla/installer"
)

var pluginFile = regexp.MustCompile(
	`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+)|xla_(.+)_plugin)\.(?:so|dylib|dll)$`)

// pluginName returns the plugin's name as its file name has it, without a
// version: "cpu", "cuda". A file named otherwise goes by its whole name.
func pluginName(path string) string {
	base := filepath.Base(path)
	m := pluginFile.FindStringSubmatch(base)
	if m == nil {
		return base
	}
	name, _, _ := strings.Cut(m[1]+m[2]+m[3], "_v")
	return name
}

// isCPUName is the rule of go-xla's Plugin.IsCPU.
func isCPUName(name string) bool { return strings.Contains(strings.ToLower(name), "cpu") }

// withDefaults returns the go-xla options with ours added where they say
// nothing: full float32 precision on a GPU, where go-xla's default is TF32,
// and tensors shared with the host, uncopied, on the CPU only.
func withDefaults(options, name string) string {
	parts := strings.FieldsFunc(options, func(r rune) bool { return r == ',' })
	has := func(option string) bool {
		return slices.ContainsFunc(parts, func(part string) bool {
			key, _, _ := strings.Cut(part, "=")
			return strings.TrimPrefix(key, "no") == option
		})
	}
	if !has("tf32") {
		parts = append(parts, "tf32=false")
	}
	if !has("shared_buffers") {
		parts = append(parts, fmt.Sprintf("shared_buffers=%t", isCPUName(name)))
	}
	return strings.Join(parts, ",")
}

// find returns the path of the first whole plugin of that name in dirs. It
// says on log which it passes over. Without one, the error wraps [fs.ErrNotExist].
func find(name string, dirs []string, log io.Writer) (string, error) {
	for _, dir := range dirs {
		for _, path := range pluginsIn(dir, name) {
			if err := checkWhole(path); err != nil {
				fmt.Fprintf(log, "warning: passing over a plugin: %v\n", err)
				continue
			}
			return path, nil
		}
	}
	places := strings.Join(dirs, string(filepath.ListSeparator))
	return "", fmt.Errorf("PJRT plugin %q in %s: %w", name, places, fs.ErrNotExist)
}

// pluginsIn returns the files in dir that are named as plugins of that name,
// the ones without a version first, then the highest.
func pluginsIn(dir, name string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // As for any search path, a directory may be missing.
	}
	var plain, versioned []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		m := pluginFile.FindStringSubmatch(e.Name())
		switch {
		case m == nil:
		case m[1]+m[2] == name:
			plain = append(plain, path)
		case strings.HasPrefix(m[1]+m[2], name+"_v"):
			versioned = append(versioned, path)
		}
	}
	version := func(path string) string {
		_, v, _ := strings.Cut(filepath.Base(path), name+"_v")
		return v
	}
	slices.SortFunc(versioned, func(a, b string) int {
		return installer.PipCompareVersion(version(b), version(a))
	})
	return append(plain, versioned...)
}

// pipPlugin returns the path of CUDA's plugin in a package of the Python on PATH, jax-cuda13-pjrt or
// jax-cuda12-pjrt, and tells XLA and go-xla where the packages of NVIDIA beside it are.
func pipPlugin(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	const find = `import importlib.util, os
for name in "xla_cuda13", "xla_cuda12":
    try:
        spec = importlib.util.find_spec("jax_plugins." + name)
    except ImportError:
        break
    if spec and spec.origin:
        print(os.path.join(os.path.dirname(spec.origin), "xla_cuda_plugin.so"))
        break`
	out, err := exec.CommandContext(ctx, "python3", "-c", find).Output()
	path := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(path) {
		return "", fmt.Errorf("PJRT plugin of CUDA in a package of python3: %w", fs.ErrNotExist)
	}
	if err := checkWhole(path); err != nil {
		return "", err
	}
	site := filepath.Dir(filepath.Dir(filepath.Dir(path)))
	for _, dir := range []string{"cu13", "cuda_nvcc"} {
		dir = filepath.Join(site, "nvidia", dir)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return path, errors.Join(setXLAFlag("--xla_gpu_cuda_data_dir", dir),
				os.Setenv("GOPJRT_CUDA_CHECKS", "0"))
		}
	}
	return path, nil
}

// envPluginDirs returns the directories of PJRT_PLUGIN_LIBRARY_PATH.
func envPluginDirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv(pluginPathsEnv)) {
		if abs, err := filepath.Abs(dir); err == nil && dir != "" {
			dirs = append(dirs, abs)
		}
	}
	return dirs
}

// pluginDirs returns where to search for plugins that are not ours: the
// user's directories or, without them, where go-xla's installer puts plugins.
func pluginDirs() []string {
	dirs := envPluginDirs()
	if len(dirs) > 0 {
		return dirs
	}
	if lib, err := installer.DefaultHomeLibPath(); err == nil {
		dirs = append(dirs, filepath.Join(lib, "go-xla"), filepath.Join(lib, "go-xla", "nvidia"))
	}
	return append(dirs, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia")
}

// checkWhole returns an error if the file at path is missing or, on Linux, is no
// ELF file or ends before its headers say. It serves plugins whose hash is not known.
func checkWhole(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("PJRT plugin: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("PJRT plugin %s: want a file, have %v", path, fi.Mode())
	}
	if runtime.GOOS != "linux" {
		return nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("PJRT plugin %s: want a whole shared library: %w", path, err)
	}
	defer f.Close()
	end := uint64(0)
	for _, prog := range f.Progs {
		end = max(end, prog.Off+prog.Filesz)
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS {
			end = max(end, s.Offset+s.FileSize)
		}
	}
	if uint64(fi.Size()) < end {
		return fmt.Errorf("PJRT plugin %s: truncated: want %d bytes, have %d", path, end, fi.Size())
	}
	return nil
}

// HasGPU reports whether an NVIDIA GPU is there. A container may have the
// driver's control device only, and WSL the program only.
func HasGPU(ctx context.Context) bool {
	if nodes, _ := filepath.Glob("/dev/nvidia[0-9]*"); len(nodes) > 0 {
		return true
	}
	smi, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, smi, "-L").Output()
	return err == nil && strings.HasPrefix(string(out), "GPU ")
}

// oneDNN has XLA's CPU compiler leave convolutions and matrix products to oneDNN,
// which is in the wheel: most convolutions of small networks take half the time.
const oneDNN = "--xla_cpu_experimental_onednn_custom_call"

// setXLAFlag sets a flag to a value in XLA_FLAGS, which XLA reads when it compiles for the
// first time, unless the user says otherwise. XLA ends the process at a flag that it
// does not know, so set only those that the plugin has. An XLA_FLAGS that names a file
// of flags, without a dash in front, stays as it is.
func setXLAFlag(flag, value string) error {
	flags := strings.TrimSpace(os.Getenv("XLA_FLAGS"))
	if flags != "" && flags[0] != '-' {
		return nil
	}
	for _, f := range strings.Fields(flags) {
		if name, _, _ := strings.Cut(f, "="); name == flag {
			return nil
		}
	}
	return os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" "+flag+"="+value))
}
