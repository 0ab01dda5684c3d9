package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writable is the mode of a new file that the umask leaves of 0666.
func writable(t *testing.T) fs.FileMode {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "new"), os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// A lock is one process's, is waited for until the context ends, and may be given back twice.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() { t.Error("waits for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	// Another user may take it, too.
	if info, err := os.Stat(path); err != nil {
		t.Error(err)
	} else if got, want := info.Mode().Perm(), writable(t); got != want {
		t.Errorf("mode %v, want %v", got, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	waited := false
	if _, err := Lock(ctx, path, func() { waited = true }); !errors.Is(err, context.DeadlineExceeded) ||
		!waited {
		t.Errorf("taken lock: %v, waited: %t", err, waited)
	}
	unlock()
	unlock()
	if unlock, err = Lock(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	unlock()
}
