//go:build unix

package files

import (
	"fmt"
	"syscall"
)

// Map maps the regular file at a path, of at most max bytes, into memory, to be read only: the system
// loads what is read, and may take it back. Close ends it. A file that somebody cuts short meanwhile ends
// the process where it reads on; files that [WritePath] replaces are safe.
func Map(path string, max int64) (raw []byte, close func() error, err error) {
	f, size, err := OpenPath(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if size > max {
		return nil, nil, fmt.Errorf("%s has %d bytes, want at most %d", path, size, max)
	}
	if size == 0 { // which cannot be mapped
		return nil, func() error { return nil }, nil
	}
	raw, err = syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", path, err)
	}
	return raw, func() error { return syscall.Munmap(raw) }, nil
}
