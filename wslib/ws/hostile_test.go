package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weightsep/datasets/files"
	"weightsep/wslib/rundir"
)

// A run from elsewhere is only data: whatever is in it, verbs end soon with an error, and write and read
// nothing outside.
func TestHostileRuns(t *testing.T) {
	dir := t.TempDir()
	good, outside := filepath.Join(dir, "good"), filepath.Join(dir, "outside")
	secret := filepath.Join(outside, "secret.npy")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	own := ownNetworks(t)
	run := []string{"run", "-nets", own, "-ratio", "2", "-page", "8", "-profile", "smoke", "-quiet", "-run"}
	if code, _, stderr := call(t, append(run, good)...); code != 0 {
		t.Fatal(stderr)
	}
	// manifest changes a run's manifest, whose digest is then right again.
	manifest := func(change func(m *rundir.Manifest)) func(run string) error {
		return func(run string) error {
			var m rundir.Manifest
			path := filepath.Join(run, rundir.ManifestFile)
			if err := files.ReadJSON(path, &m); err != nil {
				return err
			}
			change(&m)
			m.Sum = ""
			bare, err := files.JSON(m)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(bare)
			m.Sum = hex.EncodeToString(sum[:])
			return files.WriteJSON(path, m)
		}
	}
	stage := func(m *rundir.Manifest, name string) *rundir.Stage {
		for i := range m.Stages {
			if m.Stages[i].Name == name {
				return &m.Stages[i]
			}
		}
		t.Fatalf("no stage %s", name)
		return nil
	}
	replaced := func(name string, by func(path string) error) func(string) error {
		return func(run string) error {
			path := filepath.Join(run, name)
			if err := os.Remove(path); err != nil { // also where there is none
				return err
			}
			return by(path)
		}
	}
	link := func(to string) func(string) error {
		return func(path string) error { return os.Symlink(to, path) }
	}
	pipe := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	text := func(from, to string) func(string) error {
		return manifest(func(m *rundir.Manifest) {
			if !bytes.Contains(m.Config, []byte(from)) {
				t.Fatalf("no %s in %s", from, m.Config)
			}
			m.Config = bytes.ReplaceAll(m.Config, []byte(from), []byte(to))
		})
	}
	// without forgets stages, and makes a link to what is outside.
	without := func(to, from string, stages ...string) func(run string) error {
		return func(run string) error {
			var id string
			err := manifest(func(m *rundir.Manifest) {
				id = stage(m, "optimize").ID
				m.Stages = slices.DeleteFunc(m.Stages, func(s rundir.Stage) bool {
					kind, _, _ := strings.Cut(s.Name, " ")
					return slices.Contains(stages, kind)
				})
			})(run)
			if err != nil {
				return err
			}
			path := filepath.Join(run, strings.ReplaceAll(from, "ID", id))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			return os.Symlink(to, path)
		}
	}
	for name, change := range map[string]func(run string) error{
		"link for checkpoints of baselines": without(outside, "optimization", "baseline", "optimize"),
		"link for checkpoints of teachers":  without(outside, "optimization", "teacher", "optimize"),
		"link as checkpoint":                without(secret, "optimization/ID.npz", "optimize"),
		"link as pilot":                     without(outside, "pilot"),
		"file outside": manifest(func(m *rundir.Manifest) {
			stage(m, "baseline circle").Files["../outside/secret.npy"] = strings.Repeat("0", 64)
		}),
		"file of another stage": manifest(func(m *rundir.Manifest) {
			stage(m, "baseline circle").Files["summary.json"] = strings.Repeat("0", 64)
		}),
		"unknown stage":         manifest(func(m *rundir.Manifest) { m.Stages[0].Name = "install" }),
		"network outside":       text(`"circle"`, `"../outside"`),
		"unknown field":         text(`"seed"`, `"sneed"`),
		"infinite number":       text(`"seed": 1`, `"seed": 1e999`),
		"another page size":     text(`"page": 8`, `"page": 16`),
		"enormous pages":        text(`"page": 8`, `"page": 4611686018427387904`),
		"link to a file":        replaced("circle/weights.npy", link(secret)),
		"pipe":                  replaced("circle/weights.npy", pipe),
		"pipe as model":         replaced("circle/model.json", pipe),
		"pipe as manifest":      replaced("manifest.json", pipe),
		"link as manifest":      replaced("manifest.json", link(secret)),
		"pages that are a link": replaced("pages.safetensors", link(secret)),
		"pages of 1 TB": replaced("pages.safetensors", func(path string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		}),
		"manifest of 1 TB": replaced("manifest.json", func(path string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		}),
	} {
		bad := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.CopyFS(bad, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		if err := change(bad); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refused := false
		for _, args := range [][]string{
			{"verify", "-run", bad}, {"export", "-run", bad, "-out", filepath.Join(dir, "out")},
			{"export", "-run", bad, "-format", "onnx", "-out", filepath.Join(dir, "out")},
			{"run", "-from", bad, "-nets", own, "-run", filepath.Join(dir, "next-"+name), "-quiet"},
			append(run, bad),
		} {
			done := make(chan string)
			go func() {
				code, _, stderr := call(t, args...)
				if strings.Contains(stderr, "goroutine ") || code > 1 && code != 2 {
					stderr = "PANIC " + stderr
				}
				done <- fmt.Sprint(code, " ", stderr)
			}()
			select {
			case said := <-done:
				refused = refused || !strings.HasPrefix(said, "0")
				if strings.Contains(said, "PANIC") ||
					strings.Contains(said, hex.EncodeToString([]byte("secret"))) {
					t.Errorf("%s: ws %s: exit %s", name, args[0], said)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s: ws %s does not end", name, args[0])
			}
		}
		if !refused {
			t.Errorf("%s: no verb found anything wrong", name)
		}
	}
	if raw, err := os.ReadFile(secret); err != nil || string(raw) != "secret" {
		t.Errorf("outside: %q, %v", raw, err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("outside: %v", entries)
	}
}
