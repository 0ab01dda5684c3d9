package firmware

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

const emulator = "qemu-system-arm"

// compileFor compiles a program of testdata for one of boards.
func (p *program) compileFor(t *testing.T, board int, source string) string {
	t.Helper()
	b := boards[board]
	return p.compile(t, armCompiler, source, append(strings.Fields(b.flags), "-O2", "-mthumb",
		"-mcpu="+b.cpu, "--specs=picolibc.specs", "--crt0=semihost", "--oslib=semihost",
		"-Wl,--defsym=__flash="+b.flash+",--defsym=__flash_size=512K",
		"-Wl,--defsym=__ram="+b.ram+",--defsym=__ram_size="+b.bytes)...)
}

// emulate runs a program on one of boards and returns what it prints.
func emulate(t *testing.T, board int, path string, flags ...string) string {
	t.Helper()
	b := boards[board]
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	flags = append(flags, "-M", b.machine, "-cpu", b.cpu, "-nographic", "-monitor", "none", "-serial",
		"none", "-semihosting-config", "enable=on,target=native", "-kernel", path)
	out, err := exec.CommandContext(ctx, emulator, flags...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", b.machine, err, out)
	}
	return string(out)
}

// instructions are those that a network takes on a core, by QEMU's count.
type instructions struct {
	name    string
	weights int
	takes   [7]float64 // see taken
}

// taken is what is counted: in float32, and in 8 bits.
var taken = [7]string{"check", "switch", "run", "by layers", "switch 8", "run 8", "layers 8"}

// parseCounts reads what count.c prints, and how many instructions a tick is.
func parseCounts(printed string) (all []instructions, tick float64, err error) {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	ticks, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || ticks < 1 {
		return nil, 0, fmt.Errorf("counts of instructions: first line %q, want the ticks of 4 million",
			lines[0])
	}
	// The program counts some of its own too: a tick is rounded to 1/100 of an instruction.
	tick = math.Round(4e6/float64(ticks)*100) / 100
	for _, line := range lines[1:] {
		var c instructions
		n := &c.takes
		_, err := fmt.Sscanln(line, &c.name, &c.weights, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6])
		if err != nil {
			return nil, 0, fmt.Errorf("counts of instructions: line %q: %w", line, err)
		}
		for i := range n {
			n[i] *= tick
		}
		all = append(all, c)
	}
	return all, tick, nil
}

// QEMU counts the same instructions in each run, and not more than these by much.
func TestInstructions(t *testing.T) {
	needArm(t, emulator)
	p := newProgram(t)
	f, nets := trained(t, "joint-32")
	f, nets = keep(t, f, nets, "cifar10", "mnist")
	p.add(t, "packed", f, nets)
	f, nets = trained(t, "joint-5.8") // float32 pages with keys
	f, nets = keep(t, f, nets, "cifar10")
	p.add(t, "floats", f, nets)
	// Of each of boards and networks, in millions: a tenth more than was counted. Some channels at a time take
	// more than a sample and a switch: kernels are put together row by row.
	limits := [][][7]float64{
		{{0.262, 0.748, 131, 134, 19.3, 9.69, 30},
			{0.244, 0.622, 46.8, 50.4, 19.4, 3.94, 24.7},
			{3.65, 10.2, 132, 148, 31.1, 9.68, 42.9}},
		{{0.262, 0.448, 7.25, 8.88, 3.52, 9.8, 13.7},
			{0.244, 0.446, 2.95, 4.71, 3.57, 3.87, 7.96},
			{3.65, 1.53, 7.25, 15.3, 7.89, 9.79, 19.8}},
		{{0.24, 0.459, 6.93, 8.55, 3.53, 9.41, 13.3},
			{0.223, 0.46, 2.82, 4.59, 3.58, 3.71, 7.8},
			{3.35, 1.33, 6.93, 14.2, 7.29, 9.41, 18.6}},
	}
	for i, b := range boards {
		path := p.compileFor(t, i, "count.c")
		printed := emulate(t, i, path, "-icount", "shift=0")
		if again := emulate(t, i, path, "-icount", "shift=0"); again != printed {
			t.Errorf("%s prints\n%sand\n%s, want the same twice", b.machine, printed, again)
		}
		counts, tick, err := parseCounts(printed)
		if err != nil || len(counts) != len(p.all) {
			t.Fatalf("%s: %d networks, want %d: %v\n%s", b.machine, len(counts), len(p.all), err, printed)
		}
		for k, c := range counts {
			t.Logf("%-10s %-14s %d weights:", b.cpu, p.all[k][1:], c.weights)
			for j, got := range c.takes {
				t.Logf("    %-10s %11.0f, %.2f for each weight", taken[j], got, got/float64(c.weights))
				if limit := limits[i][k][j] * 1e6; !(got > 0 && got <= limit) {
					t.Errorf("%s, %s, %s: %g instructions, want %g at most", b.cpu, p.all[k][1:], taken[j], got,
						limit)
				}
			}
		}
		t.Logf("%s: counted in steps of %g", b.cpu, tick)
	}
}

