package cell

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/firmware"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/xla/xlatest"
)

func TestMain(m *testing.M) { xlatest.Main(m) }

// documented is two networks of a documented pack, with random samples.
func documented(t *testing.T) (f *pack.File, nets []*network.Network, samples []*datasets.Split) {
	t.Helper()
	t.Setenv("WEIGHTSEP_ROOT", filepath.Join("..", ".."))
	f, err := pack.Open(filepath.Join(Root(), "results", "joint-32", "pack.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if nets, err = pipeline.InPack(nil, f, nil); err != nil {
		t.Fatal(err)
	}
	names := []string{"mnist", "hhar"}
	set, err := f.Set.Keep(names...)
	if err != nil {
		t.Fatal(err)
	}
	if nets, err = network.Select(nets, names...); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range nets {
		values := make([]float32, 5*n.Samples())
		for i := range values {
			values[i] = float32(r.NormFloat64())
		}
		s, err := datasets.NewSplit(n.Samples(), values, make([]int32, 5))
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return &pack.File{Set: set, Networks: make([]pack.Network, 2)}, nets, samples
}

// C and, where they are there, a microcontroller and ONNX Runtime find the classes that Go finds.
func TestClasses(t *testing.T) {
	f, nets, samples := documented(t)
	ours := classesOf(xlatest.Backend(t), f, nets, samples)
	if len(ours) != 10 {
		t.Fatalf("%d classes of 10 samples", len(ours))
	}
	agree := func(name string, classes []int32, err error) {
		t.Helper()
		if errors.Is(err, ErrMissing) {
			t.Logf("%s: %v", name, err)
		} else if err != nil || !slices.Equal(classes, ours[:len(classes)]) || len(classes) == 0 {
			t.Errorf("%s: classes %v, %v; want %v", name, classes, err, ours)
		}
	}
	dir := t.TempDir()
	if err := firmware.Write(dir, f, nets, firmware.Options{}); err != nil {
		t.Fatal(err)
	}
	writeSamples(dir, samples, ours)
	if read := readClasses(dir); !slices.Equal(read, ours) {
		t.Errorf("%v, want the classes that were written, %v", read, ours)
	}
	for name, run := range map[string]func(dir, program string) (string, error){"C": RunC, "M7": runBoard} {
		classes, err := classesIn(run(dir, "classes.c"))
		agree(name, classes, err)
		if err == nil && len(classes) != len(ours) {
			t.Errorf("%s: %d classes", name, len(classes))
		}
	}
	exported, err := onnx.Export(f.Set, nets)
	if err == nil {
		err = exported.Save(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	classes, version, err := onnxRuntime(filepath.Join(dir, "mnist.onnx"), samples[0])
	agree("ONNX Runtime "+version, classes, err)
}

// A machine that lacks a program is told so; a program that fails is an error of another kind.
func TestMissing(t *testing.T) {
	_, _, samples := documented(t)
	dir := t.TempDir()
	python := func(script string) error {
		path := filepath.Join(dir, "python")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("WEIGHTSEP_PYTHON", path)
		_, _, err := onnxRuntime("model.onnx", samples[0])
		return err
	}
	if err := python("echo No module named numpy >&2; exit 3"); !errors.Is(err, ErrMissing) ||
		!strings.HasSuffix(err.Error(), "(No module named numpy)") || Testable(err) {
		t.Errorf("without ONNX Runtime: %v", err)
	}
	if err := python("echo bad model >&2; exit 1"); err == nil || errors.Is(err, ErrMissing) ||
		!strings.Contains(err.Error(), "bad model") {
		t.Errorf("a model that cannot be read: %v", err)
	}
	t.Setenv("WEIGHTSEP_PYTHON", "")
	if _, _, err := onnxRuntime("model.onnx", samples[0]); !errors.Is(err, ErrMissing) {
		t.Errorf("without Python: %v", err)
	}
	t.Setenv("PATH", dir)
	for _, run := range []func(dir, program string) (string, error){RunC, runBoard} {
		if _, err := run(dir, "main.c"); !errors.Is(err, ErrMissing) || strings.Contains(err.Error(), "\n") {
			t.Errorf("without compilers: %v", err)
		}
	}
}

func TestClassesIn(t *testing.T) {
	got, err := classesIn("a 1 2\nb 3 40\n", nil)
	if err != nil || !slices.Equal(got, []int32{1, 2, 3, 40}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := classesIn("a 1 x\n", nil); err == nil {
		t.Error("x is a class")
	}
	if _, err := classesIn("", ErrMissing); !errors.Is(err, ErrMissing) {
		t.Errorf("error %v", err)
	}
}
