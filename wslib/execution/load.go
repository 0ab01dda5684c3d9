package execution

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets/files"
	"weightsep/wslib/internal/train"
)

// Load is a stream of requests, each a sample for one of the networks, served one after another. Sources
// but the last, which holds all, have the packed networks' bytes as a memory budget; what does not fit lies
// in files, and what was asked for last stays in memory.
//
// How long each request takes, a switch if another network was last and the run of its sample, is
// measured, by turns. Latencies follow from these times exactly, by Lindley's recursion, for arrivals of
// a Poisson process of each rate: a request waits until those before it are served.
type Load struct {
	Budget   int        `json:"budgetBytes"`
	Requests int        `json:"requests"`
	Zipf     float64    `json:"zipf"`  // popularity of the k-th network is 1/k to this power
	Rates    []float64  `json:"rates"` // requests a second
	Sources  []LoadTime `json:"sources"`
}

// LoadTime is one source under load.
type LoadTime struct {
	Name     string          `json:"name"`
	Held     int             `json:"heldBytes"` // at most
	Switches int             `json:"switches"`  // requests for another network than the last one's
	Loads    int             `json:"loads"`     // switches that read a file
	Capacity float64         `json:"capacity"`  // requests a second without pause
	Median   []time.Duration `json:"medianNs"`  // latency at each rate
	P95      []time.Duration `json:"p95Ns"`
	P99      []time.Duration `json:"p99Ns"`
}

const zipf = 1.1

// side is a source under load.
type side struct {
	*source
	cache   *cache // nil: everything is in memory
	slot    *slot
	last    int // network that was asked for last; -1: none
	weights *tensors.Tensor
	service []time.Duration
	result  LoadTime
}

// cache keeps the networks that were asked for last, as many as its budget holds.
type cache struct {
	budget    int
	bytes     func(i int) int                  // of network i
	hit, miss func(dst []float32, i int) error // weights from memory, and from a file
	held      []int                            // networks, the last asked for last
	misses    int
}

func (c *cache) load(dst []float32, i int) error {
	if k := slices.Index(c.held, i); k >= 0 {
		c.held = append(slices.Delete(c.held, k, k+1), i)
		return c.hit(dst, i)
	}
	c.misses++
	if err := c.miss(dst, i); err != nil || c.bytes(i) > c.budget {
		return err
	}
	c.held = append(c.held, i)
	for c.total() > c.budget {
		c.held = c.held[1:]
	}
	return nil
}

func (c *cache) total() int {
	n := 0
	for _, i := range c.held {
		n += c.bytes(i)
	}
	return n
}

// sides are the sources that a stream is measured with, the packed networks first.
func (b *bench) sides(budget int) ([]*side, error) {
	floats := &cache{budget: budget, bytes: func(i int) int { return 4 * b.nets[i].Weights() }}
	kept := make([]float32, b.weights)
	ofFile, ofRAM := b.source("float32 from an .npy file").load, b.source(CopySource).load
	floats.hit = ofRAM
	floats.miss = func(dst []float32, i int) error {
		err := ofFile(dst, i)
		if floats.bytes(i) <= budget {
			copy(kept, dst)
		}
		return err
	}
	codes := &cache{budget: budget, hit: b.source(int8Source).load, bytes: func(i int) int {
		m := b.int8s.Networks[i]
		return len(m.Exclusive) + 4*len(m.Scales)
	}}
	codes.miss = func(dst []float32, i int) error {
		err := readFile(b.path(i, ".int8"), nil, b.int8s.Networks[i].Exclusive) // the same bytes
		if err == nil {
			err = codes.hit(dst, i)
		}
		return err
	}
	for i, m := range b.int8s.Networks {
		if err := files.WritePath(b.path(i, ".int8"), m.Exclusive); err != nil {
			return nil, err
		}
	}
	return []*side{
		{source: b.sources[0]},
		{source: &source{name: "float32, the rest in files", held: budget, load: floats.load},
			cache: floats},
		{source: &source{name: "int8, the rest in files", held: budget, load: codes.load}, cache: codes},
		{source: b.sources[1]},
	}, nil
}

