package firmware

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"
)

// rounding is as many training samples as ws export takes.
const rounding = 200

// tried are networks of a pack with training samples to round by and test samples.
type tried struct {
	*pack.File
	nets        []*network.Network
	train, test []*datasets.Split
}

// onTestSets compares C's scores on test samples with Go's: the same class everywhere in float32 but for
// ties, and about the score in 8 bits.
func (x *tried) onTestSets(t *testing.T) {
	p := newProgram(t)
	o := Options{Prefix: "packed", Samples: map[string][]float32{}}
	for i, n := range x.nets {
		count := min(rounding, x.train[i].Len())
		for k := range count {
			o.Samples[n.Name] = append(o.Samples[n.Name], x.train[i].Sample(k*x.train[i].Len()/count)...)
		}
	}
	p.addWith(t, x.File, x.nets, o)
	path := p.compile(t, host(t), "outputs.c", "-O2")
	for i, n := range x.nets {
		test := x.test[i]
		scorer, err := score.New(xlatest.Backend(t), n, 100)
		if err != nil {
			t.Fatal(err)
		}
		defer scorer.Close()
		on := network.Values{Weights: x.Set.Weights(i)}.On()
		defer network.Free(on...)
		want, err := scorer.Outputs(t.Context(), on, test)
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(path, string(rune('0'+i)))
		var out bytes.Buffer
		c.Stdout = &out
		in, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		for k := 0; err == nil && k < test.Len(); k++ {
			err = binary.Write(in, binary.LittleEndian, test.Sample(k))
		}
		if err == nil {
			in.Close()
			err = c.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		width := n.Outputs()
		floats, bytes8 := make([]float32, len(want)), make([]float32, len(want))
		for k := range test.Len() {
			for _, row := range [][]float32{floats[k*width:][:width], bytes8[k*width:][:width]} {
				if err := binary.Read(&out, binary.LittleEndian, row); err != nil {
					t.Fatalf("%s: %d samples of %d: %v", n.Name, k, test.Len(), err)
				}
			}
		}
		if _, err := out.ReadByte(); err != io.EOF {
			t.Fatalf("%s: outputs of more than %d samples", n.Name, test.Len())
		}
		same, same8 := 0, 0
		for k := range test.Len() {
			class := network.Largest(want[k*width:][:width])
			if network.Largest(floats[k*width:][:width]) == class {
				same++
			}
			if network.Largest(bytes8[k*width:][:width]) == class {
				same8++
			}
		}
		inGo, inC, in8 := score.Of(n, want, test), score.Of(n, floats, test), score.Of(n, bytes8, test)
		t.Logf("%-8s %5d samples, %s %.4f in Go, %.4f in C, %.4f in 8 bits; the same largest output in %d and %d",
			n.Name, test.Len(), n.For().ScoreName(), inGo, inC, in8, same, same8)
		if same < test.Len()-test.Len()/1000 || in8 < inGo-0.015 || in8 > inGo+0.015 {
			t.Errorf("%s: want the same in C but for 1 in 1000, and 0.015 of the score in 8 bits", n.Name)
		}
	}
}

// The networks of joint-32 that were trained on real data, on their test sets, those of [datasets.DirEnv].
func TestTestSets(t *testing.T) {
	dir := os.Getenv(datasets.DirEnv)
	if dir == "" {
		t.Skip(datasets.DirEnv + " is not set")
	}
	x := &tried{}
	var names []string
	f, nets := trained(t, "joint-32")
	summary, err := pipeline.ReadSummary(filepath.Join("..", "..", "results", "joint-32", pipeline.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nets {
		if summary.Networks[i].Data != datasets.Real {
			continue
		}
		d, err := datasets.Open(t.Context(), n.Name, datasets.Options{Dir: dir, MinTrain: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if d.Provenance.Kind == datasets.Real {
			names = append(names, n.Name)
			x.train, x.test = append(x.train, d.Train), append(x.test, d.Test)
		}
	}
	x.File, x.nets = keep(t, f, nets, names...)
	x.onTestSets(t)
}

// Networks of ONNX files with samples, of the directory of WEIGHTSEP_NETWORKS.
func TestNetworksOfOthers(t *testing.T) {
	dir := os.Getenv("WEIGHTSEP_NETWORKS")
	if dir == "" {
		t.Skip("WEIGHTSEP_NETWORKS is not set")
	}
	all, err := pipeline.ReadOwn(t.Context(), xlatest.Backend(t), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &tried{File: &pack.File{Set: &page.Set{Format: page.Format{Size: page.DefaultSize, Shared: 1},
		Pages: make([]byte, 4*page.DefaultSize)}}}
	for _, o := range all {
		if err := o.Complete(t.Context(), xlatest.Backend(t), nil); err != nil {
			t.Fatal(err)
		}
		w := page.Form(o.Values.Weights, page.DefaultSize)
		m := page.Member{Name: o.Network.Name, Weights: o.Network.Weights(), Table: page.Table{Shared: 1},
			Exclusive: page.PackFloats(w)}
		for e := range len(w) / page.DefaultSize {
			m.Table.Entries = append(m.Table.Entries, int32(1+e))
		}
		x.Set.Networks = append(x.Set.Networks, m)
		x.nets = append(x.nets, o.Network)
		x.train, x.test = append(x.train, o.Data.Train), append(x.test, o.Data.Test)
	}
	x.Networks = make([]pack.Network, len(all))
	x.onTestSets(t)
}

// addWith is add with options.
func (p *program) addWith(t *testing.T, f *pack.File, nets []*network.Network, o Options) {
	t.Helper()
	p.add(t, o.Prefix, f, nets)
	if err := Write(p.dir, f, nets, o); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, symbol := range p.all {
		all = append(all, symbol+"_8")
	}
	p.headers.WriteString("#define ALL_NETWORKS8 " + strings.Join(all, ", ") + "\n")
}
