// Package xlatest opens one backend for all tests of a package.
package xlatest

import (
	"context"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"weightsep/xla"
)

var open = sync.OnceValues(func() (compute.Backend, error) {
	b, _, err := xla.Open(context.Background(), xla.Options{})
	return b, err
})

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
