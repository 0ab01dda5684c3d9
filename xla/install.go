package xla

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"weightsep/datasets/files"

	"github.com/gomlx/go-xla/installer"
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

// A cache keeps CPU plugins in a directory: the one out of the wheel, which is
// hashed each time before it is loaded (0.15 s for 0.2 GB), or that of go-xla's
// installer, which comes without a hash and is only checked for being whole.
type cache struct {
	dir   string
	err   error                  // why there is no dir, for users who need none
	wheel *wheel                 // nil where there is none for the platform
	goxla func(dir string) error // installs go-xla's plugin in dir; nil: never
	log   io.Writer
}

func newCache(dir string, log io.Writer) cache {
	if log == nil {
		log = io.Discard
	}
	c := cache{log: log, goxla: func(dir string) error {
		platform := runtime.GOOS + "_" + runtime.GOARCH
		return installer.CPUInstall(platform, goXLAVersion, dir, false, installer.Quiet)
	}}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		c.wheel = &cpuWheel
	}
	if dir == "" {
		if dir, c.err = os.UserCacheDir(); c.err != nil {
			return c
		}
		dir = filepath.Join(dir, "weightsep")
	}
	dir, c.err = filepath.Abs(dir)
	c.dir = filepath.Join(dir, "pjrt")
	return c
}

const (
	pluginBase = "pjrt_c_api_cpu_plugin.so" // Any platform's loader takes the name.
	tempPrefix = "tmp-"
)

func (c cache) wheelPlugin() string {
	return filepath.Join(c.dir, c.wheel.name+"-"+c.wheel.version, pluginBase)
}

func (c cache) goXLADir() string { return filepath.Join(c.dir, "go-xla-"+goXLAVersion) }

// installed returns the plugin in the cache and where it came from. The error
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
	path, err = find("cpu", []string{c.goXLADir()}, c.log)
	return path, "go-xla " + goXLAVersion, err
}

// ensure is installed, but installs the plugin if it is missing or damaged.
func (c cache) ensure(ctx context.Context) (path, origin string, err error) {
	if c.err != nil {
		return "", "", fmt.Errorf("no directory for plugins: %w", c.err)
	}
	var bad *badFileError
	missing := func(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.As(err, &bad) }
	if path, origin, err = c.installed(); !missing(err) {
		return path, origin, err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	bad = nil
	if path, origin, err = c.installed(); !missing(err) { // Another process was faster.
		return path, origin, err
	}
	if bad != nil {
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

// lock waits until no other process installs.
func (c cache) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	return files.Lock(ctx, filepath.Join(c.dir, "lock"), func() {
		fmt.Fprintf(c.log, "waiting for another process that installs a plugin in %s\n", c.dir)
	})
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
		fmt.Fprintf(c.log, "installing XLA's CPU plugin in %s, out of %s, which is named for another project "+
			"but holds the plain plugin and needs no other package\n", c.dir, c.wheel)
		start := time.Now()
		if wheelErr = c.installWheel(ctx, tmp); wheelErr == nil {
			fmt.Fprintf(c.log, "installed %s in %.1f s\n", c.wheel, time.Since(start).Seconds())
			return nil
		}
		wheelErr = fmt.Errorf("%s: %w", c.wheel, wheelErr)
		// What comes with a wrong hash is no reason to go and look for what
		// has none.
		var bad *badFileError
		if c.goxla == nil || ctx.Err() != nil || errors.As(wheelErr, &bad) {
			return wheelErr
		}
		fmt.Fprintf(c.log, "not installed: %v\n", wheelErr)
	}
	if err := c.installGoXLA(ctx, tmp); err != nil {
		return errors.Join(wheelErr, fmt.Errorf("go-xla's installer: %w", err))
	}
	return nil
}

// installWheel gets the wheel through pip into tmp and takes the plugin out.
func (c cache) installWheel(ctx context.Context, tmp string) error {
	w := c.wheel
	if err := c.download(ctx, tmp); err != nil {
		return err
	}
	file := filepath.Join(tmp, w.file)
	if err := checkSum(file, w.sum); err != nil {
		return err
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := fs.ReadFile(r, w.plugin)
	if err != nil {
		return fmt.Errorf("no file %s inside: %w", w.plugin, err)
	}
	plugin := filepath.Join(tmp, pluginBase)
	out, err := os.Create(plugin)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkSum(plugin, w.pluginSum); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.wheelPlugin()), 0o755); err != nil {
		return err
	}
	return os.Rename(plugin, c.wheelPlugin())
}

// installGoXLA runs go-xla's installer for the version that go-xla was tested with.
// It knows no context: what it does after the end of ctx is in vain, its directory
// is gone then.
func (c cache) installGoXLA(ctx context.Context, tmp string) error {
	if _, err := find("cpu", []string{c.goXLADir()}, c.log); err == nil {
		return nil // The wheel's plugin was damaged, and this one is still there.
	}
	dir, done := filepath.Join(tmp, "go-xla"), make(chan error, 1)
	fmt.Fprintf(c.log, "asking go-xla's installer for its CPU plugin %s\n", goXLAVersion)
	go func() {
		_, err := guard(func() (struct{}, error) { return struct{}{}, c.goxla(dir) })
		done <- err
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		if err != nil {
			return err
		}
	}
	if _, err := find("cpu", []string{dir}, c.log); err != nil {
		return err
	}
	if err := os.RemoveAll(c.goXLADir()); err != nil { // a damaged former one
		return err
	}
	return os.Rename(dir, c.goXLADir())
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
	var out bytes.Buffer
	cmd := pipCommand(ctx, append(pip, "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
		"--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-d", tmp, "-r", requirements))
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp) // So that a killed pip leaves nothing elsewhere.
	cmd.Stdout = io.MultiWriter(c.log, &out)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	printed := strings.TrimSpace(out.String())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && strings.Contains(printed, "DO NOT MATCH THE HASHES"):
		return &badFileError{c.wheel.file, fmt.Sprintf(
			"%s: want SHA-256 %s, pip got a file with another", c.wheel.file, c.wheel.sum)}
	case err != nil:
		last := printed[strings.LastIndexByte(printed, '\n')+1:]
		return fmt.Errorf("%s: %w: %s", strings.Join(pip, " "), err, last)
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
	// What is called pip may be a script that runs it: both end with ctx.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// A badFileError reports a file that is not what it should be.
type badFileError struct{ path, problem string }

func (e *badFileError) Error() string { return e.problem }

// checkSum returns a *badFileError if the file's SHA-256 is not want.
func checkSum(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if have := hex.EncodeToString(h.Sum(nil)); have != want {
		return &badFileError{path, fmt.Sprintf(
			"%s is damaged or another file: want SHA-256 %s, have %s", path, want, have)}
	}
	return nil
}
