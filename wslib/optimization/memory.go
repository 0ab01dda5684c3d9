package optimization

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/exceptions"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/internal/memory"
	"weightsep/wslib/network"
)

// CheckMemory returns an error if training the tasks by a recipe, so many at a time (0: 2), would take more
// memory than there is: before anything is compiled, for who asks for too much is killed without a word.
// It needs neither samples nor weights. Where the memory is not known, and on a GPU, nothing is an error.
func CheckMemory(backend compute.Backend, tasks []Task, r Recipe, workers int) error {
	there, known := memory.Available()
	if !known || strings.Contains(backend.Description(), "cuda") {
		return nil
	}
	need, largest, err := trainingBytes(backend, tasks, r, Options{Workers: workers}.withDefaults().Workers)
	if err != nil || need <= float64(there) {
		return nil // training itself says best what is wrong with a network
	}
	return fmt.Errorf("training takes about %.1f GB of memory, most of it batches of %v of network %s, and "+
		"%.1f GB are available: want a smaller batch", need/1e9, r.Batch.Of(largest), largest,
		float64(there)/1e9)
}

// trainingBytes is an estimate of what training takes at its peak, beside the samples, and the network
// that takes most of it. Peaks measured with XLA on a CPU (mnist, svhn and us8k, batches of 2000 and
// 8000) were 0.7 to 1.05 times the estimate, beside 0.3 GB of the process itself.
func trainingBytes(backend compute.Backend, tasks []Task, r Recipe, workers int) (all float64,
	largest string, err error) {
	if r.Method == AlternatingMethod {
		workers = 1
	}
	var steps []float64
	most, known := 0.0, map[string]float64{}
	for _, t := range tasks {
		if t.Held {
			continue
		}
		n, batch := t.Network, r.Batch.Of(t.Network.Name)
		kind := fmt.Sprint(n.Architecture(), r.Of(n.Name))
		if _, done := known[kind]; !done {
			if known[kind], err = stepBytes(backend, t, r, len(tasks)-1); err != nil {
				return 0, "", fmt.Errorf("network %s: %w", n.Name, err)
			}
		}
		step := known[kind]
		steps = append(steps, step)
		if step >= most {
			most, largest = step, n.Name
		}
		// The batch that a step runs on, on the host, and the next one. Variables, their moments and
		// gradients, before and after a step, and on the host for the checkpoint.
		all += 4 * (2*batch*float64(n.Samples()) + 14*float64(n.Weights()))
	}
	slices.Sort(steps)
	// XLA has other layouts of convolutions' arguments beside them: twice what a plain run would have.
	for _, step := range steps[max(0, len(steps)-workers):] {
		all += 2 * step
	}
	return all, largest, nil
}

// stepBytes is the most that a network's part of a step has in memory at once.
func stepBytes(backend compute.Backend, t Task, r Recipe, others int) (bytes float64, err error) {
	n, batch := t.Network, int(r.Batch.Of(t.Network.Name))
	problem := exceptions.Try(func() {
		g := NewGraph(backend, "memory of "+n.Name)
		defer g.Finalize()
		count := 0
		input := func(d dtypes.DType, dims ...int) *Node {
			count++
			return Parameter(g, fmt.Sprint("input", count), shapes.Make(d, dims...))
		}
		bind := func() network.Binding {
			in := []*Node{input(dtypes.Float32, n.Weights())}
			if n.StateSize() > 0 {
				in = append(in, input(dtypes.Float32, n.StateSize()))
			}
			b, _ := n.Bind(in)
			return b
		}
		b := bind()
		b.RNG, b.Dropout = input(dtypes.Uint64, 3), r.Dropout.Of(n.Name)
		x := input(dtypes.Float32, append([]int{batch}, n.Input()...)...)
		y := input(dtypes.Int32, batch)
		if _, classes := n.For().(network.Classification); !classes {
			y = input(dtypes.Float32, batch, n.Outputs())
		}
		lesson := r.lesson(n)
		var taught []*Node
		switch {
		case lesson.Share == 0:
		case lesson.Mixup > 0:
			teacher := bind()
			taught = []*Node{teacher.Weights}
			if teacher.State != nil {
				taught = append(taught, teacher.State)
			}
		default:
			taught = []*Node{input(dtypes.Float32, append([]int{batch}, n.Output()...)...)}
		}
		loss, gradient, state := lesson.Loss(b, x, y, taught)
		outputs := []*Node{loss, gradient}
		if state != nil {
			outputs = append(outputs, state)
		}
		if r.Method == AlternatingMethod {
			rows := max(1, others)
			overlap := overlappingLoss(b.Weights, input(dtypes.Float32, rows, n.Weights()),
				input(dtypes.Float32, rows, n.Weights()))
			outputs = append(outputs, Gradient(overlap, b.Weights)[0])
		}
		bytes = peak(outputs)
	})
	if problem != nil {
		return 0, fmt.Errorf("%v", problem)
	}
	return bytes, nil
}

// peak is the most that the nodes of a graph which outputs depend on take at once, if each is computed in
// its turn and kept until the last use: inputs and outputs throughout. Constants and copies along an axis
// are not stored.
func peak(outputs []*Node) float64 {
	nodes := outputs[0].Graph().Nodes()
	lastUse := map[*Node]int{}
	for _, o := range outputs {
		lastUse[o] = len(nodes)
	}
	for k, n := range slices.Backward(nodes) {
		if _, used := lastUse[n]; !used {
			continue
		}
		for _, in := range n.Inputs() {
			if _, used := lastUse[in]; !used {
				lastUse[in] = k
			}
		}
	}
	now, most := 0.0, 0.0
	free := map[int]float64{} // after each node
	for k, n := range nodes {
		last, used := lastUse[n]
		switch n.Type() {
		case NodeTypeConstant, NodeTypeBroadcastInDim, NodeTypeIota:
			used = false
		}
		if used && n.NumOutputs() == 1 {
			size := 1.0 // an int could overflow
			for _, d := range n.Shape().Dimensions {
				size *= float64(d)
			}
			size *= float64(n.DType().Size())
			now += size
			if n.Type() != NodeTypeParameter {
				free[last] += size
			}
		}
		most = max(most, now)
		now -= free[k]
	}
	return most
}
