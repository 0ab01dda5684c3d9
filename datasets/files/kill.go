//go:build killtest

package files

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

var (
	steps  atomic.Int64
	killAt = func() int64 {
		n, _ := strconv.ParseInt(os.Getenv("WEIGHTSEP_KILL_AT"), 10, 64)
		return n
	}()
)

// step counts what changes the disk. The program dies, as of SIGKILL, before number WEIGHTSEP_KILL_AT.
func step(string) {
	if steps.Add(1) == killAt {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
