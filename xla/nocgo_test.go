//go:build !cgo

package xla

import (
	"strings"
	"testing"
)

// See TestWithoutCgo, which runs this.
func TestOpenWithoutCgo(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "")
	log := new(strings.Builder)
	cache := t.TempDir()
	b, info, err := Open(t.Context(), Options{Log: log, CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	b.Finalize()
	if info.Backend != "go" || !strings.Contains(log.String(), "install a C compiler") {
		t.Errorf("backend %s, log %q", info.Backend, log)
	}
	_, err = EnsureCPUPlugin(t.Context(), cache, log)
	if err == nil || !strings.Contains(err.Error(), "install a C compiler") {
		t.Errorf("plugin: %v", err)
	}
}
