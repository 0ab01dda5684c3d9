package datasets

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"
)

func count(n int) func(context.Context, func(int) error) error {
	return func(_ context.Context, give func(int) error) error {
		for i := range n {
			if err := give(i); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestOrdered(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var got, want []int
	for i := range 200 {
		want = append(want, i*i)
	}
	slow := func(i int) (int, error) {
		if i%7 == 0 {
			time.Sleep(time.Millisecond) // later items overtake it
		}
		return i * i, nil
	}
	err := ordered(t.Context(), count(200), slow, func(i int) error { got = append(got, i); return nil })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

// An error anywhere must end everything and be the one returned.
func TestOrderedErrors(t *testing.T) {
	broken := errors.New("broken")
	same := func(i int) (int, error) { return i, nil }
	fails := func(i int) (int, error) {
		if i == 50 {
			return 0, broken
		}
		return i, nil
	}
	taken := 0
	take := func(int) error { taken++; return nil }
	if err := ordered(t.Context(), count(1000), fails, take); err != broken || taken != 50 {
		t.Errorf("worker: %v after %d", err, taken)
	}
	if err := ordered(t.Context(), count(1000), same, func(i int) error {
		if i == 20 {
			return broken
		}
		return nil
	}); err != broken {
		t.Errorf("take: %v", err)
	}
	if err := ordered(t.Context(), func(_ context.Context, give func(int) error) error {
		return errors.Join(give(1), broken)
	}, same, take); !errors.Is(err, broken) {
		t.Errorf("feed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := ordered(ctx, count(1000), same, func(i int) error { cancel(); return nil }); !errors.Is(err,
		context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
