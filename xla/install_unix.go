//go:build unix

package xla

import (
	"os/exec"
	"syscall"
)

// killGroup makes the end of cmd's context kill the processes that cmd started
// too: what is called pip may be a script that runs it.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
