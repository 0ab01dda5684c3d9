package train

import (
	"context"
	"time"
)

// Promptly does what looks at ctx itself, but returns a second after the end of ctx at the latest: XLA
// compiles for many seconds and cannot be told to stop. What is being done then ends by itself with its
// next look, without a word, and frees what it has.
func Promptly[T any](ctx context.Context, do func() (T, error)) (none T, err error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := do()
		done <- outcome{value, err}
	}()
	late := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		time.Sleep(time.Second)
		close(late)
	})
	defer stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-late:
		return none, ctx.Err()
	}
}
