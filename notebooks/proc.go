package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
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

// runQuietly runs cmd, which must come from newCommand. An error has the end of what it
// printed.
func runQuietly(ctx context.Context, cmd *exec.Cmd) error {
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, indent(tail(printed.String(), lastLines)))
	}
	return nil
}

// lastLines is how much of what a command printed is in its error.
const lastLines = 25

// indent sets off lines that others wrote from ours.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

// killGroup kills what is left of the process group that pid leads or led.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// A scratch is a directory for the kernels' temporary files. Its name is in the command
// line of every process that a kernel consists of, so that none can be left behind.
type scratch struct {
	dir  string
	lock *flock.Flock // of dir itself; the system gives it back if the run is killed
}

const scratchPrefix = "wsnb-"

func scratchAt(dir string) scratch {
	return scratch{dir, flock.New(dir, flock.SetFlag(os.O_RDONLY))}
}

// newScratch makes the directory inside parent, or inside TMPDIR if that is empty, and removes those
// of killed runs. Its name is short: gopls listens on a socket in it, and their paths may have about
// a hundred bytes.
func newScratch(parent string) (scratch, error) {
	parent, err := filepath.Abs(cmp.Or(parent, os.TempDir()))
	if err != nil {
		return scratch{}, err
	}
	sweepScratch(parent)
	dir, err := os.MkdirTemp(parent, scratchPrefix)
	if err != nil {
		return scratch{}, err
	}
	s := scratchAt(dir)
	_, _ = s.lock.TryLock() // where the file system has no locks, no run takes them from another
	return s, nil
}

// sweepScratch closes the scratches in parent that no run holds. An empty one may be about to be locked.
func sweepScratch(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), scratchPrefix) {
			continue
		}
		// In a directory that everyone may write to, others' names are theirs to choose.
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		s := scratchAt(filepath.Join(parent, e.Name()))
		if left, _ := os.ReadDir(s.dir); len(left) == 0 {
			continue
		}
		if ok, err := s.lock.TryLock(); ok && err == nil {
			_ = s.close() // there is a next time
		}
	}
}

// env returns the variables that make kernels use s.
func (s scratch) env() []string {
	return []string{"TMPDIR=" + s.dir, "GOTMPDIR=" + s.dir,
		"JUPYTER_RUNTIME_DIR=" + filepath.Join(s.dir, "jupyter")}
}

// close kills the processes that still use s, and the process group of each that leads
// one, and removes the directory.
func (s scratch) close() error {
	for _, pid := range processesWith(s.dir + string(filepath.Separator)) {
		if group, err := syscall.Getpgid(pid); err == nil && group == pid {
			killGroup(pid)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return errors.Join(os.RemoveAll(s.dir), s.lock.Close())
}

// processesWith returns the processes whose command lines contain word.
func processesWith(word string) []int {
	var pids []int
	add := func(pid string, line []byte) {
		if n, err := strconv.Atoi(pid); err == nil && bytes.Contains(line, []byte(word)) {
			pids = append(pids, n)
		}
	}
	if files, _ := filepath.Glob("/proc/[0-9]*/cmdline"); len(files) > 0 { // Linux
		for _, f := range files {
			line, _ := os.ReadFile(f) // of a process that may have ended
			add(filepath.Base(filepath.Dir(f)), line)
		}
		return pids
	}
	list, _ := exec.Command("ps", "-axo", "pid=,command=").Output()
	for l := range bytes.Lines(list) {
		add(string(bytes.Fields(l)[0]), l)
	}
	return pids
}
