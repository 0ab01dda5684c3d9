package cell

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
)

// ErrMissing says that a claim cannot be checked on this machine, which lacks a program or a package.
var ErrMissing = errors.New("not testable here")

// Testable reports whether a claim can be checked, after what it needs gave err: on [ErrMissing] it says why
// not, any other error ends the cell.
func Testable(err error) bool {
	if errors.Is(err, ErrMissing) {
		fmt.Println("–", err)
		return false
	}
	return Must(err == nil, err)
}

// Same is the number of samples that are of the same class in both, of as many.
func Same(a, b []int32) (same int) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("classes of %d and of %d samples", len(a), len(b)))
	}
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return same
}

// Samples are the first n test samples of each network of the run; 0: all.
func Samples(run *pipeline.Run, nets []*network.Network, n int) []*datasets.Split {
	var all []*datasets.Split
	for _, of := range nets {
		test := Must(run.Data(context.Background(), of.Name)).Test
		if n > 0 {
			test = test.Slice(n)
		}
		all = append(all, test)
	}
	return all
}

// classesOf are those that Go finds for samples of each network, one network after another, with the weights
// that a pack has of it.
func classesOf(backend compute.Backend, f *pack.File, nets []*network.Network,
	samples []*datasets.Split) (all []int32) {
	for i, n := range nets {
		scorer := Must(score.New(backend, n, min(100, samples[i].Len())))
		member := f.Set.Index(n.Name)
		on := network.Values{Weights: f.Set.Weights(member), State: f.Set.Networks[member].State}.On()
		all = append(all, Must(scorer.Predict(context.Background(), on, samples[i]))...)
		network.Free(on...)
		scorer.Close()
	}
	return all
}

//go:embed classes.py
var classesProgram string

// onnxRuntime has ONNX Runtime, in the notebooks' Python, find the classes of samples with a model file. It
// returns its version, too.
func onnxRuntime(model string, samples *datasets.Split) (classes []int32, version string, err error) {
	python := os.Getenv("WEIGHTSEP_PYTHON")
	if python == "" {
		return nil, "", fmt.Errorf("%w: no WEIGHTSEP_PYTHON, which go run ./notebooks sets", ErrMissing)
	}
	dir, err := os.MkdirTemp("", "classes")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "samples"), filepath.Join(dir, "classes")
	var raw []byte
	for i := range samples.Len() {
		raw, err = binary.Append(raw, binary.LittleEndian, samples.Sample(i))
		if err != nil {
			return nil, "", err
		}
	}
	if err := os.WriteFile(in, raw, 0o600); err != nil {
		return nil, "", err
	}
	version, err = output(python, "-I", "-c", classesProgram, model, in, out)
	var status *exec.ExitError
	if errors.As(err, &status) && status.ExitCode() == 3 {
		return nil, "", fmt.Errorf("%w: no ONNX Runtime for this Python and system (%s)", ErrMissing,
			strings.TrimSpace(string(status.Stderr)))
	}
	if err != nil {
		return nil, "", err
	}
	if raw, err = os.ReadFile(out); err != nil {
		return nil, "", err
	}
	classes = make([]int32, len(raw)/4)
	_, err = binary.Decode(raw, binary.LittleEndian, classes)
	return classes, strings.TrimSpace(version), err
}

// goClasses is the file of the classes that Go finds for the samples of samples.h.
const goClasses = "classes.json"

// writeSamples writes samples of each network, as many of one as of another, as samples.h for classes.c, and
// their classes for [readClasses].
func writeSamples(dir string, samples []*datasets.Split, classes []int32) {
	var b bytes.Buffer
	var names []string
	for i, of := range samples {
		if of.Len() != samples[0].Len() {
			panic(fmt.Sprintf("%d and %d samples of networks", samples[0].Len(), of.Len()))
		}
		names = append(names, fmt.Sprint("samples", i))
		fmt.Fprintf(&b, "static const float %s[] = {", names[i])
		for k := range of.Len() {
			for j, v := range of.Sample(k) {
				if j%8 == 0 {
					b.WriteByte('\n')
				}
				b.Write(append(strconv.AppendFloat(b.AvailableBuffer(), float64(v), 'x', -1, 32), "f,"...))
			}
		}
		b.WriteString("\n};\n")
	}
	fmt.Fprintf(&b, "#define SAMPLES {%s}\n#define SAMPLES_EACH %d\n", strings.Join(names, ", "),
		samples[0].Len())
	Check(os.WriteFile(filepath.Join(dir, "samples.h"), b.Bytes(), 0o666))
	Check(os.WriteFile(filepath.Join(dir, goClasses), Must(json.Marshal(classes)), 0o666))
}

