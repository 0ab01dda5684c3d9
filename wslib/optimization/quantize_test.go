package optimization

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

var precisions = []page.Precision{page.Int8, page.Int4, page.Int2}

// What is trained is what is stored: the graph's rounding is the host's.
func TestQuantizerGraphIsHost(t *testing.T) {
	const pages, size = 3, 64
	rng := rand.New(rand.NewPCG(1, 4))
	latent := make([]float32, pages*size)
	for i := range latent[:2*size] { // the last page is empty
		latent[i] = float32(rng.NormFloat64()) * float32(i/size*3+1)
	}
	for _, p := range precisions {
		q := quantizer{p}
		out := MustExecOnceN(xlatest.Backend(t), func(in []*Node) []*Node {
			values, within := q.graph(in[0])
			return []*Node{values, Where(within, OnesLike(values), ZerosLike(values))}
		}, tensors.FromFlatDataAndDimensions(latent, pages, size))
		values, within := tensors.MustCopyFlatData[float32](out[0]),
			tensors.MustCopyFlatData[float32](out[1])
		for k := range pages {
			codes := append([]float32(nil), latent[k*size:(k+1)*size]...)
			step := q.codes(codes)
			if err := p.Check(codes); err != nil {
				t.Errorf("%v: page %d: %v", p, k, err)
			}
			for i, c := range codes {
				v := values[k*size+i]
				if math.Abs(float64(v-c*step)) > 1e-5*math.Abs(float64(v))+1e-9 {
					t.Fatalf("%v: page %d value %d is %v in the graph, %v times %v on the host", p, k, i,
						v, c, step)
				}
				beyond := math.Abs(float64(latent[k*size+i])) > 1.001*float64(step)*2*float64(p.Limit())
				if beyond && within[k*size+i] != 0 {
					t.Errorf("%v: page %d value %d: gradient where no code is near", p, k, i)
				}
				if math.Abs(float64(latent[k*size+i])) < float64(step)*float64(p.Limit()) &&
					within[k*size+i] != 1 {
					t.Errorf("%v: page %d value %d: no gradient within reach", p, k, i)
				}
			}
		}
	}
}

// A short last page is rounded as if it were a whole one: its padding does not make the step
// smaller, on the host or in the graph, whatever the padding held before.
func TestPaddingDoesNotCount(t *testing.T) {
	task := problem(t, "a", 1, 40) // 83 weights, 3 on the sixth page of 16
	p, err := overlapping.New(pageSize, 6)
	if err != nil {
		t.Fatal(err)
	}
	n := members(t, []Task{task})[0]
	n.Exclusive = nil
	if _, err := p.Add(n); err != nil {
		t.Fatal(err)
	}
	set := p.Set(true)
	last := int(set.Networks[0].Table.Entries[5])
	page.PutFloats(set.Pages[4*last*pageSize:], []float32{0.3, -0.4, 0.5, 7, 7, 7})
	l := newLayout(set, []int{0})
	theta := l.pack(set)
	row := theta[last*pageSize : (last+1)*pageSize]
	if !slices.Equal(row[:3], []float32{0.3, -0.4, 0.5}) ||
		slices.ContainsFunc(row[3:], func(v float32) bool { return v != 0 }) {
		t.Fatalf("the last page is %v, want its three weights and zeros", row)
	}
	want := math.Sqrt((0.09+0.16+0.25)/3) * quantizer{page.Int2}.step()
	if got := (quantizer{page.Int2}).codes(slices.Clone(row)); math.Abs(float64(got)-want) > 1e-6 {
		t.Errorf("step %v, by hand %v", got, want)
	}
	// Without training, either: four values and zeros are as four values.
	short, long := []float32{0.3, -0.4, 0.5, 0.1}, append([]float32{0.3, -0.4, 0.5, 0.1}, make([]float32, 12)...)
	if a, b := (quantizer{page.Int2}).leastCodes(short), (quantizer{page.Int2}).leastCodes(long); a != b ||
		!slices.Equal(short, long[:4]) {
		t.Errorf("steps %v and with padding %v, codes %v and %v", a, b, short, long)
	}
	values := MustExecOnce(xlatest.Backend(t),
		func(x *Node) *Node { v, _ := quantizer{page.Int2}.graph(x); return v },
		tensors.FromFlatDataAndDimensions(row, 1, pageSize))
	if got := tensors.MustCopyFlatData[float32](values)[0]; math.Abs(float64(got)-0.5*want) > 1e-6 {
		t.Errorf("0.3 in the graph is %v, by hand %v", got, 0.5*want)
	}
}

