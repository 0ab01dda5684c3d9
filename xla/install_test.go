//go:build unix && cgo

package xla

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func TestInstall(t *testing.T) {
	c, wheels, log := newTestCache(t)
	putPip(t, "python3", "echo fetching it; cp "+wheels+"/* $dest")
	path, origin, err := c.ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkPlugin(t, path)
	if want := "wheel test-cpu 1.0"; origin != want {
		t.Errorf("origin %q, want %q", origin, want)
	}
	if filepath.Base(path) != pluginBase {
		t.Errorf("plugin %s, want a name that go-xla knows, %s", path, pluginBase)
	}
	if !strings.Contains(log.String(), "fetching it\n") {
		t.Errorf("log %q, want what pip prints in it", log)
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	forbidPip(t)
	again, _, err := c.ensure(t.Context())
	if err != nil || again != path {
		t.Errorf("second time: %s, %v, want %s", again, err, path)
	}
}

func TestInstallThroughPip3(t *testing.T) {
	c, wheels, _ := newTestCache(t)
	putPip(t, "pip3", "cp "+wheels+"/* $dest")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "python3"), []byte("#!/bin/sh\necho no module named pip; exit 1\n"), 0o755)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	path, _, err := c.ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkPlugin(t, path)
}

func TestNoPip(t *testing.T) {
	c, _, _ := newTestCache(t)
	t.Setenv("PATH", t.TempDir())
	if _, _, err := c.ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "no pip") {
		t.Errorf("error %v, want one that says there is no pip", err)
	}
	checkClean(t, c)
}

func TestPipFails(t *testing.T) {
	c, _, _ := newTestCache(t)
	putPip(t, "python3", "echo ERROR: no route to anything >&2; exit 1")
	if _, _, err := c.ensure(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "no route to anything") {
		t.Errorf("error %v, want pip's last line in it", err)
	}
	checkClean(t, c)
}

func TestDamagedPluginIsReplaced(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage []byte
	}{
		{"truncated", testPlugin[:len(testPlugin)/2]},
		{"empty", nil},
		{"one bit", append([]byte{testPlugin[0] ^ 1}, testPlugin[1:]...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, wheels, log := newTestCache(t)
			write(t, c.wheelPlugin(), test.damage, 0o644)
			putPip(t, "python3", "cp "+wheels+"/* $dest")

			var bad *badFileError
			if _, _, err := c.installed(); !errors.As(err, &bad) {
				t.Errorf("before: error %v, want a *badFileError", err)
			}
			path, _, err := c.ensure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkPlugin(t, path)
			if !strings.Contains(log.String(), "replacing") ||
				!strings.Contains(log.String(), sumOf(test.damage)) {
				t.Errorf("log %q, want what is replaced, and why", log)
			}
		})
	}
}

func TestWrongHashIsRefused(t *testing.T) {
	wrong := sumOf([]byte("something else"))
	for _, test := range []struct {
		name string
		pin  func(*wheel) *string
	}{
		{"wheel", func(w *wheel) *string { return &w.sum }},
		{"plugin", func(w *wheel) *string { return &w.pluginSum }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, wheels, _ := newTestCache(t)
			pin := test.pin(c.wheel)
			have := *pin
			*pin = wrong
			c.goxla = func(string) error {
				t.Error("go-xla's installer, whose plugin has no hash, " +
					"was asked")
				return nil
			}
			putPip(t, "python3", "cp "+wheels+"/* $dest")
			_, _, err := c.ensure(t.Context())
			var bad *badFileError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want a *badFileError", err)
			}
			for _, want := range []string{have, wrong, c.wheel.name} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %s in it", err, want)
				}
			}
			checkClean(t, c)
		})
	}
}

