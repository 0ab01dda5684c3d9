package optimization

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/entropy"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// By hand: steps are the root mean square times the factor, and a value becomes 1 from 0.6 of a step on.
// Graph and host agree.
func TestCoarseCodes(t *testing.T) {
	values := []float32{0.59, 0.61, -0.59, -0.61, 1.59, 1.61, -3.7, 0} // in steps
	square := 0.0
	for _, v := range values {
		square += float64(v) * float64(v) / 7 // of seven that are not 0
	}
	const factor = 2
	q := quantizer{page.Int8}
	// Divided by their root mean square, times the factor, they are steps.
	for i := range values {
		values[i] *= 3 * factor
	}
	codes := slices.Clone(values)
	step := q.coarseCodes(codes, float32(1/math.Sqrt(square)))
	if math.Abs(float64(step)-3*factor) > 1e-5 {
		t.Errorf("a step of %v, want %v", step, 3*factor)
	}
	want := []float32{0, 1, 0, -1, 1, 2, -4, 0}
	if !slices.Equal(codes, want) || math.Signbit(float64(codes[2])) {
		t.Errorf("code values %v, want %v", codes, want)
	}
	out := MustExecOnceN(xlatest.Backend(t), func(in []*Node) []*Node {
		values, within := q.coarse(in[0], in[1])
		return []*Node{values, ConvertDType(within, values.DType())}
	}, tensors.FromFlatDataAndDimensions(values, 1, len(values)), []float32{float32(1 / math.Sqrt(square))})
	for i, v := range mustCopy(t, out[0]) {
		if math.Abs(float64(v-want[i]*step)) > 1e-4 {
			t.Errorf("value %d is %v in the graph, want %v", i, v, want[i]*step)
		}
	}
	if within := mustCopy(t, out[1]); slices.Contains(within, 0) {
		t.Errorf("gradients go through at %v, want everywhere", within)
	}
}

// The factor is the least that fits, to a part in 1,000.
func TestFit(t *testing.T) {
	for _, want := range []float64{0.1, 1, 7.7, 4000} {
		taken := func(factor float64) []int { return []int{int(1e6 / factor), int(2e6 / factor)} }
		factor, each, err := fit(int(3e6/want), taken)
		if err != nil || each[0]+each[1] > int(3e6/want) || factor < 0.998*want || factor > 1.002*want {
			t.Errorf("factor %v of %v bytes (%v), want %v", factor, each, err, want)
		}
	}
	if _, _, err := fit(99, func(float64) []int { return []int{60, 40} }); err == nil ||
		!strings.Contains(err.Error(), "take 100 bytes") {
		t.Errorf("a budget of 99 bytes: %v", err)
	}
}

// coded are two tasks to store in so many bytes, pages 0 and 3 of the first exclusive.
func coded(t *testing.T, total int) (tasks []Task, starts []network.Values, o training) {
	t.Helper()
	tasks, starts = apart(t)
	o = trains(200, 50, 20, 1e-2)
	o.Precision, o.ExclusivePrecision, o.ScaleFormat, o.RoundBy = page.Int8, page.Int4, page.ScaleLog8, 0.5
	o.Size = pageSize
	tasks[0].Exclusive = []int{0, 3}
	tasks[0].Coding = &Coding{Loads: []float64{1, 2, 3, 4, 5, 6}}
	tasks[1].Coding = &Coding{Loads: []float64{1, 1, 1, 1, 1, 1}}
	if err := DivideBytes(tasks, starts, o.Format, total); err != nil {
		t.Fatal(err)
	}
	return tasks, starts, o
}

