package train

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
)

// Rand is a generator for one purpose: the seed of the run and the names of what
// it is for. Order of use elsewhere does not change what it gives.
func Rand(seed uint64, purpose ...string) *rand.Rand {
	h := fnv.New64a()
	for _, p := range purpose {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

const odd = 0x9e3779b97f4a7c15 // spreads the seeds of epochs and steps

// Sampler draws the batches of one network: every epoch is a fresh permutation.
// Batch number k is a function of seed, name and k alone. While a step runs, the
// batch of the next one is drawn. It is not for use by several goroutines at once.
type Sampler struct {
	split *datasets.Split
	batch int
	seed  uint64
	name  string
	shape []int // of a sample

	last  []int      // samples of the last batch
	ahead chan drawn // gets the batch after the last one; nil before the first

	// Of the goroutine that draws: Batch waits for it before it starts another.
	epoch int
	perm  []int
}

type drawn struct {
	number int
	x, y   *tensors.Tensor
	index  []int
}

// NewSampler draws batches of the given size from split, whose samples have the given shape.
func NewSampler(split *datasets.Split, shape []int, batch int, seed uint64, name string) *Sampler {
	return &Sampler{split: split, batch: batch, seed: seed, name: name, shape: shape, epoch: -1}
}

// Batch returns samples [batch, shape...] and labels int32 [batch], or targets float32
// [batch, width] where the split has them, of batch number k, as new tensors.
func (s *Sampler) Batch(k int) (x, y *tensors.Tensor) {
	b := drawn{number: -1}
	if s.ahead != nil {
		b = <-s.ahead
	}
	if b.number != k {
		b = s.draw(k)
	}
	next := make(chan drawn, 1) // nobody need fetch it
	go func() { next <- s.draw(k + 1) }()
	s.ahead, s.last = next, b.index
	return b.x, b.y
}

func (s *Sampler) draw(k int) drawn {
	n := s.split.Len()
	index := make([]int, s.batch)
	for i := range index {
		at := k*s.batch + i
		if epoch := at / n; epoch != s.epoch {
			s.epoch = epoch
			s.perm = Rand(s.seed+uint64(epoch)*odd, "batch", s.name).Perm(n)
		}
		index[i] = s.perm[at%n]
	}
	x, y := Tensors(s.split, s.shape, index)
	return drawn{k, x, y, index}
}

// Tensors are the samples of a split with the given numbers, [samples, shape...], and their labels int32
// [samples], or targets float32 [samples, width] where the split has them.
func Tensors(split *datasets.Split, shape, index []int) (x, y *tensors.Tensor) {
	n := len(index)
	labels, targets, values := make([]int32, n), []float32{}, make([]float32, n*split.Size())
	for i, k := range index {
		labels[i] = split.Labels[k]
		targets = append(targets, split.Target(k)...)
	}
	split.Batch(values, index)
	x = tensors.FromFlatDataAndDimensions(values, append([]int{n}, shape...)...)
	if len(targets) > 0 {
		return x, tensors.FromFlatDataAndDimensions(targets, n, len(targets)/n)
	}
	return x, tensors.FromFlatDataAndDimensions(labels, n)
}

// Index are the samples of the last batch, as they are numbered in the split.
func (s *Sampler) Index() []int { return s.last }

// RNG is the state of the graph's random generator for one step of one network.
func RNG(seed uint64, name string, step int) (*tensors.Tensor, error) {
	return graph.RNGStateFromSeed(int64(Rand(seed+uint64(step)*odd, "dropout", name).Uint64() >> 1))
}