func TestPipFindsWrongHash(t *testing.T) {
	c, _, _ := newTestCache(t)
	c.goxla = func(string) error {
		t.Error("go-xla's installer, whose plugin has no hash, " +
			"was asked")
		return nil
	}
	putPip(t, "python3", `echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2; exit 1`)
	_, _, err := c.ensure(t.Context())
	if err == nil || !strings.Contains(err.Error(), c.wheel.sum) {
		t.Errorf("error %v, want one with the hash wanted", err)
	}
	checkClean(t, c)
}

func TestConcurrentInstalls(t *testing.T) {
	c, wheels, _ := newTestCache(t)
	calls := putPip(t, "python3", "sleep 0.3; cp "+wheels+"/* $dest")
	var wg sync.WaitGroup
	for range 8 {
		// Each has its own open file for the lock, as processes have.
		wg.Go(func() {
			if _, _, err := c.ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	checkPlugin(t, c.wheelPlugin())
	if n := countCalls(calls); n != 1 {
		t.Errorf("%d downloads, want 1", n)
	}
}

func TestCancelKillsPip(t *testing.T) {
	c, wheels, _ := newTestCache(t)
	// The sleep is a process of its own, which holds pip's output open.
	calls := putPip(t, "python3", `head -c 100 `+wheels+`/* > "$dest/part.whl"; echo part > "$TMPDIR/part"; `+
		`sleep 60 & echo asleep >> "$calls"; wait`)
	elsewhere := t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, _, err := c.ensure(ctx)
		done <- err
	}()
	for countCalls(calls) < 2 {
		select {
		case err := <-done:
			t.Fatalf("ended before pip ran: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	case <-time.After(4 * time.Second): // Under pipCommand's WaitDelay.
		t.Fatal("pip's processes outlive the context")
	}
	checkClean(t, c)
	if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
		t.Errorf("left in the user's TMPDIR: %v", left)
	}
}

func TestCancelWhileWaiting(t *testing.T) {
	c, _, log := newTestCache(t)
	forbidPip(t)
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	other := flock.New(filepath.Join(c.dir, "lock"))
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := c.ensure(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded", err)
	}
	if !strings.Contains(log.String(), "waiting") {
		t.Errorf("log %q, want what it waits for", log)
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	c, wheels, _ := newTestCache(t)
	write(t, filepath.Join(c.dir, tempPrefix+"killed", "part.whl"), []byte("part"), 0o644)
	putPip(t, "python3", "cp "+wheels+"/* $dest")
	if _, _, err := c.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Where pip cannot, go-xla's installer is asked, and what it installs is kept.
func TestInstallFromGoXLA(t *testing.T) {
	self, err := os.Executable() // For a whole ELF file.
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	c, _, _ := newTestCache(t)
	putPip(t, "python3", "exit 1")
	asked, content := 0, b
	c.goxla = func(dir string) error {
		asked++
		write(t, filepath.Join(dir, "pjrt_c_api_cpu_"+goXLAVersion+"_plugin.so"), content, 0o644)
		return nil
	}
	var path string
	for range 2 {
		var origin string
		if path, origin, err = c.ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := "go-xla " + goXLAVersion; origin != want {
			t.Errorf("origin %q, want %q", origin, want)
		}
		if err := checkSum(path, sumOf(b)); err != nil {
			t.Error(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}

	// It also serves when the wheel's plugin is damaged and cannot be had.
	write(t, c.wheelPlugin(), testPlugin[:10], 0o644)
	if again, _, err := c.ensure(t.Context()); err != nil || again != path {
		t.Errorf("with a damaged wheel's plugin: %s, %v, want %s", again, err, path)
	}

	// A truncated one is replaced, but by none that is truncated, too.
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	content = b[:1000]
	if _, _, err := c.ensure(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "go-xla's installer") {
		t.Errorf("error %v, want one of go-xla's installer", err)
	}
	content = b
	if _, _, err := c.ensure(t.Context()); err != nil {
		t.Error(err)
	}
	if err := checkSum(path, sumOf(b)); err != nil {
		t.Error(err)
	}
}
