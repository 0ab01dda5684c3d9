package datasets

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// standInVersion is raised when the samples of stand-ins change, so that a network
// trained on older ones is not taken for one trained on these.
const standInVersion = 3

// What a stand-in is made of. With these, separate networks are right about 85 to 93 % of the test samples.
const (
	standInPrototypes = 2    // of a class
	standInWaves      = 8    // cosines that a prototype is the sum of
	standInPeriods    = 3    // of a cosine across a sample, at most
	standInShift      = 2    // rows and columns that a prototype is moved by, at most
	standInOther      = 0.53 // share of another class's prototype in a sample, at most
	standInContrast   = 0.15 // standard deviation of a prototype's values, about their mean of 0.5
	standInNoise      = 0.15 // standard deviation of the noise on each value
	standInTrain      = 5000 // default number of training samples, validation included
	standInTest       = 1000 // default number of test samples
)

// standIn generates the stand-in of a dataset: samples of its shape and number of
// classes, and nothing else that they have in common with it. Each class has a few
// smooth random prototypes. A sample is a mix of one of them and a prototype of another
// class, both moved, with noise. Where the other class has half of the mix or more, no
// network can be sure of the label. The note of the provenance says why there is a
// stand-in.
func standIn(ctx context.Context, e entry, o Options, why string) (*Dataset, error) {
	g := generator{entry: e, seed: o.Seed}
	for i := range e.Classes * standInPrototypes {
		g.prototypes = append(g.prototypes, g.prototype(seeded(o.Seed, e.Name, streamPrototype, i)))
	}
	d := e.Dataset
	for i := range d.ClassNames {
		d.ClassNames[i] = fmt.Sprint("class ", i)
	}
	source := fmt.Sprintf("generated, not %s (generator %d)", e.Name, standInVersion)
	d.Provenance = Provenance{Kind: StandIn, Source: source, Note: "generated: " + why,
		TrainOf: cmp.Or(o.StandInTrain, standInTrain), TestOf: cmp.Or(o.StandInTest, standInTest)}
	var err error
	if d.Train, err = g.split(ctx, d.Provenance.TrainOf, streamTrain); err != nil {
		return nil, err
	}
	d.Test, err = g.split(ctx, d.Provenance.TestOf, streamTest)
	return &d, err
}

// generator makes the samples of one stand-in.
type generator struct {
	entry
	seed       uint64
	prototypes [][]float64 // class after class, each larger than a sample by the largest shifts
}

// prototype returns a smooth random field of mean 0 and standard deviation 1, as an
// expectation.
func (g generator) prototype(r *rand.Rand) []float64 {
	height, width, channels := g.Shape[0], g.Shape[1], g.Shape[2]
	v := make([]float64, (height+2*standInShift)*(width+2*standInShift)*channels)
	for c := range channels {
		for range standInWaves {
			down := standInPeriods * (2*r.Float64() - 1) / float64(height)
			right := standInPeriods * (2*r.Float64() - 1) / float64(width)
			phase := r.Float64()
			for i := c; i < len(v); i += channels {
				row, col := i/channels/(width+2*standInShift), i/channels%(width+2*standInShift)
				wave := math.Cos(2 * math.Pi * (down*float64(row) + right*float64(col) + phase))
				v[i] += wave * math.Sqrt(2.0/standInWaves)
			}
		}
	}
	return v
}

// split generates n samples, the classes in shuffled order and as even as n allows.
func (g generator) split(ctx context.Context, n, stream int) (*Split, error) {
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % g.Classes)
	}
	seeded(g.seed, g.Name, stream).Shuffle(n, func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	bytes, v := make([]byte, n*g.size()), make([]float64, g.size())
	for i, class := range labels {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := seeded(g.seed, g.Name, stream, i)
		other := (int(class) + 1 + r.IntN(g.Classes-1)) % g.Classes
		share := standInOther * r.Float64()
		clear(v)
		g.add(v, 1-share, int(class), r)
		g.add(v, share, other, r)
		for k, x := range v {
			x = 0.5 + standInContrast*x + standInNoise*r.NormFloat64()
			bytes[i*g.size()+k] = uint8(math.Round(255 * min(max(x, 0), 1)))
		}
	}
	return &Split{size: g.size(), bytes: bytes, Labels: labels}, nil
}

// add adds a share of a prototype of a class, at a random place.
func (g generator) add(dst []float64, share float64, class int, r *rand.Rand) {
	p := g.prototypes[class*standInPrototypes+r.IntN(standInPrototypes)]
	top, left := r.IntN(2*standInShift+1), r.IntN(2*standInShift+1)
	width, channels := g.Shape[1], g.Shape[2]
	for row := range g.Shape[0] {
		from := p[((top+row)*(width+2*standInShift)+left)*channels:]
		for i := range width * channels {
			dst[row*width*channels+i] += share * from[i]
		}
	}
}
