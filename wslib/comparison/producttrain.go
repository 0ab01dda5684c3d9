package comparison

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
)

func (m ProductQuantized) train(ctx context.Context, r *run) (*Result, error) {
	m = m.withDefaults()
	all := make([]int, len(r.tasks))
	for i := range all {
		all[i] = i
	}
	print := r.fingerprint(all...)
	result := &Result{}
	for i := range r.tasks {
		done, err := r.load(i, print)
		if err != nil {
			return nil, err
		}
		if done != nil {
			result.Networks = append(result.Networks, *done)
		}
	}
	if len(result.Networks) < len(r.tasks) {
		trained, err := m.together(ctx, r, print)
		if err != nil {
			return nil, err
		}
		result.Networks = trained
	}
	networks := make([]*network.Network, len(r.tasks))
	for i, t := range r.tasks {
		networks[i] = t.Network
	}
	result.Stored = m.Stored(networks)
	return result, nil
}

// together trains codebook and scales and keeps the networks.
func (m ProductQuantized) together(ctx context.Context, r *run, print string) ([]Network, error) {
	codes, theta, err := newCodes(ctx, m, r.weights, r.Workers, r.Seed)
	if err != nil {
		return nil, err
	}
	c := &product{run: r, codes: codes, print: print}
	c.Theta, c.M, c.V = theta, make([]float32, len(theta)), make([]float32, len(theta))
	c.Fingerprint = print
	if err := c.resume(); err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.compile(ctx); err != nil {
		return nil, err
	}
	if err := c.train(ctx); err != nil {
		return nil, err
	}
	networks, best := make([]Network, len(r.tasks)), codes.rounded(c.Best)
	for i, t := range r.tasks {
		networks[i] = Network{Network: t.Network, Weights: codes.gather(best, i), Stored: m.stored(t.Network),
			BestStep: c.BestStep, History: c.History[i]}
		for _, p := range c.History[i] {
			if p.Step == c.BestStep {
				networks[i].Validation = p.Validation
			}
		}
		if err := r.save(i, print, &networks[i]); err != nil {
			return nil, err
		}
	}
	if r.Dir == "" {
		return networks, nil
	}
	if err := os.Remove(c.checkpoint()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return networks, nil
}

// product is one training of codebook and scales.
type product struct {
	*run
	*codes
	productState
	print       string
	gradients   []*Exec // of each network: weights, generator state, x, y and, with distillation, what the teacher gives to loss and gradient
	update      *Exec
	classifiers []*network.Classifier
	samplers    []*train.Sampler
	teachers    []*train.Teacher // nil: none
}

// productState is what the checkpoint holds.
type productState struct {
	Fingerprint string
	Step        int // steps done
	Theta, M, V []float32
	Best        []float32
	BestStep    int
	BestMean    float64
	History     [][]Point // of each network
}

func (c *product) checkpoint() string {
	return filepath.Join(c.Dir, c.method.Name()+".checkpoint.json")
}

// resume goes back to the state of the checkpoint, if there is one.
func (c *product) resume() error {
	if c.Dir == "" {
		return nil
	}
	var s productState
	path := c.checkpoint()
	if ok, err := readJSON(path, &s); !ok || err != nil {
		return err
	}
	if s.Fingerprint != c.print {
		return fmt.Errorf("%s is of another comparison (other networks, data, weights or options): remove it to start over", path)
	}
	for _, v := range [][]float32{s.Theta, s.M, s.V, s.Best} {
		if len(v) != c.size {
			return fmt.Errorf("%s: %d values, want %d", path, len(v), c.size)
		}
	}
	if len(s.History) != len(c.tasks) {
		return fmt.Errorf("%s: history of %d networks, want %d", path, len(s.History), len(c.tasks))
	}
	c.productState = s
	return nil
}

func (c *product) compile(ctx context.Context) error {
	for i, t := range c.tasks {
		gradient, err := NewExec(c.backend, func(in []*Node) (loss, gradient *Node) {
			w, rng, x, y := in[0], in[1], in[2], in[3]
			var teacher *Node
			if c.Distillation > 0 {
				teacher = in[4]
			}
			x, rng, lossOf := lesson(t, c.Recipe).Graph(x, y, rng, teacher)
			return t.Network.Forward(w, x, network.Dropout{Rate: c.Dropout.Of(t.Network.Name), RNG: rng}).LossGradient(lossOf)
		})
		if err != nil {
			return fmt.Errorf("network %s: %w", t.Network.Name, err)
		}
		c.gradients = append(c.gradients, gradient)
		classifier, err := network.NewClassifier(c.backend, t.Network, 100)
		if err != nil {
			return err
		}
		c.classifiers = append(c.classifiers, classifier)
		c.samplers = append(c.samplers, train.NewSampler(t.Data.Train, t.Network.Input, int(c.Batch.Of(t.Network.Name)), c.Seed, t.Network.Name))
		if c.Distillation > 0 {
			teacher, err := c.teacher(ctx, i)
			if err != nil {
				return err
			}
			c.teachers = append(c.teachers, teacher)
		}
	}
	var err error
	c.update, err = NewExec(c.backend, func(in []*Node) []*Node {
		theta, m, v := train.Adam(in[0], in[1], in[2], in[3], in[4], in[5])
		return []*Node{theta, m, v}
	})
	return err
}

func (c *product) close() {
	for _, e := range append(c.gradients, c.update) {
		if e != nil {
			e.Finalize()
		}
	}
	for _, k := range c.classifiers {
		k.Close()
	}
}

func (c *product) train(ctx context.Context) error {
	if c.History == nil {
		c.History = make([][]Point, len(c.tasks))
		if err := c.score(ctx, nil); err != nil {
			return err
		}
	}
	sums, n := make([]float64, len(c.tasks)), 0
	for c.Step < c.Steps {
		losses, err := c.step(ctx)
		if err != nil {
			return err
		}
		for i, l := range losses {
			sums[i] += l
		}
		n++
		if c.Step%c.ValidateEvery != 0 && c.Step != c.Steps {
			c.tell(Progress{Step: c.Step, Steps: c.Steps})
			continue
		}
		for i := range sums {
			sums[i] /= float64(n)
		}
		if err := c.score(ctx, sums); err != nil {
			return err
		}
		sums, n = make([]float64, len(c.tasks)), 0
	}
	return nil
}
