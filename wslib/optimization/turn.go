package optimization

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// newTurn compiles one network's training step: co-tenants are arguments. Inputs: m, v, number of
// the step from 1, rate, samples, labels, generator state, Fisher information and weights of others,
// weights, state if the network has any. Outputs: loss, m, v, weights, state.
func newTurn(backend compute.Backend, n *network.Network, lambda float64) (network.Executable, error) {
	return n.NewExec(backend, func(in []*Node) []*Node {
		m, v, t, rate, x, y, rng, otherF, otherW := in[0], in[1], in[2], in[3], in[4], in[5], in[6],
			in[7], in[8]
		b, _ := n.Bind(in[9:])
		b.RNG = rng
		loss, gradient, state := train.Lesson{Network: n}.Loss(b, x, y, nil)
		w := b.Weights
		overlap := MulScalar(overlappingLoss(w, otherF, otherW), lambda)
		w, m, v = train.Adam(w, Add(gradient, Gradient(overlap, w)[0]), m, v, t, rate)
		out := []*Node{loss, m, v, w}
		if state != nil {
			out = append(out, state)
		}
		return out
	})
}

// overlappingLoss is sum_i (sum_o c_oi) / max(1, number of o with c_oi != 0),
// c_oi = F_oi (w_i - w_oi)^2. w has shape [weights], otherF and otherW
// [others, weights] with F = 0 where the other network is not on the weight.
func overlappingLoss(w, otherF, otherW *Node) *Node {
	d := Sub(InsertAxes(w, 0), otherW)
	c := Mul(otherF, Mul(d, d))
	count := ReduceSum(ConvertDType(NotEqual(c, ZerosLike(c)), dtypes.Float32), 0)
	return ReduceAllSum(Div(ReduceSum(c, 0), StopGradient(MaxScalar(count, 1))))
}

// take gives network i a turn of the given number of steps. Weights are validated beside
// the steps that follow.
func (a *alternating) take(ctx context.Context, i, steps int) error {
	name := a.tasks[i].Network.Name
	start := network.Values{Weights: a.set.Weights(i), State: a.set.Networks[i].State}
	otherF, otherW := a.others(i)
	zeros := make([]float32, len(start.Weights))
	now := append([]*tensors.Tensor{vector(zeros), vector(zeros)}, start.On()...) // m, v, weights, state
	defer func() { network.Free(append(now, otherF, otherW)...) }()
	ctx, cancel := context.WithCancel(ctx)
	choice := &choice{score: func(v network.Values) (float64, error) { return a.validator.score(ctx, i, v) }}
	defer choice.settle()
	defer cancel()
	for k := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if k%a.recipe.ValidateEvery == 0 || k == steps-1 {
			weights, err := copied(now[2])
			state, err2 := copied(now[3:]...)
			if err := cmp.Or(err, err2); err != nil {
				return fmt.Errorf("network %s: %w", name, err)
			}
			if err := choice.offer(network.Values{Weights: weights, State: state}); err != nil {
				return err
			}
		}
		out, err := a.step(i, k, now, otherF, otherW)
		if err != nil {
			return fmt.Errorf("network %s: step %d of turn %d: %w", name, k, a.Turn, err)
		}
		network.Free(now...)
		now = out[1:]
		loss := float64(tensors.ToScalar[float32](out[0]))
		network.Free(out[0])
		if !finite(loss) {
			return &DivergedError{Network: name, Step: a.Steps + k, Loss: loss}
		}
	}
	if err := choice.settle(); err != nil {
		return err
	}
	if choice.best.Weights != nil {
		a.write(i, choice.best.Weights)
		a.set.Networks[i].State = choice.best.State
	}
	a.last[i] = a.set.Weights(i)
	a.Batches[i] += steps
	return nil
}

// step is step k of a turn, from moments, weights and state as they are now.
func (a *alternating) step(i, k int, now []*tensors.Tensor, otherF, otherW *tensors.Tensor) (
	[]*tensors.Tensor, error) {
	x, y := a.samplers[i].Batch(a.Batches[i] + k)
	rng, err := train.RNG(a.Seed, a.tasks[i].Network.Name, a.Batches[i]+k)
	defer func() { network.Free(x, y, rng) }()
	if err != nil {
		return nil, err
	}
	args := []any{now[0], now[1], float32(k + 1), float32(a.recipe.LearningRate), x, y, rng, otherF, otherW}
	return a.turns[i].Call(append(args, anys(now[2:])...)...)
}

// write puts a network's flat weights into the shared and exclusive pages. The
// padding of its last page is not its own to write.
func (a *alternating) write(i int, weights []float32) {
	m, size := &a.set.Networks[i], a.set.Size
	for b, e := range m.Table.Entries {
		dst := a.set.Pages // of float32
		if int(e) >= a.set.Shared {
			dst, e = m.Exclusive, e-int32(a.set.Shared)
		}
		page.PutFloats(dst[4*int(e)*size:], weights[b*size:min((b+1)*size, len(weights))])
	}
}

// others are the co-tenants of network i's weights: their Fisher information and
// their weights as of their last turn, [networks-1, weights], 0 where there is none.
func (a *alternating) others(i int) (fisher, weights *tensors.Tensor) {
	n, size := len(a.networks[i].Weights), a.set.Size
	rows := max(1, len(a.networks)-1)
	f, w := make([]float32, rows*n), make([]float32, rows*n)
	row := 0
	for o, m := range a.set.Networks {
		if o == i || a.last[o] == nil {
			continue
		}
		for b, e := range a.set.Networks[i].Table.Entries {
			c := slices.Index(m.Table.Entries, e)
			if int(e) >= a.set.Shared || c < 0 {
				continue
			}
			from, to := row*n+b*size, row*n+min((b+1)*size, n)
			copy(f[from:to], a.networks[o].Fisher[c*size:])
			copy(w[from:to], a.last[o][c*size:])
		}
		row++
	}
	return tensors.FromFlatDataAndDimensions(f, rows, n), tensors.FromFlatDataAndDimensions(w, rows, n)
}

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
