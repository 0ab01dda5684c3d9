package firmware

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"
)

func TestMain(m *testing.M) {
	// oneDNN ends the process at some convolutions of one place, as that of TestOperators.
	if err := os.Setenv("XLA_FLAGS", "--xla_cpu_experimental_onednn_custom_call=false"); err != nil {
		panic(err)
	}
	xlatest.Main(m)
}

// program is packs in a directory, and what a program needs of them.
type program struct {
	dir     string
	sources []string // of packs
	headers strings.Builder
	all     []string
	most    []int // of each of sizes and sizes8
	plans   []netPlan
	nets    []*network.Network
	sets    []*page.Set // of each network
	scorers map[string]*score.Scorer
	ram     int
	floats  bool // without 8 bits
}

func newProgram(t *testing.T) *program {
	return &program{dir: t.TempDir(), most: make([]int, len(sizes)+len(sizes8)),
		scorers: map[string]*score.Scorer{}}
}

// samplesOf are some of each network, to round by.
func samplesOf(nets []*network.Network) map[string][]float32 {
	all := map[string][]float32{}
	for _, n := range nets {
		all[n.Name] = sample(2 * n.Samples())
	}
	return all
}

func (p *program) add(t *testing.T, prefix string, f *pack.File, nets []*network.Network) {
	t.Helper()
	o := Options{Prefix: prefix, RAM: p.ram}
	if !p.floats {
		o.Samples = samplesOf(nets)
	}
	if err := Write(p.dir, f, nets, o); err != nil {
		t.Fatal(err)
	}
	plans, err := plan(f, nets, o)
	if err != nil {
		t.Fatal(err)
	}
	p.plans = append(p.plans, plans...)
	for _, n := range plans {
		p.all = append(p.all, "&"+n.symbol)
		all := n.sizes()
		if !p.floats {
			all = append(all, n.sizes8()...)
		}
		for i, v := range all {
			p.most[i] = max(p.most[i], v)
		}
		p.nets, p.sets = append(p.nets, n.net), append(p.sets, f.Set)
	}
	p.sources = append(p.sources, filepath.Join(p.dir, prefix+".c"))
	fmt.Fprintf(&p.headers, "#include \"%s.h\"\n", prefix)
}

var strict = strings.Fields("-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror " +
	"-ffp-contract=off")

// compile compiles a program of testdata with the packs and returns its path.
func (p *program) compile(t *testing.T, compiler, source string, flags ...string) string {
	t.Helper()
	h := p.headers.String() + "#define ALL_NETWORKS " + strings.Join(p.all, ", ") + "\n"
	h += "#define ALL_NETWORKS8 " + strings.Join(p.all, "_8, ") + "_8\n"
	for i, size := range slices.Concat(sizes, sizes8) {
		h += fmt.Sprintf("#define MOST_%s %d\n", size, p.most[i])
	}
	if err := os.WriteFile(filepath.Join(p.dir, "packs.h"), []byte(h), 0o666); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(p.dir, strings.TrimSuffix(source, ".c")+"-"+filepath.Base(compiler))
	args := append(append([]string{"-I", p.dir, "-o", to}, strict...), filepath.Join("testdata", source))
	args = append(append(args, p.sources...), flags...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", source, err, out)
	}
	return to
}

func host(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc: ", err)
	}
	return path
}

var sanitized = []string{"-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(name), err, out, stderr.Bytes())
	}
	return string(out)
}

// sample is what show.c makes.
func sample(n int) []float32 {
	x, seed := make([]float32, n), uint32(1)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = float32(seed>>8) / 16777216
	}
	return x
}

