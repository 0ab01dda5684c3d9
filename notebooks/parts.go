package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The Python versions that there are wheels of all packages for.
const oldestPython, newestPython = 9, 14

// pythonWorks reports whether the environment's Python still runs and has the packages:
// an update of the system's Python can take it away from under it.
func (e *environment) pythonWorks(ctx context.Context) bool {
	find := "import importlib.util as u, sys; sys.exit(u.find_spec('nbclient') is None)"
	return newCommand(ctx, e.python(), "-I", "-c", find).Run() == nil
}

// makePython makes the Python environment and installs the pinned packages in it.
func (e *environment) makePython(ctx context.Context) error {
	file := filepath.Join(e.dir, "requirements.txt")
	if err := os.WriteFile(file, requirements, 0o644); err != nil {
		return err
	}
	// Python finds its packages from where it is started, so an environment can be
	// moved; only the scripts in its bin cannot, and python -m does what they do.
	return replaceDir(e.venv(), func(dir string) error {
		pip, err := newVenv(ctx, dir)
		if err != nil {
			return err
		}
		args := append(pip, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:",
			"--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", file)
		return runQuietly(ctx, pythonCommand(ctx, args[0], args[1:]...))
	})
}

// newVenv makes an empty Python environment in dir and returns the command that is its
// pip.
func newVenv(ctx context.Context, dir string) (pip []string, err error) {
	python, err := findPython(ctx)
	if err != nil {
		return nil, err
	}
	inside := filepath.Join(dir, "bin", "python")
	own := []string{inside, "-m", "pip"}
	try := func(args ...string) bool { return newCommand(ctx, python, args...).Run() == nil }
	create := func(args ...string) error {
		if err := runQuietly(ctx, pythonCommand(ctx, python, append(args, dir)...)); err != nil {
			return fmt.Errorf("making a Python environment: %w", err)
		}
		return nil
	}
	switch {
	case try("-c", "import venv, ensurepip"):
		return own, create("-m", "venv")
	case try("-c", "import virtualenv"):
		return own, create("-m", "virtualenv")
	case try("-c", "import venv") && try("-m", "pip", "--python", python, "--version"):
		// Debian's Python without python3-venv, but with a pip that serves others.
		return []string{python, "-m", "pip", "--python", inside}, create("-m", "venv", "--without-pip")
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("%s cannot make environments: install its venv module "+
		"(Debian, Ubuntu: apt install python3-venv) or virtualenv", python)
}

// findPython returns a Python of a version that the pins are for.
func findPython(ctx context.Context) (string, error) {
	names := []string{"python3", "python"}
	for minor := newestPython; minor >= oldestPython; minor-- {
		names = append(names, fmt.Sprintf("python3.%d", minor))
	}
	var found []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := newCommand(ctx, path, "-I", "-c",
			"import sys; print('%d.%d' % sys.version_info[:2])").Output()
		version := strings.TrimSpace(string(out))
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err == nil && suits(version):
			return path, nil
		case err == nil:
			found = append(found, path+" is "+version)
		}
	}
	want := fmt.Sprintf("Python 3.%d to 3.%d is needed (Debian, Ubuntu: apt install python3 python3-venv; "+
		"macOS: brew install python@3.13)", oldestPython, newestPython)
	if len(found) > 0 {
		return "", fmt.Errorf("%s; %s", want, strings.Join(found, ", "))
	}
	return "", errors.New(want + "; no python3 on PATH")
}

// suits reports whether the pins are for a Python version such as "3.11".
func suits(version string) bool {
	minor, ok := strings.CutPrefix(version, "3.")
	n, err := strconv.Atoi(minor)
	return ok && err == nil && oldestPython <= n && n <= newestPython
}

func pythonCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := newCommand(ctx, name, args...)
	cmd.Env = pythonEnv()
	return cmd
}

// pythonEnv is the process's environment without what makes Python or pip look or
// install elsewhere, and without other variables.
func pythonEnv(without ...string) []string {
	without = append(without, "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV",
		"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(without, name)
	})
}

