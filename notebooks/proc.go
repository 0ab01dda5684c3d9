package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// interruptible returns a context that ends at the first SIGINT or SIGTERM; a second
// one ends the process. It also ends if go run does, which passes on no signals.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, cancel) // from here on signals have their usual effect
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
		go func(goRun int) {
			for ctx.Err() == nil {
				if os.Getppid() != goRun {
					cancel()
				}
				time.Sleep(time.Second)
			}
		}(os.Getppid())
	}
	return ctx, cancel
}

// grace is how long a process that was asked to stop may take.
const grace = 10 * time.Second

// newCommand returns a command in a process group of its own, so that Ctrl-C on the
// terminal reaches it only through us. When ctx ends, the group is asked to stop, and
// killed if it does not.
func newCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = grace
	cmd.Cancel = func() error {
		time.AfterFunc(grace/2, func() { killGroup(cmd.Process.Pid) })
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	return cmd
}

// runQuietly runs cmd, which must come from newCommand, and calls each with every line
// it prints. An error has the end of what it printed.
func runQuietly(ctx context.Context, cmd *exec.Cmd, each func(line string)) error {
	w := &lineWriter{each: each}
	cmd.Stdout, cmd.Stderr = w, w
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, indent(w.tail()))
	}
	return nil
}

// A lineWriter cuts what is written to it into lines and keeps the last of them.
type lineWriter struct {
	each  func(line string)
	mu    sync.Mutex
	rest  []byte
	lines []string
}

const keptLines = 25

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, b...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := strings.TrimRight(string(w.rest[:i]), "\r")
		w.rest = w.rest[i+1:]
		if len(w.lines) == keptLines {
			w.lines = w.lines[1:]
		}
		w.lines = append(w.lines, line)
		if w.each != nil {
			w.each(line)
		}
	}
}

func (w *lineWriter) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(append(w.lines[:len(w.lines):len(w.lines)], string(w.rest)), "\n")
}

// indent sets off lines that others wrote from ours.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

// killGroup kills the process group that pid leads or led, if there is anything left of
// it.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
