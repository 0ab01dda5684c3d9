package download

import (
	"context"
	"errors"
	"time"
)

// watchdog ends an attempt that brings nothing.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

// watch returns a context that ends when nothing comes for limit, from now on or from
// the last call of wake.
func watch(ctx context.Context, limit time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(&stallError{limit}) })
	return ctx, &watchdog{ctx, cancel, timer, limit}
}

func (d *watchdog) wake()  { d.timer.Reset(d.limit) }
func (d *watchdog) sleep() { d.timer.Stop() }

func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// explain replaces the error that the watchdog caused by its reason.
func (d *watchdog) explain(err error) error {
	var s *stallError
	if errors.As(context.Cause(d.ctx), &s) {
		return s
	}
	return err
}

// stallError says that nothing came for so long.
type stallError struct{ limit time.Duration }

func (e *stallError) Error() string { return "no byte for " + e.limit.String() }

// Timeout makes it a timeout, as package net has them.
func (e *stallError) Timeout() bool { return true }
