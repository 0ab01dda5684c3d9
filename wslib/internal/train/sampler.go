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
	return rand.New(rand.NewPCG(seed, hash(purpose)))
}

func hash(parts []string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// Sampler draws the batches of one network: every epoch is a fresh permutation.
// Batch number k is a function of seed, name and k alone.
type Sampler struct {
	split *datasets.Split
	batch int
	seed  uint64
	name  string
	shape [3]int

	epoch int
	perm  []int
	index []int
	x     []float32
	y     []int32
}

// NewSampler draws batches of the given size from split, whose samples have
// shape [height, width, channels].
func NewSampler(split *datasets.Split, shape [3]int, batch int, seed uint64, name string) *Sampler {
	return &Sampler{
		split: split, batch: batch, seed: seed, name: name, shape: shape, epoch: -1,
		index: make([]int, batch),
		x:     make([]float32, batch*split.Size()),
		y:     make([]int32, batch),
	}
}

// Batch returns samples [batch, height, width, channels] and labels int32 [batch]
// of batch number k, as new tensors.
func (s *Sampler) Batch(k int) (x, y *tensors.Tensor) {
	n := s.split.Len()
	for i := range s.index {
		at := k*s.batch + i
		if epoch := at / n; epoch != s.epoch {
			s.epoch = epoch
			s.perm = rand.New(rand.NewPCG(s.seed+uint64(epoch)*0x9e3779b97f4a7c15, hash([]string{"batch", s.name}))).Perm(n)
		}
		s.index[i] = s.perm[at%n]
		s.y[i] = s.split.Labels[s.index[i]]
	}
	s.split.Batch(s.x, s.index)
	return tensors.FromFlatDataAndDimensions(s.x, s.batch, s.shape[0], s.shape[1], s.shape[2]),
		tensors.FromFlatDataAndDimensions(s.y, s.batch)
}

// Index are the samples of the last batch, as they are numbered in the split. The
// slice is the sampler's own.
func (s *Sampler) Index() []int { return s.index }

// RNG is the state of the graph's random generator for one step of one network.
func RNG(seed uint64, name string, step int) (*tensors.Tensor, error) {
	return graph.RNGStateFromSeed(int64(Rand(seed+uint64(step)*0x9e3779b97f4a7c15, "dropout", name).Uint64() >> 1))
}
