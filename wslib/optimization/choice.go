package optimization

import (
	"golang.org/x/sync/errgroup"

	"weightsep/wslib/network"
)

// choice is that of a turn's weights by validation, which goes on beside the training: the
// first of the highest score above that of those offered first, none if there are none.
type choice struct {
	score func(network.Values) (float64, error)

	best    network.Values
	highest float64
	any     bool           // some are scored
	beside  errgroup.Group // scores at most one
}

// offer starts to score values, which must not change any more. One is scored at a time:
// it waits for those offered before, and returns their error.
func (c *choice) offer(values network.Values) error {
	if err := c.settle(); err != nil {
		return err
	}
	c.beside.Go(func() error {
		accuracy, err := c.score(values)
		switch {
		case err != nil:
		case !c.any:
			c.any, c.highest = true, accuracy
		case accuracy > c.highest:
			c.best, c.highest = values, accuracy
		}
		return err
	})
	return nil
}

// settle waits for what is being scored.
func (c *choice) settle() error { return c.beside.Wait() }
