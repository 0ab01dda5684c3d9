//go:build unix

package xla

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// testPlugin is what the tests' wheel holds. It is never loaded.
var testPlugin = bytes.Repeat([]byte("not really a plugin\n"), 1000)

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// newTestCache returns an empty cache with the pins of a small wheel, which
// lies in the directory that it returns, and the log.
func newTestCache(t *testing.T) (c cache, wheels string, log *safeBuffer) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("pkg/plugin.so")
	if err != nil {
		t.Fatal(err)
	}
	f.Write(testPlugin)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w := &wheel{
		name: "test-cpu", version: "1.0", file: "test_cpu-1.0-py3-none-any.whl",
		sum: sumOf(b.Bytes()), plugin: "pkg/plugin.so", pluginSum: sumOf(testPlugin),
	}
	wheels = t.TempDir()
	write(t, filepath.Join(wheels, w.file), b.Bytes(), 0o644)
	log = new(safeBuffer)
	return cache{dir: filepath.Join(t.TempDir(), "pjrt"), wheel: w, log: log}, wheels, log
}

// putPip puts a shell script first on PATH under the given name. Arguments of
// python3 start with -m pip. The script sees the argument of -d, the directory
// for the download, as $dest, and appends a line to the file $calls
// for each download.
func putPip(t *testing.T, name, download string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in
*--version*) exit 0 ;;
*download*--require-hashes*) ;;
*) echo "unexpected: $*"; exit 2 ;;
esac
while [ "$1" != -d ]; do shift; done
dest=$2
calls=%q
echo download >> "$calls"
%s
`, calls, download)
	write(t, filepath.Join(dir, name), []byte(script), 0o755)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return calls
}

// forbidPip makes any call of pip fail the test.
func forbidPip(t *testing.T) {
	t.Helper()
	calls := putPip(t, "python3", "exit 1")
	t.Cleanup(func() {
		if n := countCalls(calls); n != 0 {
			t.Errorf("pip was called %d times, want never", n)
		}
	})
}

func countCalls(file string) int {
	b, _ := os.ReadFile(file)
	return bytes.Count(b, []byte("\n"))
}

func write(t *testing.T, path string, b []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
}

// checkPlugin fails the test unless the file at path is the test's plugin.
func checkPlugin(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, testPlugin) {
		t.Errorf("%s: %d bytes that differ from the plugin's %d", path, len(b), len(testPlugin))
	}
}

// checkClean fails the test if anything but the lock is in the cache.
func checkClean(t *testing.T, c cache) {
	t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			t.Errorf("left in the cache: %s", e.Name())
		}
	}
}

// A safeBuffer is a log that goroutines share.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
