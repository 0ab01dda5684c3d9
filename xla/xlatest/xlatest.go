// Package xlatest has what tests share: one backend for all of a package, and which take long.
package xlatest

import (
	"context"
	"flag"
	"os"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"weightsep/xla"
)

var open = sync.OnceValues(func() (compute.Backend, error) {
	b, _, err := xla.Open(context.Background(), xla.Options{})
	return b, err
})

var openCUDA = sync.OnceValues(func() (opened, error) {
	b, info, err := xla.Open(context.Background(), xla.Options{Name: "cuda"})
	return opened{b, info}, err
})

type opened struct {
	compute.Backend
	xla.Info
}

// Backend is the backend that "auto" gives, opened once: every opening starts
// threads of its own.
func Backend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// CUDA is the backend of the GPU. A test on a machine without one is skipped; with one it fails where
// the plugin does not open.
func CUDA(t testing.TB) compute.Backend {
	t.Helper()
	if !xla.HasGPU(context.Background()) {
		t.Skip("no GPU")
	}
	b, err := openCUDA()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, %s", b.Info, b.Info.Device)
	return b.Backend
}

// Long skips a test that takes long, unless the environment variable WEIGHTSEP_LONG is set.
func Long(t *testing.T) {
	t.Helper()
	if os.Getenv("WEIGHTSEP_LONG") == "" {
		t.Skip("takes long: WEIGHTSEP_LONG=1 runs it")
	}
}

// Main runs the tests of a package that compiles much and computes little: XLA compiles in half
// the time if it optimizes nothing. XLA_FLAGS that are set already stay as they are, and benchmarks are not
// run so.
func Main(m *testing.M) {
	flag.Parse()
	if os.Getenv("XLA_FLAGS") == "" && flag.Lookup("test.bench").Value.String() == "" {
		os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
	}
	m.Run()
}
