package files

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// Lock takes the lock that is the file at path, which the system gives back if the process dies. waiting, if
// there is one, is called before a wait, which ctx ends. unlock may be called twice.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	l := flock.New(path)
	ok, err := l.TryLock()
	if err == nil && !ok {
		if waiting != nil {
			waiting()
		}
		_, err = l.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = l.Close() }, nil
}
