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

// makePython makes the Python environment and installs the pinned packages in it, ONNX Runtime only if
// there is one for this Python and system.
func (e *environment) makePython(ctx context.Context) error {
	return replaceDir(e.venv(), func(dir string) error {
		pip, err := newVenv(ctx, dir)
		if err != nil {
			return err
		}
		if err := e.install(ctx, pip, dir, "requirements.txt", requirements); err != nil {
			return err
		}
		e.noONNX = e.install(ctx, pip, dir, "onnxruntime.txt", onnxRequirements)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return tryPython(ctx, dir)
	})
}

// install has pip install pins, which it keeps in a file of the name, in the Python environment in dir.
func (e *environment) install(ctx context.Context, pip []string, dir, name string, pins []byte) error {
	file := filepath.Join(e.dir, name)
	if err := os.WriteFile(file, pins, 0o644); err != nil {
		return err
	}
	// Python finds its packages from where it is started, so an environment can be
	// moved; only the scripts in its bin cannot, and python -m does what they do.
	//
	// The user's pip may be configured to install elsewhere. Options come before its files and its
	// variables, but for lists, which options only add to; an empty target is none.
	args := append(slices.Clip(pip), "install", "--no-user", "--target=", "--prefix="+dir, "--root=/",
		"--no-deps", "--require-hashes", "--only-binary", ":all:",
		"--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", file)
	cmd := pythonCommand(ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Env, "PIP_CONSTRAINT="+os.DevNull)
	return runQuietly(ctx, cmd)
}

// tryPython returns an error if the Python environment in dir lacks a package that the runner uses.
func tryPython(ctx context.Context, dir string) error {
	python := filepath.Join(dir, "bin", "python")
	use := "import jupyterlab, nbclient, nbconvert, psutil"
	err := runQuietly(ctx, newCommand(ctx, python, "-I", "-c", use))
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("pip is done, but its packages do not work in %s: "+
			"see what pip config list says of where it installs, and how: %w", dir, err)
	}
	return err
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

// pythonEnv is the process's environment without what makes Python look elsewhere, and without
// other variables.
func pythonEnv(without ...string) []string {
	without = append(without, "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV")
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(without, name)
	})
}

// goInfo is what the set-up wants to know of the Go that is used.
type goInfo struct {
	dir     string // of the go command
	version string
	flags   string // GOFLAGS that go with workspaces and with a checkout of another owner
	tmp     string // GOTMPDIR: where programs that were just built may run; empty for TMPDIR
}

func findGo(ctx context.Context, root string) (goInfo, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return goInfo{}, fmt.Errorf("the go command must be on PATH: the kernel compiles cells "+
			"with it: %w", err)
	}
	cmd := newCommand(ctx, path, "env", "GOVERSION", "GOFLAGS", "GOTMPDIR")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return goInfo{}, fmt.Errorf("go env: %w", err)
	}
	values := strings.Split(string(out), "\n")
	flags := slices.DeleteFunc(strings.Fields(values[1]), func(f string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		return slices.Contains([]string{"mod", "modfile", "buildvcs"}, name)
	})
	// Workspaces refuse other values of -mod, and -modfile. No program here needs the commit that Go
	// stamps: Go asks git for it, which refuses a checkout of another owner.
	flags = append(flags, "-mod=readonly", "-buildvcs=false")
	return goInfo{filepath.Dir(path), values[0], strings.Join(flags, " "), values[2]}, nil
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
		if err := runQuietly(ctx, cmd); err != nil {
			return err
		}
		for _, try := range [][]string{{"gonb", "-V"}, {"gopls", "version"}, {"goimports"}} {
			cmd := newCommand(ctx, filepath.Join(dir, try[0]), try[1:]...)
			cmd.Stdin = strings.NewReader("package p\n") // for goimports
			if err := runQuietly(ctx, cmd); err != nil {
				return fmt.Errorf("%s was built but does not run; "+
					"XDG_CACHE_HOME must be on a file system that lets programs run: %w", try[0], err)
			}
		}
		return nil
	})
}

// goScript is the go command of cells. GoNB shows what it says when a cell does not compile: where another
// cell has to be run first, this is said in words before that.
const goScript = `#!/bin/sh
go='%s'
case "$1 $2" in
"build -o" | "test -c" | "get " | "get -t") ;; # what GoNB runs
*) exec "$go" "$@" ;;
esac
said=$("$go" "$@" 2>&1) && code=0 || code=$?
if [ $code != 0 ]; then
	missing=$(printf '%%s\n' "$said" | sed -n 's/.*main.go:[0-9:]* undefined: \([^ .]*\)$/\1/p' |
		sort -u | tr '\n' ' ')
	case $said in
	*"package weightsep/"*) [ -e go.work ] ||
		echo "Run the first cell of code of this notebook first: it lets the others import the checkout." ;;
	*) [ -z "$missing" ] ||
		echo "No cell that was run declares or imports: $missing- run first the cell that does," \
			"or all above this one (menu Run, Run All Above Selected Cell)." ;;
	esac
fi
[ -z "$said" ] || printf '%%s\n' "$said"
exit $code
`

// goForCells is the directory of the go command of cells.
func (e *environment) goForCells() string { return filepath.Join(e.dir, "go") }

// goForCellsScript is that command.
func (e *environment) goForCellsScript() string {
	quoted := strings.ReplaceAll(filepath.Join(e.goes.dir, "go"), "'", `'\''`)
	return strings.TrimSpace(fmt.Sprintf(goScript, quoted))
}

// makeGoForCells writes it.
func (e *environment) makeGoForCells(context.Context) error {
	if err := os.MkdirAll(e.goForCells(), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.goForCells(), "go"), []byte(e.goForCellsScript()), 0o755)
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

// kernelSpec is the file that tells Jupyter how to start the kernel. It is GoNB's own, plus
// -raw_error, for errors as text and not as HTML, plus the PATH to the tools, plus the settings
// of Go that the cells need, whoever opens the notebooks: they make their own workspace. Cells that
// run Python take the environment's, of WEIGHTSEP_PYTHON.
func (e *environment) kernelSpec() string {
	path := []string{e.goForCells(), e.bin(), e.goes.dir, "${PATH}"}
	b, err := json.MarshalIndent(map[string]any{
		"argv": []string{filepath.Join(e.bin(), "gonb"), "--kernel", "{connection_file}",
			"-raw_error"},
		"display_name":   "Go (gonb)",
		"language":       "go",
		"interrupt_mode": "message",
		"env": map[string]string{"PATH": strings.Join(path, string(filepath.ListSeparator)),
			"GOFLAGS": e.goes.flags, "GOWORK": "", "WEIGHTSEP_PYTHON": e.python()},
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
