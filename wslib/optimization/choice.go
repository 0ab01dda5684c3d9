package optimization

import "weightsep/wslib/network"

// choice is that of a turn's weights by validation, which goes on beside the training: the
// first of the highest score above that of those offered first, none if there are none.
type choice struct {
	score func(network.Values) (float64, error)

	best    network.Values
	highest float64
	any     bool          // some are scored
	pending <-chan scored // what is being scored; nil: nothing
}

type scored struct {
	values   network.Values
	accuracy float64
	err      error
}

// offer starts to score values, which must not change any more. One is scored at a time:
// it waits for those offered before, and returns their error.
func (c *choice) offer(values network.Values) error {
	if err := c.settle(); err != nil {
		return err
	}
	done := make(chan scored, 1)
	c.pending = done
	go func() {
		accuracy, err := c.score(values)
		done <- scored{values, accuracy, err}
	}()
	return nil
}

// settle waits for what is being scored.
func (c *choice) settle() error {
	if c.pending == nil {
		return nil
	}
	s := <-c.pending
	c.pending = nil
	switch {
	case s.err != nil:
		return s.err
	case !c.any:
		c.any, c.highest = true, s.accuracy
	case s.accuracy > c.highest:
		c.best, c.highest = s.values, s.accuracy
	}
	return nil
}
