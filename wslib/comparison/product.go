package comparison

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// ProductQuantized stores all networks with one codebook (YONO, Kwon et al., IPSN
// 2022, transferred to these networks): pages are divided by their root mean square,
// the scale, and cut into short vectors, and each vector becomes the index of one of
// the codewords that k-means finds for all networks. Then codebook and scales are
// trained for all networks at once, indices being fixed: every step adds up, for each
// codeword, the gradients of all networks' weights that it stands for.
//
// The best state is that of the highest mean validation accuracy.
type ProductQuantized struct {
	Codewords  int // 2 to 65536 [256]
	Length     int // weights of a codeword; divides Page [4]
	Page       int // weights with one scale [512]
	Iterations int // of k-means at most [50]
}

func (m ProductQuantized) withDefaults() ProductQuantized {
	m.Codewords = cmp.Or(m.Codewords, 256)
	m.Length = cmp.Or(m.Length, 4)
	m.Page = cmp.Or(m.Page, page.DefaultSize)
	m.Iterations = cmp.Or(m.Iterations, 50)
	return m
}

// Name is product-CODEWORDS-LENGTH.
func (m ProductQuantized) Name() string {
	m = m.withDefaults()
	return fmt.Sprintf("product-%d-%d", m.Codewords, m.Length)
}

// Stored is indices, scales and one codebook for all.
func (m ProductQuantized) Stored(networks []*network.Network) Stored {
	m = m.withDefaults()
	return sum(networks, m.stored).add(Stored{Codebooks: scaleBytes * m.Codewords * m.Length})
}

// stored is a network's own part.
func (m ProductQuantized) stored(n *network.Network) Stored {
	vectors := page.Count(n.Weights(), m.Length)
	return Stored{Indices: packed(vectors, bitsFor(m.Codewords)), Scales: scaleBytes * page.Count(n.Weights(), m.Page)}.total()
}

func (m ProductQuantized) validate() error {
	m = m.withDefaults()
	switch {
	case m.Codewords < 2 || m.Codewords > 1<<16:
		return fmt.Errorf("%d codewords, want 2 to %d", m.Codewords, 1<<16)
	case m.Length < 1 || m.Page < 1 || m.Page%m.Length != 0:
		return fmt.Errorf("pages of %d weights in vectors of %d, want them to divide evenly", m.Page, m.Length)
	case m.Iterations < 1:
		return fmt.Errorf("%d iterations, want 1 or more", m.Iterations)
	}
	return nil
}

// codes is all networks as indices into a codebook, with where everything that is
// trained lies in one vector, theta: codewords [Codewords, Length], then each
// network's scales.
type codes struct {
	ProductQuantized
	weights []int     // of each network
	index   [][]int32 // of each network's vectors
	scales  []int     // place of each network's first scale
	size    int       // of theta
}

// newCodes runs k-means on all networks and returns the start of theta, too.
func newCodes(ctx context.Context, m ProductQuantized, weights [][]float32, workers int, seed uint64) (*codes, []float32, error) {
	c := &codes{ProductQuantized: m, size: m.Codewords * m.Length}
	var vectors, scales []float32
	for _, w := range weights {
		normalised, rms := normalise(w, m.Page)
		c.weights = append(c.weights, len(w))
		c.scales = append(c.scales, c.size)
		c.size += len(rms)
		scales = append(scales, rms...)
		vectors = append(vectors, page.Form(normalised, m.Length)...)
	}
	found, err := cluster(ctx, vectors, m.Length, m.Codewords, m.Iterations, workers, train.Rand(seed, "codebook"))
	if err != nil {
		return nil, nil, err
	}
	index := found.index
	for _, n := range c.weights {
		own := page.Count(n, m.Length)
		c.index, index = append(c.index, index[:own:own]), index[own:]
	}
	return c, append(found.book, scales...), nil
}

// normalise divides pages by their root mean square, rounded to float16 as a scale
// is stored.
func normalise(weights []float32, size int) (normalised, scales []float32) {
	for at := 0; at < len(weights); at += size {
		own := weights[at:min(at+size, len(weights))]
		squares := 0.0
		for _, v := range own {
			squares += float64(v) * float64(v)
		}
		scale := page.ScaleFloat16.Round(float32(max(math.Sqrt(squares/float64(len(own))), leastStep)))
		scales = append(scales, scale)
		for _, v := range own {
			normalised = append(normalised, v/scale)
		}
	}
	return normalised, scales
}

// rounded is theta as stored, in float16.
func (c *codes) rounded(theta []float32) []float32 {
	r := make([]float32, len(theta))
	for k, v := range theta {
		r[k] = page.ScaleFloat16.Round(v)
	}
	return r
}

// gather is network i's weights as executed, scale times codeword, from rounded
// theta.
func (c *codes) gather(theta []float32, i int) []float32 {
	w := make([]float32, c.weights[i])
	for k := range w {
		scale, word := c.places(i, k)
		w[k] = theta[scale] * theta[word]
	}
	return w
}

// places are those in theta of the two factors of network i's weight k.
func (c *codes) places(i, k int) (scale, word int) {
	return c.scales[i] + k/c.Page, int(c.index[i][k/c.Length])*c.Length + k%c.Length
}

// scatter adds to sum, of theta's size, what network i's gradient with respect to
// its weights is with respect to theta; rounding passes it straight through.
func (c *codes) scatter(sum []float64, theta, gradient []float32, i int) {
	for k, g := range gradient {
		scale, word := c.places(i, k)
		sum[word] += float64(g) * float64(theta[scale])
		sum[scale] += float64(g) * float64(theta[word])
	}
}
