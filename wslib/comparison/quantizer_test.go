package comparison

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// squaredError of rounding a standard normal distribution, by integration.
func squaredError(q quantizer, step float64) float64 {
	const width = 2e-4
	sum := 0.0
	for x := -8 + width/2; x < 8; x += width {
		level := math.RoundToEven(x / step)
		if q.levels%2 == 0 {
			level = math.Floor(x/step) + 0.5
		}
		e := x - step*min(max(level, -q.most()), q.most())
		sum += e * e * math.Exp(-x*x/2) * width / math.Sqrt(2*math.Pi)
	}
	return sum
}

// The steps are those of least squared error, the errors those of the tables of
// Max (1960).
func TestStepsAreOptimal(t *testing.T) {
	for levels, want := range map[int]float64{2: 0.3634, 4: 0.1188, 15: 0.01289, 16: 0.01154, 255: 0, 256: 0} {
		q := newQuantizer(levels)
		least := squaredError(q, q.step)
		if want > 0 && math.Abs(least/want-1) > 1e-3 {
			t.Errorf("%d levels: squared error %.5f, want %.5f", levels, least, want)
		}
		for _, factor := range []float64{0.99, 1.01} {
			if e := squaredError(q, factor*q.step); e <= least {
				t.Errorf("%d levels: squared error %v at step %v, %v at %v", levels, least, q.step, e, factor*q.step)
			}
		}
	}
}

// Levels are the codes in which pages are packed.
func TestLevelsCanBePacked(t *testing.T) {
	for _, bits := range []int{2, 4, 8} {
		q := forBits(bits)
		p := page.Precision(bits)
		for x := float32(-300); x < 300; x += 0.3 {
			code := q.host(x, 1)
			if err := p.Check([]float32{code + 0}); err != nil {
				t.Errorf("%d bits: %v becomes %v: %v", bits, x, code, err)
			}
		}
	}
}

func TestGraphStepIsFloat16(t *testing.T) {
	q := quantizer{levels: 255, step: 1}
	rng := rand.New(rand.NewPCG(1, 2))
	values := []float32{0, 1, 1 + 0x1p-11, 1 + 3*0x1p-11, 0x1p-14, 0x1p-15, 2047.5, 70000, 65519}
	for range 2000 {
		values = append(values, float32(math.Exp2(rng.Float64()*34-17)))
	}
	out := MustExecOnce(xlatest.Backend(t), q.graphStep, vector(values))
	for i, got := range tensors.MustCopyFlatData[float32](out) {
		if want := q.hostStep(float64(values[i])); got != want || page.ScaleFloat16.Round(got) != got {
			t.Errorf("%v becomes %v in the graph, %v in Go", values[i], got, want)
		}
	}
}

// The graph's weights are those of the Go twin, in pages and layers, whole and pruned.
func TestGraphIsTwin(t *testing.T) {
	n := small("a")
	rng := rand.New(rand.NewPCG(1, 2))
	latent := make([]float32, n.Weights())
	for i := range latent {
		latent[i] = float32(rng.NormFloat64() * 0.1)
	}
	for i := 64; i < 128; i++ {
		latent[i] = 0 // a page of zeros
	}
	var forms []form
	var want [][]float32
	masks := []*tensors.Tensor{vector(latent)}
	for _, levels := range []int{2, 4, 15, 16, 255, 256} {
		q := newQuantizer(levels)
		for _, g := range []groups{pageGroups(len(latent), 64), layerGroups(n)} {
			for _, keep := range []int{0, 1, 50, 100} {
				f := form{&q, g, keep}
				w, mask := f.host(latent)
				forms, want = append(forms, f), append(want, w)
				masks = append(masks, vector(float32s(append(mask, make([]bool, len(latent)-len(mask))...))))
			}
		}
	}
	out := MustExecOnceN(xlatest.Backend(t), func(in []*Node) (out []*Node) {
		for i, f := range forms {
			latent, mask := in[0], in[1+i]
			if f.keep == 0 {
				mask = nil
			} else {
				latent = Mul(latent, mask)
			}
			w, _ := f.graph(latent, mask)
			out = append(out, w)
		}
		return out
	}, masks)
	for i, f := range forms {
		for k, got := range tensors.MustCopyFlatData[float32](out[i]) {
			if got != want[i][k] {
				t.Fatalf("%d levels, groups of %d, %d kept: weight %d is %v in the graph, %v in Go", f.quantizer.levels, f.groups.size, f.keep, k, got, want[i][k])
			}
		}
	}
}

