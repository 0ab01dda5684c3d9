package comparison

import (
	"context"
	"math"
	"math/rand/v2"

	"golang.org/x/sync/errgroup"
)

// clustering is k-means of vectors [vectors, length].
type clustering struct {
	vectors []float32
	length  int
	workers int
	book    []float32 // codewords [codewords, length]
	index   []int32   // nearest codeword of each vector
	error   []float32 // squared distance from it
}

// cluster finds codewords by Lloyd's iterations, from a k-means++ start on a sample:
// at most the given number of them, fewer once no vector moves. The outcome does not
// depend on workers.
func cluster(ctx context.Context, vectors []float32, length, codewords, iterations, workers int, rng *rand.Rand) (*clustering, error) {
	n := len(vectors) / length
	c := &clustering{vectors: vectors, length: length, workers: workers, index: make([]int32, n), error: make([]float32, n)}
	c.seed(codewords, rng)
	moved, err := c.assign(ctx)
	for i := 0; i < iterations && moved && err == nil; i++ {
		c.update()
		moved, err = c.assign(ctx)
	}
	return c, err
}

func (c *clustering) vector(i int) []float32 { return c.vectors[i*c.length : (i+1)*c.length] }

// samplePerCodeword is how many vectors the start is drawn from.
const samplePerCodeword = 64

// seed draws each codeword from a sample with probability in proportion to the
// squared distance from those before it (Arthur and Vassilvitskii 2007). Are there
// fewer different vectors than codewords, some codewords are equal.
func (c *clustering) seed(codewords int, rng *rand.Rand) {
	sample := rng.Perm(len(c.index))
	sample = sample[:min(len(sample), samplePerCodeword*codewords)]
	distance := make([]float64, len(sample))
	for i := range distance {
		distance[i] = math.Inf(1)
	}
	at := 0
	for {
		codeword := c.vector(sample[at])
		c.book = append(c.book, codeword...)
		if len(c.book) == codewords*c.length {
			return
		}
		sum := 0.0
		for i, s := range sample {
			d := 0.0
			for k, v := range c.vector(s) {
				d += float64(v-codeword[k]) * float64(v-codeword[k])
			}
			distance[i] = min(distance[i], d)
			sum += distance[i]
		}
		left := rng.Float64() * sum
		for i, d := range distance {
			if d > 0 {
				at = i // the last of them, should rounding leave something
				if left -= d; left < 0 {
					break
				}
			}
		}
	}
}

// chunk is how many vectors a worker takes at a time.
const chunk = 4096

// assign finds the nearest codeword of each vector, of equals the first, and tells
// whether any is another than before.
func (c *clustering) assign(ctx context.Context) (moved bool, err error) {
	// |x-c|^2 = |x|^2 - 2 (x.c - |c|^2/2)
	half := make([]float32, len(c.book)/c.length)
	for j := range half {
		for _, v := range c.book[j*c.length : (j+1)*c.length] {
			half[j] += v * v / 2
		}
	}
	chunks := (len(c.index) + chunk - 1) / chunk
	movedIn := make([]bool, chunks)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.workers))
	for k := range chunks {
		group.Go(func() error {
			for i := k * chunk; i < min((k+1)*chunk, len(c.index)); i++ {
				best, score := c.nearest(c.vector(i), half)
				movedIn[k] = movedIn[k] || best != c.index[i]
				c.index[i] = best
				c.error[i] = -2 * score
				for _, v := range c.vector(i) {
					c.error[i] += v * v
				}
			}
			return ctx.Err()
		})
	}
	err = group.Wait()
	for _, m := range movedIn {
		moved = moved || m
	}
	return moved, err
}

// nearest has the largest x.c - |c|^2/2.
func (c *clustering) nearest(x, half []float32) (best int32, score float32) {
	score = float32(math.Inf(-1))
	if c.length == 4 {
		x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
		for j, h := range half {
			w := c.book[4*j : 4*j+4 : 4*j+4]
			if s := x0*w[0] + x1*w[1] + x2*w[2] + x3*w[3] - h; s > score {
				best, score = int32(j), s
			}
		}
		return best, score
	}
	for j, h := range half {
		s := -h
		w := c.book[j*len(x) : (j+1)*len(x)]
		for k, v := range x {
			s += v * w[k]
		}
		if s > score {
			best, score = int32(j), s
		}
	}
	return best, score
}

// update moves each codeword to the mean of its vectors, and one without any to the
// vector that is worst off.
func (c *clustering) update() {
	sums := make([]float64, len(c.book))
	counts := make([]int, len(c.book)/c.length)
	for i, j := range c.index {
		counts[j]++
		at := sums[int(j)*c.length:]
		for k, v := range c.vector(i) {
			at[k] += float64(v)
		}
	}
	for j, n := range counts {
		codeword := c.book[j*c.length : (j+1)*c.length]
		if n == 0 {
			worst := 0
			for i, e := range c.error {
				if e > c.error[worst] {
					worst = i
				}
			}
			c.error[worst] = 0 // taken
			copy(codeword, c.vector(worst))
			continue
		}
		for k := range codeword {
			codeword[k] = float32(sums[j*c.length+k] / float64(n))
		}
	}
}