// readClasses are the classes that [writeSamples] wrote.
func readClasses(dir string) (classes []int32) {
	Check(json.Unmarshal(Must(os.ReadFile(filepath.Join(dir, goClasses))), &classes))
	return classes
}

// RunC compiles a program of the firmware's tests with the pack of a directory, for this machine, and
// returns what it prints.
func RunC(dir, program string) (string, error) {
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		if compiler, err = exec.LookPath("cc"); err != nil {
			return "", fmt.Errorf("%w: no gcc", ErrMissing)
		}
	}
	to, err := compile(compiler, dir, program)
	if err != nil {
		return "", err
	}
	return output(to)
}

// runBoard is [RunC] for a Cortex-M7 in QEMU: a board of Arm's with 4 MB for code and constants, and 4 MB of
// RAM. No time of it is one of hardware.
func runBoard(dir, program string) (string, error) {
	const compiler, qemu = "arm-none-eabi-gcc", "qemu-system-arm"
	for _, name := range []string{compiler, qemu} {
		if _, err := exec.LookPath(name); err != nil {
			return "", noBoard(name)
		}
	}
	if exec.Command(compiler, "--specs=picolibc.specs", "-E", "-x", "c", os.DevNull).Run() != nil {
		return "", noBoard("picolibc")
	}
	to, err := compile(compiler, dir, program, "-mthumb", "-mcpu=cortex-m7", "-mfloat-abi=hard",
		"-mfpu=fpv5-d16", "--specs=picolibc.specs", "--crt0=semihost", "--oslib=semihost",
		"-Wl,--defsym=__flash=0,--defsym=__flash_size=4M",
		"-Wl,--defsym=__ram=0x20000000,--defsym=__ram_size=4M")
	if err != nil {
		return "", err
	}
	return output(qemu, "-M", "mps2-an500", "-cpu", "cortex-m7", "-nographic", "-monitor", "none",
		"-serial", "none", "-chardev", "stdio,id=printed",
		"-semihosting-config", "enable=on,target=native,chardev=printed", "-kernel", to)
}

func noBoard(what string) error {
	return fmt.Errorf("%w: no %s; Debian and Ubuntu have all that is needed in gcc-arm-none-eabi, "+
		"picolibc-arm-none-eabi and qemu-system-arm", ErrMissing, what)
}

// compile returns the path of the program.
func compile(compiler, dir, program string, flags ...string) (string, error) {
	to := filepath.Join(dir, strings.TrimSuffix(program, ".c")+"-"+filepath.Base(compiler))
	sources := Must(filepath.Glob(filepath.Join(dir, "*.c")))
	args := []string{"-std=c99", "-O2", "-ffp-contract=off", "-I", dir, "-o", to, Program(program)}
	_, err := output(compiler, slices.Concat(args, sources, flags)...)
	return to, err
}

// output is what a program prints to stdout, within some minutes.
func output(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	var status *exec.ExitError
	if errors.As(err, &status) {
		err = fmt.Errorf("%s: %w\n%s%s", filepath.Base(name), err, out, status.Stderr)
	}
	return string(out), err
}

// classesIn are the classes in what classes.c prints: a line a network, its name and a class of each sample.
func classesIn(printed string, err error) ([]int32, error) {
	if err != nil {
		return nil, err
	}
	var classes []int32
	for line := range strings.Lines(printed) {
		_, after, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, field := range strings.Fields(after) {
			c, err := strconv.ParseInt(field, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("classes of a network: %q: %w", line, err)
			}
			classes = append(classes, int32(c))
		}
	}
	return classes, nil
}

// Head prints the first lines of a text file.
func Head(path string, lines int) {
	all := slices.Collect(strings.Lines(string(Must(os.ReadFile(path)))))
	fmt.Print(strings.Join(all[:min(lines, len(all))], ""))
}

// ShowFiles shows the files of an export.
func ShowFiles[M ~map[string][]byte](files M) {
	rows, total := [][]string{{"file", "bytes"}}, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		rows, total = append(rows, []string{name, fmt.Sprint(len(files[name]))}), total+len(files[name])
	}
	Table(append(rows, []string{"all", fmt.Sprint(total)}))
}

// showClasses shows classes found for samples of the networks, one network after another, beside their
// labels.
func showClasses(run *pipeline.Run, nets []*network.Network, classes []int32, samples []*datasets.Split) {
	rows := [][]string{{"network", "data", "classes", "labels"}}
	for i, n := range nets {
		each := samples[i].Len()
		rows = append(rows, []string{n.Name, Must(run.Data(context.Background(), n.Name)).Provenance.Kind,
			fmt.Sprint(classes[i*each : (i+1)*each]), fmt.Sprint(samples[i].Labels)})
	}
	Table(rows)
}