// Four values of root mean square 1 (squares 1/4, 9/4, 5/4, 1/4) with 2 bits: scale
// 0.99569, in float16 0.9956, levels +-0.498 and +-1.493. All within reach of 1.991.
// Those of root mean square 2.5 next to them have scale 2.488, and 5 is beyond their
// reach of 4.977.
func TestStraightThroughByHand(t *testing.T) {
	q := newQuantizer(4)
	latent := []float32{0.5, -1.5, float32(math.Sqrt(1.25)), -0.5, 5, 0, 0, 0}
	f := form{&q, pageGroups(8, 4), 0}
	gradient := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	out := MustExecOnceN(xlatest.Backend(t), func(latent, g *Node) []*Node {
		w, within := f.graph(latent, nil)
		return []*Node{w, straightThrough(g, within, nil), ConvertDType(within, dtypes.Float32)}
	}, vector(latent), vector(gradient))
	const one, other = 0.99560546875, 2.48828125 // halves nearest to 0.99569 and 2.489225
	want := []float32{one / 2, -1.5 * one, 1.5 * one, -one / 2, 1.5 * other, other / 2, other / 2, other / 2}
	if got := tensors.MustCopyFlatData[float32](out[0]); !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	if got, want := tensors.MustCopyFlatData[float32](out[1]), []float32{1, 2, 3, 4, 0, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("gradient %v, want %v", got, want)
	}
}

// Layer-adaptive magnitudes by hand: 1/14, 9/9 and 4/13 in the first layer, 0.01/0.1 and
// 0.09/0.09 in the second, 0 of what is 0.
func TestLargestByHand(t *testing.T) {
	weights := []float32{1, -3, 2, 0, -0.1, 0.3}
	layers := groups{bounds: []int{0, 4, 6}}
	for keep, want := range map[int][]bool{
		1: {false, true, false, false, false, false},
		2: {false, true, false, false, false, true},
		3: {false, true, true, false, false, true},
		4: {false, true, true, false, true, true},
		5: {true, true, true, false, true, true},
		9: {true, true, true, true, true, true},
	} {
		if got := largest(weights, layers, keep); !slices.Equal(got, want) {
			t.Errorf("%d kept: %v, want %v", keep, got, want)
		}
	}
}

// The number kept falls, step by step, from near all to the target at half time.
func TestPruningSchedule(t *testing.T) {
	for _, p := range []pruning{{1000, 50, 400}, {1000, 50, 3}, {1000, 50, 1}, {10, 10, 100}, {66000, 3000, 5000}} {
		before, changes := p.n, 0
		for k := range p.steps {
			kept, changed := p.at(k)
			if changed {
				changes++
				if kept > before || kept < p.keep {
					t.Errorf("%+v: %d kept at step %d after %d", p, kept, k, before)
				}
				before = kept
			}
			if k == 0 && !changed || k >= p.steps/2 && before != p.keep {
				t.Errorf("%+v: %d kept at step %d", p, before, k)
			}
		}
		if changes > updates+2 {
			t.Errorf("%+v: %d masks", p, changes)
		}
	}
	// Half way to half time an eighth of what will go is left of it.
	if kept, _ := (pruning{9000, 1000, 199}).at(49); kept != 2000 {
		t.Errorf("%d kept, want 2000", kept)
	}
}
