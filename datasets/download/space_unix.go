//go:build linux || darwin

package download

import (
	"path/filepath"
	"syscall"
)

// FreeSpace returns how many bytes can be written in dir, which need not exist yet.
func FreeSpace(dir string) (int64, bool) {
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	for ; err == syscall.ENOENT; err = syscall.Statfs(dir, &s) {
		dir = filepath.Dir(dir)
	}
	return int64(s.Bavail) * int64(s.Bsize), err == nil
}
