//go:build linux || darwin

package main

import (
	"path/filepath"
	"syscall"
)

// freeSpace returns how many bytes can be written in dir, which need not exist yet.
func freeSpace(dir string) (int64, bool) {
	dir, err := filepath.Abs(dir)
	var s syscall.Statfs_t
	for err == nil && syscall.Statfs(dir, &s) != nil {
		up := filepath.Dir(dir)
		if up == dir {
			return 0, false
		}
		dir = up
	}
	return int64(s.Bavail) * int64(s.Bsize), err == nil
}