func TestParseCounts(t *testing.T) {
	all, tick, err := parseCounts("100001\nmnist 100 3 4 5 6 7 8 9\n")
	want := []instructions{{"mnist", 100, [7]float64{120, 160, 200, 240, 280, 320, 360}}}
	if err != nil || tick != 40 || !slices.Equal(all, want) {
		t.Errorf("%v, %v, %v, want %v and 40", all, tick, err, want)
	}
	for _, printed := range []string{"", "0\n", "x\n", "100000\nmnist 100 3 4 5\n", "100000\nmore ticks\n"} {
		if all, tick, err := parseCounts(printed); err == nil {
			t.Errorf("%q: %v, %v, want an error", printed, all, tick)
		}
	}
}

// writeImages writes images.h, which images.c includes.
func writeImages(t *testing.T, p *program, images [][]byte) {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "static const uint8_t images[][%d] = {\n", len(images[0]))
	for _, image := range images {
		fmt.Fprintf(&b, "{%s},\n", strings.Trim(strings.ReplaceAll(fmt.Sprint(image), " ", ","), "[]"))
	}
	b.WriteString("};\n")
	if err := os.WriteFile(filepath.Join(p.dir, "images.h"), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Cortex-M7 gives test images the classes that Go gives them.
func TestImages(t *testing.T) {
	needArm(t, emulator)
	const count = 20
	data, err := datasets.Open(t.Context(), "mnist", datasets.Options{MaxTrain: 600, MaxTest: count})
	if err != nil {
		t.Fatal(err)
	}
	if data.Provenance.Kind != datasets.Real {
		t.Skip("no images: ", data.Provenance.Source)
	}
	p := newProgram(t)
	packs := []string{"joint-32", "joint-50", "joint-5.8"}
	for i, name := range packs {
		f, nets := trained(t, name)
		f, nets = keep(t, f, nets, "mnist")
		p.add(t, fmt.Sprint("p", i), f, nets)
	}
	var images [][]byte
	for i := range count {
		var image []byte
		for _, v := range data.Test.Sample(i) {
			b := uint8(math.Round(float64(v) * 255))
			if v != float32(b)/255 {
				t.Fatalf("image %d: value %v, want a byte / 255", i, v)
			}
			image = append(image, b)
		}
		images = append(images, image)
	}
	writeImages(t, p, images)
	const board = 1
	cpu := boards[board].cpu
	lines := strings.Split(strings.TrimSpace(emulate(t, board, p.compileFor(t, board, "images.c"))), "\n")
	if len(lines) != count*len(packs) {
		t.Fatalf("%s: %d lines, want %d networks of %d images\n%s", cpu, len(lines), len(packs), count,
			lines)
	}
	t.Log("labels: ", data.Test.Labels)
	for i, n := range p.nets {
		weights := p.sets[i].Weights(p.sets[i].Index(n.Name))
		var classes []int32
		right, worst := 0, 0.0
		for k, line := range lines[i*count:][:count] {
			fields := strings.Fields(line)
			class, _ := strconv.Atoi(fields[0])
			classes = append(classes, int32(class))
			if int32(class) == data.Test.Labels[k] {
				right++
			}
			wanted := p.outputs(t, n, weights, data.Test.Sample(k))
			if want := network.Largest(wanted); int32(class) != want {
				t.Errorf("%s, image %d: class %d on %s, want Go's, %d", packs[i], k, class, cpu, want)
			}
			off := apart(wanted, fields[1:])
			if worst = max(worst, off); !(off <= 1e-5) {
				t.Errorf("%s, image %d: outputs on %s are %g of 1 or the largest off", packs[i], k, cpu, off)
			}
		}
		t.Logf("%-9s %v: %d of %d right, outputs at most %.2g of 1 or the largest off", packs[i], classes,
			right, count, worst)
		if right < count*9/10 {
			t.Errorf("%s: %d of %d classes are right, want 9 of 10 or more", packs[i], right, count)
		}
	}
}
