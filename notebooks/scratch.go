package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// A scratch is a directory for the kernels' temporary files. Its name is in the command
// line of every process that a kernel consists of, so that none can be left behind.
type scratch struct{ dir string }

// newScratch makes the directory. The name is short because gopls listens on a socket
// in it, and their paths may have about a hundred bytes.
func newScratch() (*scratch, error) {
	dir, err := os.MkdirTemp("", "wsnb")
	if err != nil {
		return nil, err
	}
	return &scratch{dir}, nil
}

// env returns the variables that make kernels use s.
func (s *scratch) env() []string {
	return []string{"TMPDIR=" + s.dir, "JUPYTER_RUNTIME_DIR=" + filepath.Join(s.dir, "jupyter")}
}

// close kills the processes that still use s, and the process group of each that leads
// one, and removes the directory.
func (s *scratch) close() error {
	for _, pid := range processesWith(s.dir + string(filepath.Separator)) {
		if group, err := syscall.Getpgid(pid); err == nil && group == pid {
			killGroup(pid)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return os.RemoveAll(s.dir)
}

// processesWith returns the processes whose command lines contain word.
func processesWith(word string) []int {
	var pids []int
	if runtime.GOOS == "linux" {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			line, err := os.ReadFile(f)
			if err != nil || !bytes.Contains(line, []byte(word)) {
				continue
			}
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	list, err := exec.Command("ps", "-axo", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	for l := range strings.Lines(string(list)) {
		if !strings.Contains(l, word) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Fields(l)[0]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