// outputs are Go's of a network with weights of its own. Networks that compute the same are compiled once.
func (p *program) outputs(t *testing.T, n *network.Network, weights, x []float32) []float32 {
	t.Helper()
	c := p.scorers[n.Architecture()]
	if c == nil {
		var err error
		if c, err = score.New(xlatest.Backend(t), n, 1); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		p.scorers[n.Architecture()] = c
	}
	split, err := datasets.NewSplit(n.Samples(), x, []int32{0})
	if err != nil {
		t.Fatal(err)
	}
	on := network.Values{Weights: weights}.On()
	defer network.Free(on...)
	out, err := c.Outputs(context.Background(), on, split)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apart is how far outputs, printed in hexadecimal, are from those wanted at most: as a share of the largest,
// where it is more than 1, for trained networks have logits of hundreds.
func apart(wanted []float32, printed []string) (worst float64) {
	largest := 1.0
	for _, w := range wanted {
		largest = max(largest, math.Abs(float64(w)))
	}
	for k, w := range wanted {
		b, err := strconv.ParseUint(printed[k], 16, 32)
		if err != nil {
			return math.Inf(1)
		}
		worst = max(worst, math.Abs(float64(math.Float32frombits(uint32(b))-w))/largest)
	}
	return worst
}

// agrees compares what show.c prints with Go's weights and outputs. Outputs may be off by 1e-5, or by that
// share of the largest where it is more than 1: trained networks have logits of hundreds.
func (p *program) agrees(t *testing.T, shown string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(shown), "\n")
	if len(lines) != len(p.nets) {
		t.Fatalf("%d lines of %d networks", len(lines), len(p.nets))
	}
	worst := 0.0
	for i, line := range lines {
		n, set := p.nets[i], p.sets[i]
		weights := set.Weights(set.Index(n.Name))
		fields := strings.Fields(line)
		want := fmt.Sprintf("%s 0 1 1 1 %08x", n.Name, crc32.ChecksumIEEE(page.PackFloats(weights)))
		if got := strings.Join(fields[:6], " "); got != want {
			t.Errorf("%s, %+v: name, damage, same in ranges, within buffers, same by layers and CRC of "+
				"weights are %s, want %s", p.all[i], set.Format, got, want)
		}
		wanted := p.outputs(t, n, weights, sample(n.Samples()))
		off := apart(wanted, fields[6:])
		if worst = max(worst, off); !(off <= 1e-5) {
			t.Errorf("%s, %+v: outputs are %g of 1 or the largest off, want %v", p.all[i], set.Format, off, wanted)
		}
		for k, field := range fields[6+n.Outputs():] {
			if want := fmt.Sprintf("%08x", math.Float32bits(weights[k])); field != want {
				t.Fatalf("%s, %+v: weight %d is %s, want %s", p.all[i], set.Format, k, field, want)
			}
		}
	}
	t.Logf("%d networks, outputs at most %.2g of 1 or the largest off", len(lines), worst)
}

// Weights of every format are Go's, bit for bit; these are many packs in one program.
func TestFormats(t *testing.T) {
	p := everyFormat(t)
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
}

// A flipped bit is found in every byte of every part.
func TestFlippedBits(t *testing.T) {
	p := newProgram(t)
	for i, format := range formats() {
		if i%7 == 0 {
			f, nets := small(format)
			p.add(t, fmt.Sprint("p", i), f, nets)
		}
	}
	found := strings.Fields(output(t, p.compile(t, host(t), "flip.c", sanitized...)))
	t.Log(found[0], "flipped bits")
	if n, _ := strconv.Atoi(found[0]); n < 1000 || found[1] != "0" {
		t.Errorf("of %s flipped bits %s were missed", found[0], found[1])
	}
}

func TestInitialNetworks(t *testing.T) {
	p := newProgram(t)
	f, nets := initial(t, "cifar10", "mnist", "obs", "hhar")
	p.add(t, "packed", f, nets)
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
}

func TestTenNetworks(t *testing.T) {
	p := newProgram(t)
	for i, name := range []string{"joint-5.8", "joint-32"} {
		f, nets := trained(t, name)
		p.add(t, fmt.Sprint("p", i), f, nets)
	}
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
}

