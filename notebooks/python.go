package main

import (
	"context"
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

func (e *environment) pythonStamp() stamp {
	return stamp{file: filepath.Join(e.dir, "venv.ok"), key: "venv " + setupVersion}
}

// pythonWorks reports whether the environment's Python still runs and has the packages:
// an update of the system's Python can take it away from under it.
func (e *environment) pythonWorks(ctx context.Context) bool {
	find := "import importlib.util as u, sys; sys.exit(u.find_spec('nbclient') is None)"
	return newCommand(ctx, e.python(), "-I", "-c", find).Run() == nil
}

// makePython makes the Python environment and installs the pinned packages in it.
func (e *environment) makePython(ctx context.Context) error {
	s := e.pythonStamp()
	if s.ok() && !e.pythonWorks(ctx) {
		if err := os.Remove(s.file); err != nil {
			return err
		}
	}
	return s.make(func() error {
		// Python finds its packages from where it is started, so an environment can be
		// moved; only the scripts in its bin cannot, and python -m does what they do.
		return replaceDir(e.venv(), func(dir string) error {
			pip, err := newVenv(ctx, dir)
			if err != nil {
				return err
			}
			return e.installPackages(ctx, pip)
		})
	})
}

// installPackages installs what requirements.txt lists, exactly.
func (e *environment) installPackages(ctx context.Context, pip []string) error {
	file := filepath.Join(e.dir, "requirements.txt")
	if err := os.WriteFile(file, requirements, 0o644); err != nil {
		return err
	}
	args := append(slices.Clone(pip[1:]), "install", "--no-deps", "--require-hashes",
		"--only-binary", ":all:",
		"--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", file)
	cmd := newCommand(ctx, pip[0], args...)
	cmd.Env = pythonEnv()
	return runQuietly(ctx, cmd)
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
		cmd := newCommand(ctx, python, append(args, dir)...)
		cmd.Env = pythonEnv()
		if err := runQuietly(ctx, cmd); err != nil {
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
		if err != nil {
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
			continue
		}
		version := strings.TrimSpace(string(out))
		if suits(version) {
			return path, nil
		}
		found = append(found, path+" is "+version)
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

// pythonEnv is the process's environment without what makes Python or pip look or
// install elsewhere.
func pythonEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV",
			"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV":
			return true
		}
		return false
	})
}