// load measures a stream of requests: as many as thirty seconds hold.
func (b *bench) load(ctx context.Context) error {
	const atLeast, enough = 50, 30 * time.Second
	budget := b.budget()
	sides, err := b.sides(budget)
	if err != nil {
		return err
	}
	for _, s := range sides {
		if s.slot, err = b.newSlot(); err != nil {
			return err
		}
		defer s.slot.close()
		s.last = -1
	}
	rng := train.Rand(b.options.Seed, "load")
	popular := rng.Perm(len(b.nets))
	which := rand.NewZipf(rng, zipf, 1, uint64(len(b.nets)-1))
	k := slices.Index(b.Engine.options.Batches, 1)
	for i, n := range b.nets { // compiles
		out := make([]float32, n.Outputs())
		if err := b.one(i, k, b.sources[1].resident[i], b.whole[i], b.apart[i].Test.Sample(0),
			out); err != nil {
			return err
		}
	}
	for r, begun := 0, time.Now(); r < b.options.Requests; r++ {
		if r >= atLeast && time.Since(begun) > enough {
			b.done = b.expected - 1
			b.step()
			break
		}
		i := popular[which.Uint64()]
		test := b.apart[i].Test
		sample, out := test.Sample(rng.IntN(test.Len())), make([]float32, b.nets[i].Outputs())
		for turn := range sides {
			if err := ctx.Err(); err != nil {
				return err
			}
			s := sides[(r+turn)%len(sides)]
			start := time.Now()
			if s.last != i {
				s.result.Switches++
				s.last = i
				if s.weights, err = b.usable(s.source, s.slot, i); err != nil {
					return fmt.Errorf("switch to %s, %s: %w", b.nets[i].Name, s.name, err)
				}
			}
			if err := b.one(i, k, s.weights, b.stateOf(s.source, i), sample, out); err != nil {
				return fmt.Errorf("network %s: %w", b.nets[i].Name, err)
			}
			s.service = append(s.service, time.Since(start))
		}
		b.step()
	}
	b.result.Load = underLoad(sides, budget, rng)
	return nil
}

// underLoad are the latencies at rates from a tenth of what the first side can serve to a fifth more.
func underLoad(sides []*side, budget int, rng *rand.Rand) *Load {
	l := &Load{Budget: budget, Requests: len(sides[0].service), Zipf: zipf}
	gaps := make([]float64, l.Requests) // between arrivals, at one request a second
	for r := range gaps {
		gaps[r] = rng.ExpFloat64()
	}
	for k := 1; k <= 12; k++ {
		l.Rates = append(l.Rates, float64(k)/10*capacity(sides[0].service))
	}
	for _, s := range sides {
		t := s.result
		t.Name, t.Held, t.Capacity = s.name, s.held, capacity(s.service)
		if s.cache != nil {
			t.Loads = s.cache.misses
		}
		for _, rate := range l.Rates {
			d := latencies(s.service, gaps, rate)
			t.Median = append(t.Median, median(d))
			t.P95, t.P99 = append(t.P95, percentile(d, 0.95)), append(t.P99, percentile(d, 0.99))
		}
		l.Sources = append(l.Sources, t)
	}
	return l
}

// capacity is how many requests are served in a second without pause.
func capacity(service []time.Duration) float64 {
	total := time.Duration(0)
	for _, d := range service {
		total += d
	}
	return float64(len(service)) / max(total.Seconds(), 1e-9)
}

// latencies are the times from arrival to answer of requests that take so long to serve and arrive in
// gaps, which are those of one request a second, at a rate. (Lindley 1952.)
func latencies(service []time.Duration, gaps []float64, rate float64) []time.Duration {
	all := make([]time.Duration, len(service))
	wait := 0.0
	for r, d := range service {
		if r > 0 {
			wait = max(0, wait+service[r-1].Seconds()-gaps[r]/rate)
		}
		all[r] = time.Duration(wait*1e9) + d
	}
	return all
}
