//go:build linux || darwin

package main

import (
	"path/filepath"
	"syscall"
)

// freeSpace returns how many bytes can be written in dir, which need not exist yet.
func freeSpace(dir string) (int64, bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return 0, false
	}
	for {
		var s syscall.Statfs_t
		if err := syscall.Statfs(dir, &s); err == nil {
			return int64(s.Bavail) * int64(s.Bsize), true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return 0, false
		}
		dir = up
	}
}
