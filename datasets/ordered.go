package datasets

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// ordered passes what feed gives through workers, one for each processor, and what
// they return to take, in the order of feeding. It returns the first error of any of
// them, or that of ctx. newWorker is called once for each worker. Feed and take run on a
// goroutine each; no more than a few items are in memory at once.
func ordered[In, Out any](ctx context.Context, feed func(ctx context.Context, give func(In) error) error,
	newWorker func() func(In) (Out, error), take func(Out) error) error {
	type result struct {
		out Out
		err error
	}
	workers := runtime.GOMAXPROCS(0)
	idle := make(chan func(In) (Out, error), workers)
	for range workers {
		idle <- newWorker()
	}
	queue := make(chan chan result, workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		return feed(ctx, func(in In) error {
			done := make(chan result, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			work := <-idle
			group.Go(func() error {
				out, err := work(in)
				idle <- work
				done <- result{out, err}
				return nil
			})
			return nil
		})
	})
	group.Go(func() error {
		for done := range queue {
			r := <-done
			if r.err != nil {
				return r.err
			}
			if err := take(r.out); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}
