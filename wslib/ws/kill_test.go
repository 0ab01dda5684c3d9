package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/pipeline"
	"weightsep/xla/xlatest"
)

// ownNetworks writes two tiny networks with samples: points inside and outside of a circle, and sums.
func ownNetworks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	write := func(name string, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, model := range map[string]string{
		"circle": `{"input": [1, 1, 2], "dense": [2, 8, 2], "activation": "leaky"}`,
		"sum":    `{"input": [1, 1, 2], "dense": [2, 4, 1], "activation": "leaky"}`,
	} {
		write(name, os.WriteFile(filepath.Join(dir, name+".json"), []byte(model), 0o644))
		for part, n := range map[string]int{"train": 60, "test": 20} {
			x, inside, sums := make([]float32, 2*n), make([]int32, n), make([]float32, n)
			for i := range n {
				x[2*i], x[2*i+1] = float32(random.NormFloat64()), float32(random.NormFloat64())
				sums[i] = x[2*i] + x[2*i+1]
				if x[2*i]*x[2*i]+x[2*i+1]*x[2*i+1] < 1 {
					inside[i] = 1
				}
			}
			base := filepath.Join(dir, name+"_"+part)
			write(base, npy.Write(base+"_data.npy", x, n, 1, 1, 2))
			if name == "circle" {
				write(base, npy.Write(base+"_label.npy", inside))
			} else {
				write(base, npy.Write(base+"_label.npy", sums, n, 1))
			}
		}
	}
	return dir
}

// results are the hashes of a run's files, but for those with times in them.
func results(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if name := e.Name(); files.IsTemporary(name) || strings.HasSuffix(name, ".npz") {
			t.Errorf("%s is left", path)
		}
		switch e.Name() {
		case "manifest.json", "summary.json", "bench.json", ".lock":
			return nil
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = sha256.Sum256(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A run that is killed comes to the same end when it is started again: at every change of the disk
// (a sample of them, unless WEIGHTSEP_KILLS is set), and WEIGHTSEP_KILLS times, or five, at any moment.
func TestKilledAnywhere(t *testing.T) {
	xlatest.Long(t)
	ws := filepath.Join(t.TempDir(), "ws")
	if out, err := exec.Command("go", "build", "-tags", "killtest", "-o", ws,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	own := ownNetworks(t)
	start := func(dir string, at int) *exec.Cmd {
		c := exec.Command(ws, "run", "-nets", own, "-ratio", "2", "-page", "8", "-profile", "smoke",
			"-run", dir, "-quiet")
		c.Env = append(os.Environ(), "WEIGHTSEP_KILL_AT="+strconv.Itoa(at))
		return c
	}
	whole := filepath.Join(t.TempDir(), "whole")
	began := time.Now()
	if out, err := start(whole, 0).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took, want := time.Since(began), results(t, whole)
	lost := 0
	check := func(what, dir string) {
		t.Helper()
		out, err := start(dir, 0).CombinedOutput()
		if err != nil {
			lost++
			t.Errorf("%s: started again: %v\n%s", what, err, out)
			return
		}
		if got := results(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
			lost++
			t.Errorf("%s: another result: %v, want %v", what, got, want)
		}
		os.RemoveAll(dir)
	}
	killed := func(err error) bool {
		var exit *exec.ExitError
		return errors.As(err, &exit) && exit.ExitCode() == -1
	}
	kills, _ := strconv.Atoi(os.Getenv("WEIGHTSEP_KILLS"))
	every, at := 13, 1
	if kills > 0 {
		every = 1
	}
	for ; ; at += every {
		dir := filepath.Join(t.TempDir(), "run")
		out, err := start(dir, at).CombinedOutput()
		if err == nil {
			break
		}
		if !killed(err) {
			t.Fatalf("change %d: %v\n%s", at, err, out)
		}
		check(fmt.Sprintf("killed before change %d of the disk", at), dir)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range max(5, kills) {
		dir := filepath.Join(t.TempDir(), "run")
		c := start(dir, 0)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		moment := time.Duration(random.Float64() * float64(took))
		time.AfterFunc(moment, func() { c.Process.Kill() })
		if err := c.Wait(); err != nil && !killed(err) {
			t.Fatalf("%v\n%s", err, out.String())
		}
		check(fmt.Sprintf("kill %d, after %v", i, moment), dir)
	}
	t.Logf("killed at every %d. of %d changes, and at %d moments of %v: %d lost", every, at, max(5, kills),
		took, lost)
}

// Any flipped bit of a run's files is found by ws verify, and changes no number that is read.
func TestFlippedBitsAreFound(t *testing.T) {
	xlatest.Long(t)
	dir := filepath.Join(t.TempDir(), "run")
	if code, _, stderr := call(t, "run", "-nets", ownNetworks(t), "-ratio", "2", "-page", "8",
		"-profile", "smoke",
		"-run", dir, "-quiet"); code != 0 {
		t.Fatal(stderr)
	}
	// numbers are all that a run says, "" if it refuses.
	numbers := func() (said string, verified error) {
		r, err := pipeline.Reopen(dir, "", pipeline.Options{ReadOnly: true})
		if err != nil {
			return "", err
		}
		defer r.Close()
		summary, err1 := r.Summary()
		set, err2 := r.Set()
		history, err3 := r.History()
		before, err4 := r.OverlappedSet()
		overlapped, err5 := r.Overlapped()
		errs := []error{err1, err2, err3, err4, err5}
		said = fmt.Sprintf("%+v", []any{history, overlapped})
		for _, n := range r.Networks() {
			w, err := r.Weights(n)
			f, err2 := r.FisherInformation(n)
			said += fmt.Sprint(w, f)
			errs = append(errs, err, err2)
		}
		verified = r.Verify(t.Context())
		if errors.Join(errs...) != nil {
			return "", verified
		}
		text, err := json.Marshal(summary)
		if err != nil {
			t.Fatal(err)
		}
		return said + fmt.Sprintf("%s %+v %+v", text, *set, *before), verified
	}
	want, err := numbers()
	if err != nil || want == "" {
		t.Fatalf("a run without damage: %v", err)
	}
	// A network that is not scored in percent has no accuracy to draw; all else is drawn.
	if code, out, stderr := call(t, "figures", "-run", dir); code != 0 ||
		!strings.Contains(out, "accuracy.svg") ||
		!strings.Contains(out, "memory.svg") {
		t.Errorf("figures: exit %d, %s%s", code, out, stderr)
	}
	random := rand.New(rand.NewPCG(5, 6))
	flips := 0
	for name := range results(t, dir) {
		if strings.HasPrefix(name, "figures") {
			continue
		}
		for _, name := range []string{name, "manifest.json"} {
			path := filepath.Join(dir, name)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for range min(20, len(raw)) {
				bad := bytes.Clone(raw)
				i := random.IntN(len(raw))
				bad[i] ^= 1 << random.IntN(8)
				if err := os.WriteFile(path, bad, 0o644); err != nil {
					t.Fatal(err)
				}
				got, verified := numbers()
				if flips++; verified == nil || got != "" && got != want {
					t.Fatalf("byte %d of %s: verify says %v, numbers are others: %v", i, name, verified,
						got != want)
				}
			}
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d flips", flips)
}
