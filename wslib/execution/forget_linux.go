package execution

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget takes a file that is written out from the system's cache.
func forget(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
