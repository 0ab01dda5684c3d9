package optimization

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/xla"
)

// step is step k on the variables theta, m and v, and the networks' losses.
func (j *joint) step(k int, x []*tensors.Tensor) (next []*tensors.Tensor, losses []float32, err error) {
	theta := x[0]
	pages := theta
	if j.graphs.round != nil {
		args := append([]any{theta, j.roundedShare(k)}, anys(j.fixed)...)
		if pages, err = j.graphs.round.Call1(args...); err != nil {
			return nil, nil, err
		}
		defer network.Free(pages)
	}
	gradients := make([][]*tensors.Tensor, len(j.trained))
	defer func() { network.Free(slices.Concat(gradients...)...) }()
	err = each(j.Workers, len(j.trained), func(s int) (err error) {
		gradients[s], err = j.gradient(j.trained[s], k, pages, theta)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	rate := float32(train.Cosine(j.LearningRate, k, min(100, j.Steps/10), j.Steps))
	args := append([]any{theta, x[1], x[2], float32(k + 1), rate}, anys(j.sources)...)
	args = append(args, anys(j.fixed)...)
	losses = make([]float32, len(j.tasks))
	for s, i := range j.trained {
		if last := len(gradients[s]) - 1; j.states[i] != nil {
			network.Free(j.states[i])
			j.states[i], gradients[s] = gradients[s][last], gradients[s][:last]
		}
		losses[i] = tensors.ToScalar[float32](gradients[s][0])
		args = append(args, anys(gradients[s][1:])...)
	}
	next, err = j.graphs.update.Call(args...)
	return next, losses, err
}

func anys(ts []*tensors.Tensor) []any {
	args := make([]any, len(ts))
	for i, t := range ts {
		args[i] = t
	}
	return args
}

// roundedShare is how much of the code values the forward pass of step k sees.
func (j *joint) roundedShare(k int) float32 {
	if by := j.RoundBy * float64(j.Steps); float64(k) < by {
		return float32(float64(k) / by)
	}
	return 1
}

// gradient is network i's part of step k.
func (j *joint) gradient(i, k int, pages, vector *tensors.Tensor) ([]*tensors.Tensor, error) {
	name, l := j.tasks[i].Network.Name, j.layout
	x, y := j.samplers[i].Batch(k)
	inputs := []*tensors.Tensor{x, y}
	defer func() { network.Free(inputs...) }()
	rng, err := train.RNG(j.Seed, name, k)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	inputs = append(inputs, rng)
	scales, keys := l.pages*l.width+l.at[i].scales, l.latent+l.at[i].keys*l.width
	args := []any{pages, vector, int32(scales), j.tables[i], int32(keys), j.keyRows[i], x, y, rng}
	if j.states[i] != nil {
		args = append(args, j.states[i])
	}
	if j.teachers != nil {
		taught := j.teachers[i].Batch(j.samplers[i].Index())
		args, inputs = append(args, anys(taught)...), append(inputs, taught...)
	}
	out, err := j.graphs.gradient[i].Call(args...)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return out, nil
}

// each does n things, a few at a time, and returns the first error by number.
func each(workers, n int, do func(i int) error) error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	group.Wait()
	return cmp.Or(errs...)
}

// jointGraphs are the executables of a joint step: round the pages, the gradient of
// each network, one update. One executable a network rather than one for all: they
// compile in a fraction of the time and run two at a time. Networks of one architecture,
// trained in the same way, share theirs.
type jointGraphs struct {
	round    *Exec                         // nil: pages stay float32
	gradient []network.Executable          // of each network; nil of a held one
	distinct map[string]network.Executable // the same by kind, each once
	update   *Exec
}

func (j *joint) compile() (err error) {
	g := &j.graphs
	g.gradient, g.distinct = make([]network.Executable, len(j.tasks)), map[string]network.Executable{}
	if j.quantized() {
		if g.round, err = NewExec(j.backend, j.roundGraph); err != nil {
			return err
		}
	}
	for _, i := range j.trained {
		n := j.tasks[i].Network
		kind := fmt.Sprint(n.Architecture(), j.Recipe.Of(n.Name), j.layout.set.Networks[i].Scales != nil,
			j.layout.keyed(i), j.validator.spreads[i])
		if g.distinct[kind] == nil {
			exec, err := n.NewExec(j.backend, func(in []*Node) []*Node { return j.gradientGraph(in, i) })
			if err != nil {
				return fmt.Errorf("network %s: %w", n.Name, err)
			}
			g.distinct[kind] = exec
		}
		g.gradient[i] = g.distinct[kind]
	}
	g.update, err = NewExec(j.backend, j.updateGraph)
	return err
}

func (g *jointGraphs) close() {
	for _, e := range g.distinct {
		e.Finalize()
	}
	for _, e := range []*Exec{g.round, g.update} {
		if e != nil {
			e.Finalize()
		}
	}
}

// roundGraph are the pages that the forward pass sees: the latent values but for a
// share, a scalar, of the rounded ones. Inputs: theta, share, where networks are held which pages are
// fixed.
func (j *joint) roundGraph(in []*Node) *Node {
	vector, share := in[0], in[1]
	values, _ := j.rounded(vector, in[2:])
	latent := j.layout.graphPages(vector)
	return Add(Mul(values, share), Mul(latent, OneMinus(share))) // of a share of 1 exactly the values
}

// rounded are the pages [P, width] as executed, and where the gradient goes straight
// through; shared and exclusive pages each by their own precision, fixed ones not at all.
func (j *joint) rounded(vector *Node, fixed []*Node) (values, within *Node) {
	pages, shared := j.layout.graphPages(vector), j.layout.shared
	values, within = j.shared.graph(Slice(pages, AxisRange(0, shared)))
	if j.layout.pages > shared {
		own, reach := j.own.graph(Slice(pages, AxisRange(shared)))
		values, within = Concatenate([]*Node{values, own}, 0), Concatenate([]*Node{within, reach}, 0)
	}
	for _, f := range fixed {
		values = Where(BroadcastToShape(InsertAxes(f, -1), pages.Shape()), pages, values)
	}
	return values, within
}

// gradientGraph is one network's part of a step.
// Inputs: pages [P, width] as executed, the step's vector, place of the network's scales in it,
// table, place of its keys and their rows (see page.Table.KeyRows), x, y, generator state, the
// network's state if it has any, what the teacher gives with distillation (see
// train.Teacher.Batch). Outputs: loss, gradients with respect to the pages as the network reads
// them [slots, width] and to its scales [slots], where the step's vector has keys, to their
// latent values [slots, width] by pages, and the network's state after the step if it has any.
func (j *joint) gradientGraph(in []*Node, i int) []*Node {
	task, l, m := j.tasks[i], j.layout, j.layout.set.Networks[i]
	n := len(m.Table.Entries)
	pages, vector, at, table, keysAt, keyRows, x, y, rng := in[0], in[1], in[2], in[3], in[4], in[5], in[6],
		in[7], in[8]
	bind, rest := network.Binding{RNG: rng, Dropout: j.Dropout.Of(task.Network.Name)}, in[9:]
	if task.Network.StateSize() > 0 {
		bind.State, rest = rest[0], rest[1:]
	}
	if pages.Rank() == 1 {
		pages = l.graphPages(pages)
	}
	read := xla.GatherPages(pages, table) // [n, width]
	var keys, scales *Node
	w := read
	if m.Scales != nil {
		scales = InsertAxes(part(vector, at, n), -1)
		w = Mul(read, scales)
	}
	if rows := l.keyed(i); rows > 0 {
		latent := part(vector, keysAt, rows*l.width)
		keys, _ = graphKeys(l.set.KeyPrecision, Reshape(latent, rows, l.width))
		one := Slice(OnesLike(keys), AxisRange(0, 1)) // of pages without keys
		keys = xla.GatherPages(Concatenate([]*Node{keys, one}, 0), keyRows)
		w = Mul(w, keys)
	}
	bind.Weights = xla.FlatWeights(w, task.Network.Weights())
	loss, g, state := j.lesson(i).Loss(bind, x, y, rest)
	if s := j.validator.spreads[i]; s != 1 {
		g = MulScalar(g, 1/s)
	}
	g = Reshape(padded(g, n*l.width), n, l.width)
	onKeys := ZerosLike(g)
	if keys != nil { // straight through
		onKeys = Mul(Mul(g, scales), read)
		g = Mul(g, keys)
	}
	onScales := Zeros(g.Graph(), shapes.Make(dtypes.Float32, n))
	if scales != nil {
		onScales = ReduceSum(Mul(g, read), 1)
		g = Mul(g, scales)
	}
	out := []*Node{loss, padded(g, l.slots), padded(onScales, l.slots)}
	if l.rows > 0 {
		out = append(out, padded(onKeys, l.slots))
	}
	if state != nil {
		out = append(out, state)
	}
	return out
}

// part are n values of a vector from a place that is known only when it runs. XLA makes the same of it as
// of DynamicSlice, which the Go backend does not have.
func part(vector, at *Node, n int) *Node {
	return GatherSlices(vector, []int{0}, InsertAxes(at, 0), []int{n}, true)
}

// padded is x with zeros after it, of length n along its first axis.
func padded(x *Node, n int) *Node {
	shape := x.Shape().Clone()
	shape.Dimensions[0] = n - shape.Dimensions[0]
	if shape.Dimensions[0] == 0 {
		return x
	}
	return Concatenate([]*Node{x, Zeros(x.Graph(), shape)}, 0)
}

// lesson is what network i learns in a step.
func (j *joint) lesson(i int) train.Lesson { return j.Recipe.lesson(j.tasks[i].Network) }

// lesson is what a network learns in a step.
func (r Recipe) lesson(n *network.Network) train.Lesson {
	return train.Lesson{Network: n, Share: r.Distillation, Temperature: r.Temperature,
		Mixup: r.Mixup.Of(n.Name)}
}

// updateGraph is the update of theta. Inputs: theta, m, v, number of the step from 1, rate, where the
// gradient of shared pages, exclusive pages, scales and keys comes from (see layout.sources), where
// networks are held which pages are fixed, and the gradients of the networks, as gradientGraph gives them.
// Outputs: theta, m, v. What has no gradient, pages of held networks among it, keeps its value.
func (j *joint) updateGraph(in []*Node) []*Node {
	l := j.layout
	theta, m, v, t, rate, shared, exclusive, scales, keys := in[0], in[1], in[2], in[3], in[4], in[5], in[6],
		in[7], in[8]
	in = in[9:]
	var onPages, onScales, onKeys []*Node
	fixed, in := in[:len(j.fixed)], in[len(j.fixed):]
	for out := range slices.Chunk(in, len(in)/len(j.trained)) {
		onPages, onScales = append(onPages, out[0]), append(onScales, out[1])
		onKeys = append(onKeys, out[2:]...)
	}
	// What has no gradient names the row or value after the last, a 0.
	zero := Zeros(theta.Graph(), shapes.Make(dtypes.Float32, 1))
	zeros := Zeros(theta.Graph(), shapes.Make(dtypes.Float32, 1, l.width))
	rows := Concatenate(append(onPages, zeros), 0)
	sum := ReduceSum(Gather(rows, InsertAxes(shared, -1)), 1) // [S, tenants, width]
	if l.pages > l.shared {
		sum = Concatenate([]*Node{sum, Gather(rows, InsertAxes(exclusive, -1))}, 0)
	}
	if j.quantized() {
		_, within := j.rounded(theta, fixed)
		sum = Where(within, sum, ZerosLike(sum))
	}
	gradient := []*Node{Reshape(sum, -1)}
	if l.scaled > 0 {
		gradient = append(gradient, Gather(Concatenate(append(onScales, zero), 0), InsertAxes(scales, -1)))
	}
	if l.rows > 0 {
		latent := Reshape(Slice(theta, AxisRange(l.latent)), l.rows, l.width)
		_, within := graphKeys(l.set.KeyPrecision, latent)
		on := Gather(Concatenate(append(onKeys, zeros), 0), InsertAxes(keys, -1))
		gradient = append(gradient, Reshape(Where(within, on, ZerosLike(on)), -1))
	}
	theta, m, v = train.Adam(theta, Concatenate(gradient, 0), m, v, t, rate)
	return []*Node{theta, m, v}
}
