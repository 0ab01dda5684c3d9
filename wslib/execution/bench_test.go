package execution

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/xla"
	"weightsep/xla/xlatest"
)

// copying is the CPU's backend without memory shared with the host: what a device does whose memory is
// its own.
func copying(t *testing.T) compute.Backend {
	t.Helper()
	xlatest.Backend(t) // which stays as it is
	t.Setenv("GOMLX_BACKEND", "xla:cpu,shared_buffers=false")
	b, err := openCopying()
	if err != nil {
		t.Fatal(err)
	}
	if b.HasSharedBuffers() {
		t.Fatal("memory is shared")
	}
	return b
}

var openCopying = sync.OnceValues(func() (compute.Backend, error) {
	b, _, err := xla.Open(context.Background(), xla.Options{})
	return b, err
})

// benchSetup is an engine of two networks, mnist and fmnist, and what they were apart.
func benchSetup(t *testing.T, b compute.Backend) (*Engine, []Apart) {
	t.Helper()
	nets, set := ten(t)
	nets, set.Networks = nets[1:3], set.Networks[1:3]
	set = quantized(set, page.Int2, page.ScaleLog8)
	e, err := Open(b, set, nets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	data, err := datasets.Open(context.Background(), "fmnist",
		datasets.Options{StandInTrain: 20, StandInTest: 50})
	if err != nil {
		t.Fatal(err)
	}
	var apart []Apart
	for i, n := range nets {
		a := Apart{Values: network.Values{Weights: networktest.Initial(t, n, uint64(i))}, Test: data.Test}
		c, err := score.New(b, n, 100)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, s := range []struct {
			to *float64
			w  []float32
		}{{&a.Offline, a.Values.Weights}, {&a.Packed, set.Weights(i)}} {
			if *s.to, err = c.Score(context.Background(), network.Values{Weights: s.w}.On(),
				a.Test); err != nil {
				t.Fatal(err)
			}
		}
		apart = append(apart, a)
	}
	return e, apart
}

func TestBench(t *testing.T) {
	e, apart := benchSetup(t, xlatest.Backend(t))
	testBench(t, e, apart)
	o := BenchOptions{Executions: 1, Dir: t.TempDir()} // nobody is told of progress
	if _, err := Bench(context.Background(), e, apart, o); err != nil {
		t.Error(err)
	}
	apart[0].Packed, apart[1].Packed = -1, -1
	if _, err := Bench(context.Background(), e, apart, o); err == nil ||
		!strings.Contains(err.Error(), "its offline evaluation -1") {
		t.Errorf("another score: %v", err)
	}
	o.Dir = filepath.Join(o.Dir, "none")
	if _, err := Bench(context.Background(), e, apart, o); err == nil ||
		!strings.Contains(err.Error(), "none") {
		t.Errorf("no directory: %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	o.Dir = t.TempDir()
	if _, err := Bench(canceled, e, apart, o); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("canceled: %v", err)
	}
}

// Each way that a file may be another than was written is an error that says it.
func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for file, want := range map[string]string{"head12": "", "Head12": "another header than was written",
		"he": "header: unexpected EOF", "head1": "unexpected EOF"} {
		if err := os.WriteFile(path, []byte(file), 0o666); err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 2)
		err := readFile(path, []byte("head"), part)
		if want == "" {
			if err != nil || string(part) != "12" {
				t.Errorf("%s: %q, %v", file, part, err)
			}
		} else if err == nil || err.Error() != path+": "+want {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}

func testBench(t *testing.T, e *Engine, apart []Apart) {
	t.Helper()
	last := 0
	r, err := Bench(context.Background(), e, apart,
		BenchOptions{Executions: 8, Requests: 30, Runs: true, Seed: 4,
			Dir: t.TempDir(), Progress: func(done, of int) { last = of - done }})
	if err != nil {
		t.Fatal(err)
	}
	if last != 0 || len(r.Networks) != 8 || !slices.Contains(r.Networks, "mnist") ||
		!slices.Contains(r.Networks, "fmnist") {
		t.Errorf("%d steps missing, executions of %v", last, r.Networks)
	}
	if len(r.Sources) != 7 || r.Sources[0].Name != PagesSource || r.Source(CopySource).Warm.Copies != 1 {
		t.Errorf("sources %+v", r.Sources)
	}
	for _, s := range r.Sources {
		all := []Times{s.Warm, s.Cold}
		if s.Name == PagesSource || s.Name == CopySource {
			all = append(all, s.Execute)
		}
		for _, x := range all {
			if len(x.Each) != 8 || x.Total <= 0 || x.P95 < x.Median || x.P99 < x.P95 || x.P99 > x.Total {
				t.Errorf("%s: %+v", s.Name, x)
			}
		}
	}
	if len(r.Runs) != 6 || r.Runs[0].Own <= 0 || r.Runs[0].Switch <= 0 || r.Runs[5].Batch != 100 {
		t.Errorf("runs %+v", r.Runs)
	}
	l := r.Load
	if len(l.Sources) != 4 || l.Requests != 30 || len(l.Rates) != 12 {
		t.Fatalf("load %+v", l)
	}
	for k, s := range l.Sources {
		if s.Switches != l.Sources[0].Switches || (s.Loads > 0) != (k == 1 || k == 2) ||
			s.P95[11] < s.Median[11] {
			t.Errorf("load %+v", s)
		}
	}
}

// A device whose memory is not the host's takes other ways everywhere.
func TestDeviceOfItsOwnMemory(t *testing.T) {
	b := copying(t)
	e, apart := benchSetup(t, b)
	testBench(t, e, apart)
	n := stateful(t, "a")
	set := statefulSet(n)
	one, err := Open(b, set, []*network.Network{n}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if err := one.Verify(set); err != nil {
		t.Error(err)
	}
	for k := range 3 {
		var out [2]float32
		if err := one.Run(context.Background(), "a", out[:], []float32{float32(k), 4}); err != nil {
			t.Fatal(err)
		}
		if want := [2]float32{0.5*float32(k) + 10, 5}; out != want {
			t.Errorf("%v, want %v", out, want)
		}
	}
}

// statefulSet is one network of two weights, 0.5 and 1, and state 10 and 1.
func statefulSet(n *network.Network) *page.Set {
	return &page.Set{Format: page.Format{Size: 4, Shared: 2, Precision: page.Int8},
		Pages: []byte{1, 2, 3, 4, 5, 6, 7, 8},
		Networks: []page.Member{{Name: n.Name, Weights: 2, Table: page.Table{Shared: 2, Entries: []int32{0}},
			Scales: []float32{0.5}, State: []float32{10, 1}}}}
}

func TestPercentilesByHand(t *testing.T) {
	d := []time.Duration{5, 1, 4, 2, 3}
	if median(d) != 3 || median(d[:4]) != 3 || median(d[:2]) != 3 || median(nil) != 0 {
		t.Errorf("medians %v %v %v", median(d), median(d[:4]), median(d[:2]))
	}
	if p := percentile(d, 0.95); p != 5 {
		t.Errorf("95th of five is %v", p)
	}
	var many []time.Duration
	for k := range 200 {
		many = append(many, time.Duration(200-k))
	}
	if p := percentile(many, 0.95); p != 190 {
		t.Errorf("95th of 1 to 200 is %v", p)
	}
}

// Requests of 4, 1 and 2 seconds arrive 0, 1 and 5 seconds on: the second waits 3, the third not at all;
// at twice the rate the second waits 3.5 and the third 2.
func TestLatenciesByHand(t *testing.T) {
	s := time.Second
	service, gaps := []time.Duration{4 * s, s, 2 * s}, []float64{7, 1, 5}
	if got := latencies(service, gaps, 1); !slices.Equal(got, []time.Duration{4 * s, 4 * s, 2 * s}) {
		t.Errorf("latencies %v", got)
	}
	if got := latencies(service, gaps, 2); !slices.Equal(got, []time.Duration{4 * s, 4*s + s/2, 4 * s}) {
		t.Errorf("latencies %v at twice the rate", got)
	}
	if c := capacity(service); math.Abs(c-3.0/7) > 1e-12 {
		t.Errorf("capacity %v", c)
	}
}

// A queue of many random requests has the mean latency of theory, (Pollaczek 1930, Khinchine 1932) for
// service of one length.
func TestLatenciesAgainstTheory(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, load = 400_000, 0.7
	service, gaps := slices.Repeat([]time.Duration{time.Millisecond}, n), make([]float64, n)
	for i := range gaps {
		gaps[i] = r.ExpFloat64()
	}
	sum := time.Duration(0)
	for _, d := range latencies(service, gaps, 1000*load) {
		sum += d
	}
	got, want := (sum / n).Seconds(), 1e-3*(1+load/(2*(1-load)))
	if math.Abs(got/want-1) > 0.02 {
		t.Errorf("mean latency %v s, want %v", got, want)
	}
}

func TestCacheByHand(t *testing.T) {
	said := ""
	c := &cache{budget: 5, bytes: func(i int) int { return i },
		hit:  func([]float32, int) error { said += "h"; return nil },
		miss: func([]float32, int) error { said += "m"; return nil }}
	for _, i := range []int{2, 3, 2, 9, 4, 2, 3} { // 9 never fits; 4 pushes 3 and 2 out
		if err := c.load(nil, i); err != nil {
			t.Fatal(err)
		}
	}
	if said != "mmhmmmm" || !slices.Equal(c.held, []int{2, 3}) || c.misses != 6 {
		t.Errorf("%s, %v held, %d misses", said, c.held, c.misses)
	}
	c.miss = func([]float32, int) error { return os.ErrNotExist }
	if err := c.load(nil, 5); err != os.ErrNotExist || !slices.Equal(c.held, []int{2, 3}) {
		t.Errorf("a file that is gone: %v, %v held", err, c.held)
	}
}