// No step gives a clearly smaller squared error on normally distributed values.
func TestStepsAreOfLeastError(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 4))
	values := make([]float64, 50_000)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	for _, p := range precisions {
		errorOf := func(step float64) float64 {
			sum := 0.0
			for _, v := range values {
				d := v - step*float64(p.Round(float32(v/step)))
				sum += d * d
			}
			return sum
		}
		least := math.Inf(1)
		for f := 0.7; f < 1.5; f += 0.05 {
			least = min(least, errorOf(f*quantizer{p}.step()))
		}
		if got := errorOf(quantizer{p}.step()); got > 1.03*least {
			t.Errorf("%v: squared error %.5g, %.5g with another step", p, got, least)
		}
	}
}

// Quantized training learns, and what it returns is stored as asked for and scores
// what its history says.
func TestJointQuantized(t *testing.T) {
	b := xlatest.Backend(t)
	tasks := []Task{problem(t, "a", 1, 300), problem(t, "b", 2, 300)}
	for _, p := range []page.Precision{page.Int4, page.Int2} {
		o := trains(300, 50, 30, 1e-2)
		o.Precision, o.ScaleFormat = p, page.ScaleLog8
		r, err := o.joint(t, context.Background(), plan(t, members(t, tasks)).Set(true), tasks)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Set.Validate(); err != nil || r.Set.Precision != p ||
			r.Set.ScaleFormat != page.ScaleLog8 {
			t.Fatalf("%v: a set of %v and %v: %v", p, r.Set.Precision, r.Set.ScaleFormat, err)
		}
		var best Point
		for _, at := range r.History {
			if at.Step == r.BestStep {
				best = at
			}
		}
		if best.Mean < 0.85 {
			t.Errorf("%v: mean validation accuracy %.3f, want 0.85", p, best.Mean)
		}
		v, err := newValidator(b, tasks, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range tasks {
			if got, err := v.score(context.Background(), i,
				network.Values{Weights: r.Set.Weights(i)}); err != nil || got != best.Validation[i] {
				t.Errorf("%v: network %d scores %v from what is stored, %v in the history (%v)", p, i, got,
					best.Validation[i], err)
			}
		}
		v.close()
	}
}

// Rounding sets in by and by: the forward pass sees (1-share) latent + share code values,
// and just the code values from the step on by which it is in full.
func TestRoundingSetsIn(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 60)}
	set := plan(t, members(t, tasks)).Set(true)
	o := trains(10, 10, 10, 2e-3)
	o.RoundBy, o.Precision = 0.8, page.Int2
	j := o.open(t, set, tasks)
	for k, want := range map[int]float32{0: 0, 2: 0.25, 7: 0.875, 8: 1, 9: 1} {
		share := j.roundedShare(k)
		if share != want {
			t.Errorf("step %d: share %v, want %v", k, share, want)
		}
		out, err := j.graphs.round.Call1(vector(j.state.Theta), share)
		if err != nil {
			t.Fatal(err)
		}
		for p, got := range mustCopy(t, out)[:set.Size] {
			latent := set.SharedValues()[:set.Size]
			values := slices.Clone(latent)
			step := j.shared.codes(values)
			expected := (1-share)*latent[p] + share*values[p]*step
			if math.Abs(float64(got-expected)) > 1e-6 {
				t.Fatalf("step %d: value %d is %v, want %v", k, p, got, expected)
			}
		}
	}
}
