package datasets

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// problem is a generated classification problem of pictures in place of a dataset. Each class
// has a few prototypes; a sample is a part of one of them at a random place and
// strength, with something of another class mixed in and noise on top. Some labels
// are exchanged, so that no network can be right about all samples.
type problem struct {
	paint    painter
	variants int    // prototypes of a class
	shift    [2]int // largest shift from the middle, in rows and columns

	amplitude [2]float64 // bounds of a prototype's strength
	distract  float64    // largest strength of the other class's prototype
	noise     float64    // standard deviation of the noise on every value
	wrong     float64    // share of samples that exchange labels

	train, test int // default number of samples
}

// standIn generates the stand-in of a dataset, and notes why.
func standIn(ctx context.Context, e entry, o Options, why string) (*samples, error) {
	train, test := e.problem.train, e.problem.test
	if e.signals != nil {
		train, test = e.signals.train, e.signals.test
	}
	if o.StandInTrain > 0 {
		train = o.StandInTrain
	}
	if o.StandInTest > 0 {
		test = o.StandInTest
	}
	source := "generated, not " + e.name
	if e.signals != nil {
		// A network trained on other samples must not be taken for one trained on these.
		source += fmt.Sprintf(" (generator %d)", e.signals.version)
	}
	p := Provenance{
		Kind:    StandIn,
		Source:  source,
		TrainOf: train,
		TestOf:  test,
	}
	s, err := e.generate(ctx, o, p)
	if err != nil {
		return nil, err
	}
	s.provenance.Note = "generated: " + why
	return s, nil
}

// generate makes as many samples as p says.
func (e entry) generate(ctx context.Context, o Options, p Provenance) (*samples, error) {
	if e.signals != nil {
		g := e.signals
		f := form{bytes: g.bytes, period: g.period,
			load: func(ctx context.Context, r *recorder) (Provenance, error) {
				report := o.Progress
				if report == nil {
					report = func(string, int64, int64) {}
				}
				r.read = func(int64) { report("generating", int64(r.Len()), int64(p.TrainOf+p.TestOf)) }
				err := g.generate(ctx, generation{e, o.Seed, false, p.TrainOf}, r)
				if err == nil {
					err = g.generate(ctx, generation{e, o.Seed, true, p.TestOf}, r)
				}
				return p, err
			}}
		s, err := e.cached(ctx, o, e.cacheKey("stand-in", g.version, o.Seed, p.TrainOf, p.TestOf), f)
		if err != nil {
			return nil, err
		}
		s.provenance = p // the cache may have it in older words
		return s, nil
	}
	g := generator{entry: e, seed: o.Seed, prototypes: prototypes(e, o.Seed)}
	train, err := g.split(ctx, p.TrainOf, streamTrain, streamTrainLabels)
	if err != nil {
		return nil, err
	}
	test, err := g.split(ctx, p.TestOf, streamTest, streamTestLabels)
	if err != nil {
		return nil, err
	}
	return &samples{train: train, test: test, provenance: p}, nil
}

// generator makes the samples of one stand-in.
type generator struct {
	entry
	seed       uint64
	prototypes []canvas // class after class
}

// prototypes paints the classes, each larger than a sample by the largest shifts.
func prototypes(e entry, seed uint64) []canvas {
	p := e.problem
	all := make([]canvas, e.classes*p.variants)
	for i := range all {
		c := newCanvas(e.shape[0]+2*p.shift[0], e.shape[1]+2*p.shift[1], e.shape[2])
		p.paint(seeded(seed, e.name, streamPrototype, i), c)
		all[i] = c
	}
	return all
}

// split generates n samples. Every sample has its own generator of random numbers,
// so the result does not depend on how the work is divided.
func (g generator) split(ctx context.Context, n, samples, labels int) (*Split, error) {
	shown, truth := g.labels(n, seeded(g.seed, g.name, labels))
	s := newByteSplit(g.size(), make([]byte, n*g.size()), shown)
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() error {
			v := make([]float64, s.size)
			for i := w; i < n; i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				g.sample(v, int(truth[i]), seeded(g.seed, g.name, samples, i))
				s.write(i, v)
			}
			return nil
		})
	}
	return s, group.Wait()
}

// labels returns the labels to show, and the classes the samples are made of. Both
// have the classes as evenly as n allows, in shuffled order.
func (g generator) labels(n int, r *rand.Rand) (shown, truth []int32) {
	truth = make([]int32, n)
	for i := range truth {
		truth[i] = int32(i % g.classes)
	}
	r.Shuffle(n, func(i, j int) { truth[i], truth[j] = truth[j], truth[i] })
	shown = append(shown, truth...)
	// Handing labels round among some samples keeps the classes even.
	wrong := r.Perm(n)[:int(g.problem.wrong*float64(n))]
	for k, i := range wrong {
		shown[i] = truth[wrong[(k+1)%len(wrong)]]
	}
	return shown, truth
}

// sample makes one sample of a class.
func (g generator) sample(dst []float64, class int, r *rand.Rand) {
	p := g.problem
	own := p.amplitude[0] + r.Float64()*(p.amplitude[1]-p.amplitude[0])
	other := (class + 1 + r.IntN(g.classes-1)) % g.classes
	clear(dst)
	g.add(dst, own, class, r)
	g.add(dst, p.distract*r.Float64(), other, r)
	for i := range dst {
		dst[i] += p.noise * r.NormFloat64()
	}
}

// add adds a prototype of a class, of the given strength, at a random place.
func (g generator) add(dst []float64, strength float64, class int, r *rand.Rand) {
	p := g.problem
	c := g.prototypes[class*p.variants+r.IntN(p.variants)]
	y, x := r.IntN(2*p.shift[0]+1), r.IntN(2*p.shift[1]+1)
	width := g.shape[1] * g.shape[2]
	for i := range g.shape[0] {
		row := c.v[((y+i)*c.w+x)*c.c:][:width]
		for j, v := range row {
			dst[i*width+j] += strength * v
		}
	}
}

// write stores values as sample i.
func (s *Split) write(i int, v []float64) {
	for k, x := range v {
		s.bytes[i*s.size+k] = uint8(math.Round(255 * min(max(x, 0), 1)))
	}
}
