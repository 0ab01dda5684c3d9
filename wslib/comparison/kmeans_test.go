package comparison

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"weightsep/wslib/internal/train"
)

func clustered(t testing.TB, vectors []float32, length, codewords, iterations, workers int, seed uint64) *clustering {
	t.Helper()
	c, err := cluster(context.Background(), vectors, length, codewords, iterations, workers, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func distance(a, b []float32) (d float64) {
	for i := range a {
		d += float64(a[i]-b[i]) * float64(a[i]-b[i])
	}
	return d
}

// total is the sum of squared distances from the means, for one way to divide vectors.
func total(vectors []float32, length, parts int, part []int) float64 {
	sum := 0.0
	for p := range parts {
		mean, n := make([]float32, length), float32(0)
		for i, q := range part {
			if q == p {
				n++
				for k := range mean {
					mean[k] += vectors[i*length+k]
				}
			}
		}
		for k := range mean {
			mean[k] /= max(n, 1)
		}
		for i, q := range part {
			if q == p {
				sum += distance(vectors[i*length:(i+1)*length], mean)
			}
		}
	}
	return sum
}

// The best of ten starts is the best of all 3^9 ways to divide nine vectors.
func TestClusterAgainstAllDivisions(t *testing.T) {
	for _, length := range []int{2, 4} {
		rng := rand.New(rand.NewPCG(5, uint64(length)))
		const n, parts = 9, 3
		vectors := make([]float32, n*length)
		for i := range vectors {
			vectors[i] = rng.Float32() + float32(i/length%parts)
		}
		best := math.Inf(1)
		part := make([]int, n)
		for code := range 19683 {
			for i := range part {
				part[i], code = code%parts, code/parts
			}
			best = min(best, total(vectors, length, parts, part))
		}
		got := math.Inf(1)
		for seed := range uint64(10) {
			c := clustered(t, vectors, length, parts, 50, 1, seed)
			sum := 0.0
			for i, j := range c.index {
				sum += distance(c.vector(i), c.book[int(j)*length:int(j+1)*length])
			}
			got = min(got, sum)
		}
		if math.Abs(got-best) > 1e-5*best {
			t.Errorf("length %d: squared error %v, the best is %v", length, got, best)
		}
	}
}

// Every vector goes to its nearest codeword, every codeword is the mean of its
// vectors, whatever the number of workers.
func TestClusterIsFixedPoint(t *testing.T) {
	for _, length := range []int{3, 4, 8} {
		rng := rand.New(rand.NewPCG(5, 6))
		vectors := make([]float32, 9000*length)
		for i := range vectors {
			vectors[i] = float32(rng.NormFloat64())
		}
		c := clustered(t, vectors, length, 12, 1000, 1, 1)
		means, counts := make([]float64, len(c.book)), make([]float64, 12)
		for i, j := range c.index {
			own := distance(c.vector(i), c.book[int(j)*length:int(j+1)*length])
			for o := range 12 {
				if d := distance(c.vector(i), c.book[o*length:(o+1)*length]); d < own-1e-5 {
					t.Fatalf("vector %d is at %v from codeword %d, at %v from its own, %d", i, d, o, own, j)
				}
			}
			counts[j]++
			for k, v := range c.vector(i) {
				means[int(j)*length+k] += float64(v)
			}
		}
		for k, v := range c.book {
			if mean := means[k] / counts[k/length]; math.Abs(float64(v)-mean) > 1e-5 {
				t.Fatalf("value %d of the codewords is %v, the mean of its vectors %v", k, v, mean)
			}
		}
		if o := clustered(t, vectors, length, 12, 1000, 3, 1); !slices.Equal(o.book, c.book) || !slices.Equal(o.index, c.index) {
			t.Errorf("length %d: three workers find other codewords than one", length)
		}
	}
}

// With as many codewords as different vectors nothing is lost, with more it works.
func TestClusterOfFewVectors(t *testing.T) {
	vectors := []float32{1, 2, 5, 6, 1, 2, -3, 4, 5, 6}
	for _, codewords := range []int{3, 7} {
		c := clustered(t, vectors, 2, codewords, 10, 2, 1)
		for i, j := range c.index {
			if !slices.Equal(c.vector(i), c.book[2*j:2*j+2]) {
				t.Errorf("%d codewords: vector %v becomes %v", codewords, c.vector(i), c.book[2*j:2*j+2])
			}
		}
		if len(c.book) != 2*codewords {
			t.Errorf("%d values of %d codewords", len(c.book), codewords)
		}
	}
}

// An empty codeword takes the vector that is worst off.
func TestClusterFillsEmptyCodewords(t *testing.T) {
	c := &clustering{vectors: []float32{0, 1, 2, 9}, length: 1, book: []float32{1, 100}, index: make([]int32, 4), error: make([]float32, 4)}
	if _, err := c.assign(context.Background()); err != nil {
		t.Fatal(err)
	}
	if c.update(); !slices.Equal(c.book, []float32{3, 9}) {
		t.Errorf("codewords %v, want 3 and 9", c.book)
	}
}

// The gradients by codeword and scale are those of finite differences of a function
// of the weights, for two networks that share the codebook.
func TestScatterAgainstDifferences(t *testing.T) {
	weights := [][]float32{small("a").Initial(1), small("b").Initial(2)[:190]}
	m := ProductQuantized{Codewords: 10, Length: 4, Page: 64}.withDefaults()
	c, theta, err := newCodes(context.Background(), m, weights, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(theta) != 40+4+3 || c.size != len(theta) {
		t.Fatalf("%d values, want 40 of codewords and 7 scales", len(theta))
	}
	rng := train.Rand(1, "test")
	var on [][]float32 // the function is their inner product with the weights
	sum := make([]float64, c.size)
	for i, w := range weights {
		on = append(on, make([]float32, len(w)))
		for k := range w {
			on[i][k] = float32(rng.NormFloat64())
		}
		c.scatter(sum, theta, on[i], i)
	}
	value := func() (v float64) {
		for i := range weights {
			for k, w := range c.gather(theta, i) {
				v += float64(on[i][k]) * float64(w)
			}
		}
		return v
	}
	for k, old := range theta {
		const h = 0x1p-6
		theta[k] = old + h
		up := value()
		theta[k] = old - h
		down := value()
		theta[k] = old
		if d := (up - down) / (2 * h); math.Abs(d-sum[k]) > 1e-3 {
			t.Errorf("gradient %d is %v, by differences %v", k, sum[k], d)
		}
	}
}

// With a codeword for each vector, gathered weights are the networks' own but for
// rounding to float16.
func TestGatherIsInverse(t *testing.T) {
	weights := [][]float32{small("a").Initial(1), small("b").Initial(2)}
	m := ProductQuantized{Codewords: 102, Length: 4, Page: 64}.withDefaults()
	c, theta, err := newCodes(context.Background(), m, weights, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range weights {
		for k, got := range c.gather(c.rounded(theta), i) {
			if math.Abs(float64(got-w[k])) > 6e-4*math.Abs(float64(w[k]))+1e-7 {
				t.Errorf("network %d: weight %d is %v, was %v", i, k, got, w[k])
			}
		}
	}
}

func TestClusterStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := cluster(ctx, make([]float32, 400), 4, 3, 10, 1, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Error("an ended context went unnoticed")
	}
}

// BenchmarkCluster is the codebook of the ten networks.
func BenchmarkCluster(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	vectors := make([]float32, 4*167_000)
	for i := range vectors {
		vectors[i] = float32(rng.NormFloat64())
	}
	for b.Loop() {
		clustered(b, vectors, 4, 256, 50, 2, 1)
	}
}
