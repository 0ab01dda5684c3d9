package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newTestRun returns what execute needs for a notebook of testdata/run, if the machine
// has been set up. Temporary files go to a directory of the test's own, which is in the
// command lines of all processes.
func newTestRun(t *testing.T, name string) (*environment, job) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a kernel")
	}
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	env, err := newEnvironment(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if !env.complete(t.Context()) {
		t.Skip("not set up; go run ./notebooks -setup does it")
	}
	source, err := filepath.Abs(filepath.Join("testdata", "run", name))
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	tmp, err := os.MkdirTemp("", "wst")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		if pids := processesWith(tmp); len(pids) > 0 {
			t.Errorf("processes are left: %v", pids)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("files are left: %v, %v", left, err)
		}
		os.RemoveAll(tmp)
	})
	return env, job{
		source:   source,
		executed: filepath.Join(out, "a.ipynb"),
		env:      append(kernelEnv(env, &options{profile: "smoke", runDir: out}), "GOPROXY=off"),
	}
}

func TestExecute(t *testing.T) {
	env, j := newTestRun(t, "01_good.ipynb")
	before, err := os.ReadFile(j.source)
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(t.Context(), env, j, log.New(t.Output(), "", 0)); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(filepath.Dir(j.executed), pageFile)
	if err := writePage(t.Context(), env, &options{profile: "smoke"}, page, []job{j}); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>A notebook for the tests</title><circle", "data:image/png",
		"WEIGHTSEP_PROFILE=smoke"} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("no %q in the page", want)
		}
	}
	bars := readOutputs(t, j.executed)[3]
	if len(bars) != 2 || bars[0].Text != "done\n" || strings.Contains(bars[1].Text, "\r") {
		t.Errorf("progress bars leave %q", bars)
	}
	after, err := os.ReadFile(j.source)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the source changed (%v)", err)
	}
}

// Jupyter without this command, as editors start it, runs the cells whatever the user's Go is set to.
func TestJupyterAlone(t *testing.T) {
	env, j := newTestRun(t, "01_good.ipynb")
	tmp, err := newScratch("")
	if err != nil {
		t.Fatal(err)
	}
	defer tmp.close()
	cmd := newCommand(t.Context(), env.python(), "-m", "nbconvert", "--to", "notebook", "--execute",
		j.source, "--output-dir", filepath.Dir(j.executed))
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK="+filepath.Join(t.TempDir(), "go.work"),
		"WEIGHTSEP_ROOT="+env.root, "WEIGHTSEP_PROFILE=smoke")
	cmd.Env = append(cmd.Env, tmp.env()...)
	if err := runQuietly(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
}

func TestExecuteStopsAtPanic(t *testing.T) {
	env, j := newTestRun(t, "02_panics.ipynb")
	err := execute(t.Context(), env, j, log.New(t.Output(), "", 0))
	var failed *cellError
	if !errors.As(err, &failed) {
		t.Fatalf("error %v, want a failed cell", err)
	}
	if failed.cell != "the beginning (2)" || failed.failure.reason != "panic: oh no" {
		t.Errorf("%v", failed)
	}
	cells := readOutputs(t, j.executed)
	if len(cells) != 4 || len(cells[1]) == 0 || len(cells[3]) != 0 {
		t.Errorf("outputs of the cells: %v", cells)
	}
}

// The cell ignores the interrupt.
func TestExecuteInterrupted(t *testing.T) {
	env, j := newTestRun(t, "03_slow.ipynb")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := &trigger{word: "the beginning", fire: func() { time.AfterFunc(time.Second, cancel) }}
	err := execute(ctx, env, j, log.New(started, "", 0))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if len(readOutputs(t, j.executed)) != 2 {
		t.Error("the notebook was not written")
	}
}

// A trigger fires when word is written to it.
type trigger struct {
	word string
	fire func()
}

func (w *trigger) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.word) {
		w.fire()
	}
	return len(b), nil
}

// What a cell says that was run before the one that it needs.
func TestCellsOutOfOrder(t *testing.T) {
	env, j := newTestRun(t, "01_good.ipynb")
	setUp := codeCell("%noautoget\n!*rm -f go.work && go work init . \"$WEIGHTSEP_ROOT\"")
	for want, cells := range map[string][]map[string]any{
		"Run the first cell of code": {
			codeCell("import \"weightsep/notebooks/cell\"\n%%\ncell.Claim(true, \"x\")")},
		"No cell that was run declares or imports: packed": {setUp, codeCell("%%\npacked()")},
	} {
		j.source = filepath.Join(t.TempDir(), "01_a.ipynb")
		writeNotebook(t, j.source, cells...)
		err := execute(t.Context(), env, j, log.New(t.Output(), "", 0))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}