// goInfo is what the set-up wants to know of the Go that is used.
type goInfo struct {
	dir     string // of the go command
	version string
	flags   string // GOFLAGS without -mod, which does not go with workspaces
}

func findGo(ctx context.Context, root string) (goInfo, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return goInfo{}, fmt.Errorf("the go command must be on PATH: the kernel compiles cells "+
			"with it: %w", err)
	}
	cmd := newCommand(ctx, path, "env", "GOVERSION", "GOFLAGS")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return goInfo{}, fmt.Errorf("go env: %w", err)
	}
	version, flags, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	fields := slices.DeleteFunc(strings.Fields(flags), func(f string) bool {
		return strings.HasPrefix(strings.TrimLeft(f, "-"), "mod=")
	})
	return goInfo{dir: filepath.Dir(path), version: version, flags: strings.Join(fields, " ")}, nil
}

// goCommand returns a go command that sees the checkout's module alone.
func (e *environment) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := newCommand(ctx, filepath.Join(e.goes.dir, "go"), args...)
	cmd.Dir = e.root
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+e.goes.flags)
	return cmd
}

// makeTools builds the kernel, gopls and goimports at the versions of go.mod.
func (e *environment) makeTools(ctx context.Context) error {
	return replaceDir(e.bin(), func(dir string) error {
		cmd := e.goCommand(ctx, "install", "tool")
		cmd.Env = append(cmd.Env, "GOBIN="+dir)
		return runQuietly(ctx, cmd)
	})
}

// libraryStamp is a stamp for each checkout, since they share the environment.
func (e *environment) libraryStamp() (stamp, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(e.root, name))
		if err != nil {
			return stamp{}, err
		}
		fmt.Fprintf(h, "%d\n%s", len(b), b)
	}
	sum := sha256.Sum256([]byte(e.root))
	name := fmt.Sprintf("library-%x.ok", sum[:6])
	key := fmt.Sprintf("%s %x", e.goes.version, h.Sum(nil)[:6])
	return stamp{file: filepath.Join(e.dir, name), key: key}, nil
}

// errLibrary is the reason why warmUp fails.
var errLibrary = errors.New("the library does not compile")

// warmUp compiles what the cells import, so that the first of them does not have to. It
// also downloads modules that are missing: the cells get none.
func (e *environment) warmUp(ctx context.Context) error {
	// Cells are built in a workspace, which looks up the go.mod of every module there is,
	// not only of those that a build here needs.
	err := runQuietly(ctx, e.goCommand(ctx, "list", "-m", "all"))
	if err == nil {
		err = runQuietly(ctx, e.goCommand(ctx, "build", "./...", "github.com/janpfeifer/gonb/gonbui"))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errLibrary, err)
	}
	return nil
}

// kernelSpecFile is what makes the kernel known to the environment's Jupyter, and to no other, by
// the name that the notebooks' metadata have.
func (e *environment) kernelSpecFile() string {
	return filepath.Join(e.venv(), "share", "jupyter", "kernels", "gonb", "kernel.json")
}

// kernelSpec is the file that tells Jupyter how to start the kernel. It is GoNB's own,
// plus -raw_error, for errors as text and not as HTML, plus the PATH to the tools.
func (e *environment) kernelSpec() string {
	path := []string{e.bin(), e.goes.dir, "${PATH}"}
	b, err := json.MarshalIndent(map[string]any{
		"argv": []string{filepath.Join(e.bin(), "gonb"), "--kernel", "{connection_file}",
			"-raw_error"},
		"display_name":   "Go (gonb)",
		"language":       "go",
		"interrupt_mode": "message",
		"env":            map[string]string{"PATH": strings.Join(path, string(filepath.ListSeparator))},
	}, "", "  ")
	if err != nil {
		panic(err) // strings and nothing else
	}
	return string(b)
}

// makeKernelDir makes the directory of the specification, which is its own stamp.
func (e *environment) makeKernelDir(context.Context) error {
	return os.MkdirAll(filepath.Dir(e.kernelSpecFile()), 0o755)
}
