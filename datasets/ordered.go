package datasets

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// ordered passes what feed gives through workers, one for each processor, and what
// they return to take, in the order of feeding. It returns the first error of any of
// them, or that of ctx. newWorker is called once for each worker. Take runs on the
// caller's goroutine, feed on another; no more than a few items are in memory at once.
func ordered[In, Out any](ctx context.Context, feed func(ctx context.Context, give func(In) error) error,
	newWorker func() func(In) (Out, error), take func(Out) error) error {
	type job struct {
		in   In
		out  Out
		err  error
		done chan struct{}
	}
	workers := runtime.GOMAXPROCS(0)
	group, ctx := errgroup.WithContext(ctx)
	todo, queue := make(chan *job), make(chan *job, 2*workers)
	group.Go(func() error {
		defer close(todo)
		defer close(queue)
		return feed(ctx, func(in In) error {
			j := &job{in: in, done: make(chan struct{})}
			for _, c := range []chan *job{queue, todo} {
				select {
				case c <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		group.Go(func() error {
			work := newWorker()
			for j := range todo {
				j.out, j.err = work(j.in)
				close(j.done)
			}
			return nil
		})
	}
	err := func() error {
		for j := range queue {
			select {
			case <-j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if j.err != nil {
				return j.err
			}
			if err := take(j.out); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		group.Go(func() error { return err }) // ends the others
	}
	if waited := group.Wait(); waited != nil {
		return waited
	}
	return err
}
