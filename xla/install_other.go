//go:build !unix

package xla

import "os/exec"

// killGroup does nothing here: the end of cmd's context kills cmd alone.
func killGroup(cmd *exec.Cmd) {}
