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
	"strings"
)

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

// kernelSpecFile makes the kernel known to the environment's Jupyter, and to no other, by the
// name that the notebooks' metadata have.
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
