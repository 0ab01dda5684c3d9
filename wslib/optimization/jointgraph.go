package optimization

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/xla"
)

// jointGraphs are the executables of a joint step: round the pages, the gradient of
// each network, one update. One executable a network rather than one for all: they
// compile in a fraction of the time and run two at a time. Networks of one architecture,
// trained in the same way, share theirs.
type jointGraphs struct {
	round    *Exec                // nil: pages stay float32
	gradient []network.Executable // of each network; nil of a held one
	distinct []network.Executable // the same, each once
	update   *Exec
}

func (j *joint) compile() error {
	var err error
	if j.quantized() {
		if j.graphs.round, err = NewExec(j.backend, j.roundGraph); err != nil {
			return err
		}
	}
	j.graphs.gradient = make([]network.Executable, len(j.tasks))
	of := map[string]network.Executable{}
	for _, i := range j.trained {
		t := j.tasks[i]
		kind := fmt.Sprint(t.Network.Architecture(), j.Recipe.Of(t.Network.Name), j.layout.scales[i] >= 0,
			j.layout.keyed(i))
		if g := of[kind]; g != nil {
			j.graphs.gradient[i] = g
			continue
		}
		g, err := t.Network.NewExec(j.backend, func(in []*Node) []*Node { return j.gradientGraph(in, i) })
		if err != nil {
			return fmt.Errorf("network %s: %w", j.tasks[i].Network.Name, err)
		}
		j.graphs.gradient[i], of[kind] = g, g
		j.graphs.distinct = append(j.graphs.distinct, g)
	}
	j.graphs.update, err = NewExec(j.backend, j.updateGraph)
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
// share, a scalar, of the rounded ones. Inputs: theta, share and, where networks
// are held, which pages are fixed.
func (j *joint) roundGraph(in []*Node) *Node {
	vector, share := in[0], in[1]
	values, _ := j.rounded(vector, in[2:])
	latent := j.frame.graphPages(vector)
	return Add(Mul(values, share), Mul(latent, OneMinus(share))) // of a share of 1 exactly the values
}

// rounded are the pages [P, width] as executed, and where the gradient goes straight
// through; shared and exclusive pages each by their own precision, fixed ones not at all.
func (j *joint) rounded(vector *Node, fixed []*Node) (values, within *Node) {
	pages, shared := j.frame.graphPages(vector), j.frame.shared
	values, within = j.shared.graph(Slice(pages, AxisRange(0, shared)))
	if j.frame.pages > shared {
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
	task, f, n := j.tasks[i], j.frame, len(j.layout.set.Networks[i].Table.Entries)
	pages, vector, at, table, keysAt, keyRows, x, y, rng := in[0], in[1], in[2], in[3], in[4], in[5], in[6],
		in[7], in[8]
	bind, rest := network.Binding{RNG: rng, Dropout: j.Dropout.Of(task.Network.Name)}, in[9:]
	if task.Network.StateSize() > 0 {
		bind.State, rest = rest[0], rest[1:]
	}
	if pages.Rank() == 1 {
		pages = f.graphPages(pages)
	}
	read := xla.GatherPages(pages, table) // [n, width]
	var keys, scales *Node
	w := read
	if j.layout.scales[i] >= 0 {
		scales = InsertAxes(DynamicSlice(vector, []*Node{at}, []int{n}), -1)
		w = Mul(read, scales)
	}
	if rows := j.layout.keyed(i); rows > 0 {
		keys = xla.GatherPages(j.graphKeys(DynamicSlice(vector, []*Node{keysAt},
			[]int{rows * f.width})), keyRows)
		w = Mul(w, keys)
	}
	bind.Weights = xla.FlatWeights(w, task.Network.Weights())
	loss, g, state := j.lesson(i).Loss(bind, x, y, rest)
	if weight := j.LossWeight.Of(task.Network.Name); weight != 1 {
		g = MulScalar(g, weight)
	}
	if pad := n*f.width - task.Network.Weights(); pad > 0 {
		g = Concatenate([]*Node{g, Zeros(g.Graph(), shapes.Make(dtypes.Float32, pad))}, 0)
	}
	g = Reshape(g, n, f.width)
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
	if pad := f.slots - n; pad > 0 {
		none := Zeros(g.Graph(), shapes.Make(dtypes.Float32, pad, f.width))
		g, onKeys = Concatenate([]*Node{g, none}, 0), Concatenate([]*Node{onKeys, none}, 0)
		onScales = Concatenate([]*Node{onScales, Zeros(g.Graph(), shapes.Make(dtypes.Float32, pad))}, 0)
	}
	out := []*Node{loss, g, onScales}
	if f.rows > 0 {
		out = append(out, onKeys)
	}
	if state != nil {
		out = append(out, state)
	}
	return out
}

// lesson is what network i learns in a step.
func (j *joint) lesson(i int) train.Lesson {
	t := j.tasks[i]
	return train.Lesson{Distillation: j.Teaching(), Mixup: j.Mixup.Of(t.Network.Name), Network: t.Network}
}

// graphKeys are the keys of latent values, and a row of 1 after them [rows+1, width].
func (j *joint) graphKeys(latent *Node) *Node {
	codes, _ := keyer{j.layout.set.KeyPrecision}.graph(Reshape(latent, -1, j.frame.width))
	return Concatenate([]*Node{codes, Slice(OnesLike(codes), AxisRange(0, 1))}, 0)
}

// updateGraph is the update of theta. Inputs: theta, m, v, number of the step from 1, rate, where the
// gradient of shared pages, exclusive pages, scales and keys comes from (see frame.sources), where
// networks are held which pages are fixed, and the gradients of the networks, as gradientGraph gives
// them. Outputs: theta, m, v. What has no gradient, pages of held networks among it, keeps its value.
func (j *joint) updateGraph(in []*Node) []*Node {
	f := j.frame
	theta, m, v, t, rate, shared, exclusive, scales, keys := in[0], in[1], in[2], in[3], in[4], in[5], in[6],
		in[7], in[8]
	var onPages, onScales, onKeys []*Node
	in = in[9:]
	var fixed []*Node
	if j.layout.held() {
		fixed, in = in[:1], in[1:]
	}
	for k := 0; k < len(in); k += 2 {
		onPages, onScales = append(onPages, in[k]), append(onScales, in[k+1])
		if f.rows > 0 {
			onKeys = append(onKeys, in[k+2])
			k++
		}
	}
	g := theta.Graph()
	// The last row and the last value are 0: what has no gradient.
	zeros := Zeros(g, shapes.Make(dtypes.Float32, 1, f.width))
	rows := Concatenate(append(onPages, zeros), 0)
	sum := ReduceSum(Gather(rows, InsertAxes(shared, -1)), 1) // [S, tenants, width]
	if f.pages > f.shared {
		sum = Concatenate([]*Node{sum, Gather(rows, InsertAxes(exclusive, -1))}, 0)
	}
	if j.quantized() {
		_, within := j.rounded(theta, fixed)
		sum = Where(within, sum, ZerosLike(sum))
	}
	gradient := []*Node{Reshape(sum, -1)}
	if f.scaled() > 0 {
		values := Concatenate(append(onScales, Zeros(g, shapes.Make(dtypes.Float32, 1))), 0)
		gradient = append(gradient, Gather(values, InsertAxes(scales, -1)))
	}
	if f.rows > 0 {
		_, within := keyer{j.layout.set.KeyPrecision}.graph(f.graphLatent(theta))
		on := Gather(Concatenate(append(onKeys, zeros), 0), InsertAxes(keys, -1))
		gradient = append(gradient, Reshape(Where(within, on, ZerosLike(on)), -1))
	}
	theta, m, v = train.Adam(theta, Concatenate(gradient, 0), m, v, t, rate)
	return []*Node{theta, m, v}
}