func TestRandomNetworks(t *testing.T) {
	p, rng := newProgram(t), rand.New(rand.NewPCG(5, 5))
	for i, format := range formats() {
		if i%4 == rng.IntN(4) {
			f, nets := random(rng, format)
			p.add(t, fmt.Sprint("p", i), f, nets)
		}
	}
	p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
}

// The example of testdata is warning-free C and runs, and constants lie in the section that it names.
func TestExample(t *testing.T) {
	p := newProgram(t)
	f, nets := trained(t, "joint-32")
	p.add(t, DefaultPrefix, f, nets)
	to := p.compile(t, host(t), "main.c", append(sanitized,
		`-DWEIGHTSEP_SECTION=__attribute__((section(".flash2")))`)...)
	output(t, to)
	raw, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		t.Skip("no ELF file: ", err)
	}
	total := f.Set.Stored().Total
	if s := file.Section(".flash2"); s == nil || int(s.Size) < total || s.Flags&elf.SHF_WRITE != 0 {
		t.Errorf("section .flash2 is %+v, want one of %d bytes or more", s, total)
	}
}

// headersOnly writes the engine without a pack.
func (p *program) headersOnly(t *testing.T) {
	t.Helper()
	for name, raw := range map[string][]byte{Header: header, Header8: header8} {
		if err := os.WriteFile(filepath.Join(p.dir, name), raw, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSigmoid(t *testing.T) {
	p := newProgram(t)
	p.headersOnly(t)
	out := output(t, p.compile(t, host(t), "sigmoid.c", append(sanitized, "-lm")...))
	var worst, low, high, middle float64
	if _, err := fmt.Sscan(out, &worst, &low, &high, &middle); err != nil {
		t.Fatal(err)
	}
	if !(worst < 1e-6) || !(low >= 0 && low < 2e-38) || high != 1 || middle != 0.5 {
		t.Errorf("relative error %g; %g, %g at the ends, %g at 0", worst, low, high, middle)
	}
	t.Logf("relative error %g", worst)
}

// boards are machines of QEMU with their memory: constants and code lie in the first, the rest in the second.
var boards = []struct {
	machine, cpu      string
	flags             string
	flash, ram, bytes string
}{
	{"mps2-an385", "cortex-m3", "", "0", "0x20000000", "4M"},
	{"mps2-an500", "cortex-m7", "-mfloat-abi=hard -mfpu=fpv5-d16", "0", "0x20000000", "4M"},
	{"mps3-an547", "cortex-m55", "-mfloat-abi=hard", "0", "0x01000000", "2M"},
}

// Microcontrollers print what x86 prints, bit for bit: weights, and outputs too.
func TestBoards(t *testing.T) {
	needArm(t, emulator)
	p := newProgram(t)
	for i, name := range []string{"joint-5.8", "joint-32"} {
		f, nets := trained(t, name)
		f, nets = keep(t, f, nets, []string{"mnist", "cifar10", "gsc", "hhar"}[2*i:][:2]...)
		p.add(t, fmt.Sprint("p", i), f, nets)
	}
	for i, format := range formats() {
		if i%11 == 0 {
			f, nets := small(format)
			p.add(t, fmt.Sprint("small", i), f, nets)
		}
	}
	for _, source := range []string{"show.c", "show8.c"} {
		want := output(t, p.compile(t, host(t), source, "-O2"))
		if source == "show.c" {
			p.agrees(t, want)
		} else {
			p.agrees8(t, want)
		}
		t.Logf("%-10s prints %d bytes, SHA-256 %x", "host", len(want), sha256.Sum256([]byte(want)))
		for i, b := range boards {
			got := emulate(t, i, p.compileFor(t, i, source))
			t.Logf("%-10s prints %d bytes, SHA-256 %x", b.cpu, len(got), sha256.Sum256([]byte(got)))
			if got != want {
				t.Errorf("%s prints\n%s; want\n%s", b.machine, got, want)
			}
		}
	}
}
