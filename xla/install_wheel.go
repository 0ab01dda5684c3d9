package xla

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gomlx/go-xla/installer"
)

// A wheel is a Python package that holds a CPU plugin, and its pins.
type wheel struct {
	name, version string
	file          string // of the wheel
	sum           string // SHA-256 of the wheel
	plugin        string // the plugin's name inside
	pluginSum     string // SHA-256 of the plugin
}

// cpuWheel holds XLA's plain CPU plugin, under a name that go-xla knows, and
// depends on nothing.
var cpuWheel = wheel{
	name:      "lammps-jax-pjrt-cpu",
	version:   "0.11.2",
	file:      "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl",
	sum:       "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
	plugin:    "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
	pluginSum: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
}

func (w *wheel) String() string { return "wheel " + w.name + " " + w.version }

// installWheel gets the wheel through pip into tmp and takes the plugin out.
func (c cache) installWheel(ctx context.Context, tmp string) error {
	w := c.wheel
	fmt.Fprintf(c.log, "installing the CPU plugin, %s, in %s\n", w, c.dir)
	if err := c.download(ctx, tmp); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	file := filepath.Join(tmp, w.file)
	if err := checkSum(file, w.sum); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	defer r.Close()
	src, err := r.Open(w.plugin)
	if err != nil {
		return fmt.Errorf("%s: no file %s inside: %w", w, w.plugin, err)
	}
	defer src.Close()
	plugin := filepath.Join(tmp, pluginBase)
	if err := copyFile(plugin, src); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := place(plugin, c.wheelPlugin(), w.pluginSum); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	return nil
}

// download runs pip, which knows the user's mirrors and proxies.
func (c cache) download(ctx context.Context, tmp string) error {
	pip, err := findPip(ctx)
	if err != nil {
		return err
	}
	requirements := filepath.Join(tmp, "requirements.txt")
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", c.wheel.name, c.wheel.version, c.wheel.sum)
	if err := os.WriteFile(requirements, []byte(line), 0o644); err != nil {
		return err
	}
	out := new(tail)
	cmd := pipCommand(ctx, append(pip, "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
		"--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-d", tmp, "-r", requirements))
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp) // So that a killed pip leaves nothing elsewhere.
	cmd.Stdout = io.MultiWriter(c.log, out)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && strings.Contains(out.String(), "DO NOT MATCH THE HASHES"):
		return &badFileError{path: c.wheel.file, want: c.wheel.sum}
	case err != nil:
		return fmt.Errorf("%s: %w: %s", strings.Join(pip, " "), err, out.lastLine())
	}
	return nil
}

// findPip returns the first command on this machine that is a pip.
func findPip(ctx context.Context) ([]string, error) {
	for _, pip := range [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"pip"}} {
		err := pipCommand(ctx, append(pip, "--version")).Run()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			return pip, nil
		}
	}
	return nil, errors.New("no pip: want python3 -m pip, pip3 or pip to run")
}

func pipCommand(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	// A download touches no environment, so users who let pip work in virtual
	// environments only may do without one here.
	cmd.Env = append(os.Environ(), "PIP_REQUIRE_VIRTUALENV=0")
	killGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// A tail keeps the last of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const size = 2000
	t.b = append(t.b, p...)
	if n := len(t.b) - size; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }

// lastLine returns what pip says at the end, which is what went wrong.
func (t *tail) lastLine() string {
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// installGoXLA takes the plugin of go-xla's own installer: one that it has put
// in its usual place before, or a new one. The version is the one that go-xla
// was tested with.
func (c cache) installGoXLA(ctx context.Context, tmp string) error {
	if _, _, err := c.installedByGoXLA(); err == nil {
		return nil // The wheel's plugin was damaged, and this one is still there.
	}
	src, err := c.goXLAPlugin(ctx, tmp)
	if err != nil {
		return fmt.Errorf("go-xla's installer: %w", err)
	}
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	plugin := filepath.Join(tmp, pluginBase)
	if err := copyFile(plugin, f); err != nil {
		return err
	}
	sum, _, err := fileSum(plugin)
	if err != nil {
		return err
	}
	// A damaged former one must not be found in its place.
	old, _ := filepath.Glob(filepath.Join(c.dir, "go-xla-"+c.goxla+"-*"))
	for _, dir := range old {
		os.RemoveAll(dir)
	}
	path := filepath.Join(c.dir, "go-xla-"+c.goxla+"-"+sum, pluginBase)
	if err := place(plugin, path, sum); err != nil {
		return err
	}
	fmt.Fprintf(c.log, "installed go-xla's CPU plugin %s in %s\n", c.goxla, c.dir)
	return nil
}

func (c cache) goXLAPlugin(ctx context.Context, tmp string) (string, error) {
	name := "cpu_" + c.goxla
	for _, dir := range goXLADirs() {
		for _, path := range pluginsIn(dir, name) {
			if checkWhole(path) == nil {
				return path, nil
			}
		}
	}
	dir := filepath.Join(tmp, "go-xla")
	fmt.Fprintf(c.log, "asking go-xla's installer for its CPU plugin %s\n", c.goxla)
	done := make(chan error, 1)
	// It knows no context. What it does after the end of this one is in vain:
	// its directory is gone then.
	go func() {
		_, err := guard(func() (struct{}, error) {
			return struct{}{}, installer.CPUInstall(runtime.GOOS+"_"+runtime.GOARCH, c.goxla, dir, false, installer.Quiet)
		})
		done <- err
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case err := <-done:
		if err != nil {
			return "", err
		}
	}
	for _, path := range pluginsIn(dir, name) {
		if err := checkWhole(path); err != nil {
			return "", err
		}
		return path, nil
	}
	return "", fmt.Errorf("want a plugin %s in what it installed", name)
}