// What is coded comes back as it was, whatever values and scales; broken bytes do not.
func TestCodedSetComesBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	tasks, starts, o := coded(t, 100)
	for range 100 {
		set, err := alone(tasks[0], starts[0], o.Format)
		if err != nil {
			t.Fatal(err)
		}
		as := o.Format
		as.Shared = set.Shared
		encode(set, as, func(int) bool { return false },
			coarsely(tasks[0].Coding.factors(set, math.Exp2(4*rng.Float64()-2))))
		for b := range set.Networks[0].Scales {
			set.Networks[0].Scales[b] *= float32(rng.NormFloat64()*1e3 + 1)
		}
		roundScales(set, 0)
		data := entropy.Encode(tasks[0].parts(set))
		got, err := tasks[0].unpacked(set, data)
		if err != nil || !reflect.DeepEqual(got, set) {
			t.Fatalf("it comes back as %+v (%v), want %+v", got, err, set)
		}
		if _, err := tasks[0].unpacked(set, append(data, 1, 2, 3, 4, 5)); err == nil {
			t.Fatal("more bytes are no error")
		}
	}
}

// Networks learn in no more bytes than there may be, and hardly fewer; what is told of them is of what is
// decoded. Interrupted, training ends in the same.
func TestSeparateCoded(t *testing.T) {
	const total = 90 // of 83 weights each: 4.3 bits
	tasks, starts, o := coded(t, total)
	if got := tasks[0].Coding.Bytes + tasks[1].Coding.Bytes; got > total || got < total-3 {
		t.Errorf("%d bytes allotted, want %d", got, total)
	}
	want, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range want {
		best := 0.0
		for _, p := range r.History {
			if p.Step == r.BestStep {
				best = p.Validation[0]
			}
		}
		if v := accuracy(t, tasks[i], r.Weights); v != best || v < 0.8 {
			t.Errorf("%s: the weights have accuracy %v, %v was told, want 0.8", tasks[i].Network.Name, v, best)
		}
		if most := tasks[i].Coding.Bytes; r.Bytes > most || r.Bytes < most-4 {
			t.Errorf("%s: %d bytes, want %d", tasks[i].Network.Name, r.Bytes, most)
		}
	}
	o.Checkpoint = filepath.Join(t.TempDir(), "separate")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := o.separate(t, ctx, tasks, starts, func(name string, p Progress) {
		if p.Step == 120 {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("not interrupted: %v", err)
	}
	got, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the result differs from that of an undisturbed run (%v)", err)
	}
	tasks[0].Coding.Bytes++
	if _, err := o.separate(t, context.Background(), tasks, starts, nil); err == nil ||
		!strings.Contains(err.Error(), "a.npz") {
		t.Errorf("another budget on old checkpoints: %v", err)
	}
	tasks[0].Coding.Bytes = 5
	o.Checkpoint = ""
	if _, err := o.separate(t, context.Background(), tasks, starts, nil); err == nil ||
		!strings.Contains(err.Error(), "network a") || !strings.Contains(err.Error(), "not 5") {
		t.Errorf("5 bytes: %v", err)
	}
}

// Exclusive pages are in their own precision: 83 weights on pages of 16, two of them of 8 bits, the
// others of 2, the last of 3 weights: 2*16 + 3*4 + 1 bytes and 6 scales.
func TestSeparateExclusivePages(t *testing.T) {
	tasks, starts := apart(t)
	o := trains(20, 10, 20, 1e-2)
	o.Precision, o.ExclusivePrecision, o.ScaleFormat = page.Int2, page.Int8, page.ScaleLog8
	tasks[0].Exclusive = []int{0, 3}
	got, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Bytes != 2*16+3*4+1+6 || got[1].Bytes != 21+6 {
		t.Errorf("%d and %d bytes, want 51 and 27", got[0].Bytes, got[1].Bytes)
	}
	for b, most := range []int{16, 4, 4, 16, 4, 3} { // different weights on a page
		seen := map[float32]bool{}
		for _, w := range got[0].Weights[b*pageSize : min(83, (b+1)*pageSize)] {
			seen[w] = true
		}
		if len(seen) > most || most == 16 && len(seen) < 8 {
			t.Errorf("page %d has %d different weights", b, len(seen))
		}
	}
}
