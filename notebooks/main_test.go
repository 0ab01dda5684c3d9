package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/claims"
)

func TestWrongFlags(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-profile", "huge"}, `unknown profile "huge": want one of quick, smoke, packing, paper`},
		{[]string{"-data", "/no/such/place"}, "-data /no/such/place: no such directory"},
		{[]string{"-lab", "-setup"}, "only one of -lab, -setup and -keep"},
		{[]string{"-lab", "-keep"}, "only one of -lab, -setup and -keep"},
		{[]string{"-nosuch"}, "not defined"},
		{[]string{"all"}, `unexpected argument "all"`},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), test.args, &stdout, &stderr); code != exitUsage {
			t.Errorf("%v: exit code %d, want %d", test.args, code, exitUsage)
		}
		if !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%v: %q, want %q in it", test.args, stderr.String(), test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"-h"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"-profile", "-data", "-run", "-lab", "-setup", "-keep"} {
		if !strings.Contains(stderr.String(), "\n  "+name) {
			t.Errorf("no word about %s", name)
		}
	}
}

func TestInterruptedBeforeItStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	var stdout, stderr bytes.Buffer
	if code := run(ctx, []string{"-setup"}, &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, &stderr)
	}
}

func TestRunDirectory(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	tests := []struct {
		args []string
		want string
	}{
		{nil, filepath.Join(root, "results/runs/quick")},
		{[]string{"-profile", "smoke"}, filepath.Join(root, "results/runs/smoke")},
		{[]string{"-run", out}, out},
	}
	for _, test := range tests {
		opts, err := parseOptions(append(test.args, "-lab"), new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		if err := opts.resolve(root); err != nil {
			t.Fatal(err)
		}
		if opts.runDir != test.want {
			t.Errorf("%v: run directory %s, want %s", test.args, opts.runDir, test.want)
		}
	}
}

func TestFindNotebooks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [b] c*")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := findNotebooks(dir); err == nil {
		t.Error("no error without notebooks")
	}
	for _, name := range []string{"02_b.ipynb", "01_a.ipynb", "10_c.ipynb", "scratch.ipynb", "03_no.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := findNotebooks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	if want := []string{"01_a.ipynb", "02_b.ipynb", "10_c.ipynb"}; !slices.Equal(paths, want) {
		t.Errorf("found %v, want %v", paths, want)
	}
}

func TestKernelEnv(t *testing.T) {
	t.Setenv("PYTHONPATH", "/somewhere")
	t.Setenv("WEIGHTSEP_PROFILE", "of the user's shell")
	env := &environment{root: "/the root"}
	vars := kernelEnv(env, &options{profile: "smoke", runDir: "/run", data: "/data"})
	last := make(map[string]string) // what a process sees
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		last[name] = value
	}
	for name, want := range map[string]string{
		"WEIGHTSEP_ROOT":    "/the root",
		"WEIGHTSEP_PROFILE": "smoke",
		"WEIGHTSEP_RUN":     "/run",
		"WEIGHTSEP_DATA":    "/data",
		"PYTHONPATH":        "",
	} {
		if last[name] != want {
			t.Errorf("%s=%q, want %q", name, last[name], want)
		}
	}
}

func TestSummaryOfNoRun(t *testing.T) {
	var b bytes.Buffer
	run := t.TempDir()
	if err := errors.Join(printSummary(run, &b), printVerdicts(run, &b)); err != nil || b.Len() > 0 {
		t.Errorf("%q, %v", &b, err)
	}
	missed := claims.Expectations[0].Measured(1e9)
	if err := missed.Keep(run); err != nil {
		t.Fatal(err)
	}
	if err := printVerdicts(run, &b); err != nil || !strings.Contains(b.String(), missed.String()) {
		t.Errorf("a claim that is missed: %q, %v", &b, err)
	}
}
