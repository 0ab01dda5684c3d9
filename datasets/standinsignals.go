package datasets

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"weightsep/datasets/prepared"
)

// signals is a generated classification problem of the raw material of a dataset,
// sounds or movements or pictures, from which the same code as for the original makes
// the samples.
type signals struct {
	version     int  // raised when the samples change, be it by what is generated or by its features
	bytes       bool // and period: as of a form
	period      int
	train, test int     // default number of samples
	wrong       float64 // share of samples or recordings that are of another class than their label

	// generate adds the samples, exactly as many of each class as asked for.
	generate func(ctx context.Context, g generation, r *recorder) error
}

// generation is what is to be generated.
type generation struct {
	entry
	seed uint64
	test bool
	n    int // samples
}

// quota returns how many of the samples are of a class.
func (g generation) quota(class int) int {
	n := g.n / g.classes
	if class < g.n%g.classes {
		n++
	}
	return n
}

// truth draws what a recording with the label class is made of: now and then something
// else, so that no network can be right about all samples.
func (g generation) truth(class int, r *rand.Rand) int {
	if r.Float64() >= g.signals.wrong {
		return class
	}
	return (class + 1 + r.IntN(g.classes-1)) % g.classes
}

// part returns the split to add samples to.
func (g generation) part() prepared.Part {
	if g.test {
		return prepared.Test
	}
	return prepared.Train
}

// random returns a generator for a numbered thing that is drawn for the samples: another
// one in the test split than in the training split.
func (g generation) random(at ...int) *rand.Rand {
	stream := streamTrain
	if g.test {
		stream = streamTest
	}
	return seeded(g.seed, g.name, stream, at...)
}

// prototype returns a generator for what a class is: the same in both splits.
func (g generation) prototype(at ...int) *rand.Rand {
	return seeded(g.seed, g.name, streamPrototype, at...)
}

// What a numbered thing of a stand-in is drawn for.
const (
	drawSample = iota
	drawSpeaker
)

// made is what a worker makes of a sample or recording.
type made struct {
	sample prepared.Sample
	values [][]float32
}

// sample returns what is known of sample i, of a class and a person.
func (g generation) sample(i, class, person int) prepared.Sample {
	return prepared.Sample{Name: fmt.Sprintf("%d-%08d", g.part(), i), Label: int32(class), Part: g.part(),
		Group: fmt.Sprintf("%d/%d", g.part(), person)}
}

// each feeds the numbers of the samples.
func (g generation) each(_ context.Context, give func(int) error) error {
	for i := range g.n {
		if err := give(i); err != nil {
			return err
		}
	}
	return nil
}

// take returns what adds samples to r.
func (g generation) take(r *recorder) func(made) error {
	return func(m made) error {
		r.read(1)
		return r.addFloats(m.sample, m.values[0])
	}
}

// take is a numbered recording of a class.
type take struct{ class, number int }

// sample returns what is known of a recording's samples.
func (t take) sample(g generation) prepared.Sample {
	name := fmt.Sprintf("%d-%05d-%02d", g.part(), t.number, t.class)
	return prepared.Sample{Name: name, Label: int32(t.class), Part: g.part(), Group: name}
}

// takes adds the samples that workers make of recordings.
func (g generation) takes(ctx context.Context, r *recorder, newWorker func() func(take) (made, error)) error {
	return addTakes(ctx, g, r, newWorker,
		func(m made) int { return int(m.sample.Label) },
		func(m made, most int) (int, error) {
			n := min(most, len(m.values))
			return n, r.addSegments(m.sample, m.values[:n])
		})
}

// addTakes passes takes, numbered from 0, to workers, and what they make to add, with
// the most samples that the class still needs, until there are as many of each class as
// asked for. Add returns how many it added.
func addTakes[Made any](ctx context.Context, g generation, r *recorder, newWorker func() func(take) (Made, error),
	class func(Made) int, add func(m Made, most int) (int, error)) error {
	missing := make([]int, g.classes)
	var incomplete atomic.Int64 // classes
	for c := range missing {
		if missing[c] = g.quota(c); missing[c] > 0 {
			incomplete.Add(1)
		}
	}
	feed := func(_ context.Context, give func(take) error) error {
		for number := 0; incomplete.Load() > 0; number++ {
			for class := range g.classes {
				if err := give(take{class, number}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return ordered(ctx, feed, newWorker, func(m Made) error {
		c := class(m)
		if missing[c] == 0 { // feed runs ahead
			return nil
		}
		n, err := add(m, missing[c])
		if missing[c] -= n; missing[c] == 0 {
			incomplete.Add(-1)
		}
		r.read(1)
		return err
	})
}
