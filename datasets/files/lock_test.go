package files

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// A lock is one process's, is waited for until the context ends, and may be given back twice.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() { t.Error("waits for nobody") })
	if err != nil {
		t.Fatal(err)
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
