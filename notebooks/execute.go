package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// A job is a notebook to execute.
type job struct {
	source   string // the notebook; its cells run beside it
	executed string // the file for the executed notebook
	html     string // the file for the same as HTML
	env      []string
}

// A cellError is a cell that failed.
type cellError struct {
	notebook string
	cell, of int
	source   string
	failure  failure
}

func (e *cellError) Error() string {
	s := fmt.Sprintf("%s, cell %d of %d: %s", e.notebook, e.cell, e.of, e.failure.reason)
	if e.source != "" {
		s += "\n\n  The cell:\n" + indent(head(e.source, 12))
	}
	if e.failure.detail != "" {
		s += "\n\n  What it printed:\n" + indent(e.failure.detail)
	}
	return s
}

// execute runs j's cells up to the first that fails, which is a *cellError. When it
// returns, the kernel and its processes are gone; the executed notebook and the HTML
// have been written as far as the cells ran, unless there was no way to.
func execute(ctx context.Context, env *environment, j job, progress *log.Logger) (err error) {
	tmp, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.close()) }()
	d, err := startDriver(env, j, tmp)
	if err != nil {
		return err
	}
	defer d.stop()
	return d.follow(ctx, filepath.Base(j.source), progress)
}

// follow has the driver execute the notebook of a name, and handles its events until there
// are no more.
func (d *driverProcess) follow(ctx context.Context, name string, progress *log.Logger) error {
	var failed error
	saved, cell, cells := false, 0, 0
	var start time.Time
	next := func() {
		if cell == cells {
			d.end()
			return
		}
		cell, start = cell+1, time.Now()
		d.next()
	}
	done := ctx.Done()
	var deadline <-chan time.Time
	for {
		select {
		case e, ok := <-d.events:
			switch {
			case !ok && ctx.Err() != nil:
				return context.Cause(ctx)
			case !ok && failed == nil && !saved:
				return fmt.Errorf("%s: the driver ended early:\n%s", name, indent(d.log.tail()))
			case !ok:
				return failed
			case e.Event == "ready":
				cells = e.Cells
				next()
			case e.Event == "done":
				progress.Printf("  cell %d of %d (%s)", cell, cells, round(time.Since(start)))
				if f := check(e.Outputs); f != nil {
					failed = &cellError{notebook: name, cell: cell, of: cells, source: e.Source, failure: *f}
					d.end()
				} else {
					next()
				}
			case e.Event == "error":
				f := failure{reason: e.Text, detail: d.log.tail()}
				failed = &cellError{notebook: name, cell: cell, of: cells, failure: f}
			case e.Event == "saved":
				saved = true
			}
		case <-done:
			done, deadline = nil, time.After(2*grace)
			d.end()
		case <-deadline:
			return context.Cause(ctx)
		}
	}
}

// round cuts a duration to what a reader wants to see of it.
func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

//go:embed driver.py
var driver []byte

// An event is what the driver reports; see driver.py.
type event struct {
	Event   string   `json:"event"`
	Cells   int      `json:"cells"`  // ready: how many there are
	Kernel  int      `json:"kernel"` // ready: its process
	Source  string   `json:"source"` // done
	Outputs []output `json:"outputs"`
	Text    string   `json:"text"` // error
}

// A driverProcess is driver.py at work.
type driverProcess struct {
	events chan event // closed when it has ended
	log    lastLines  // what it and the kernel wrote to stdout and stderr
	stdin  io.WriteCloser
	cancel context.CancelFunc
}

// startDriver starts the driver on j. It is not tied to a context: it ends, in an
// orderly way, when its input does.
func startDriver(env *environment, j job, tmp scratch) (*driverProcess, error) {
	script := filepath.Join(string(tmp), "driver.py")
	if err := os.WriteFile(script, driver, 0o600); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := newCommand(ctx, env.python(), "-I", script, j.source, filepath.Dir(j.source), j.executed, j.html)
	cmd.Env = append(slices.Clip(j.env), tmp.env()...)
	cmd.ExtraFiles = []*os.File{w}
	d := &driverProcess{events: make(chan event), cancel: cancel}
	cmd.Stdout, cmd.Stderr = &d.log, &d.log
	d.stdin, err = cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	w.Close()
	if err != nil {
		r.Close()
		cancel()
		return nil, fmt.Errorf("starting Jupyter: %w", err)
	}
	go d.read(ctx, cmd, r)
	return d, nil
}

// read passes on the events of cmd. After the last one it ends what is left of the
// kernel, and waits for cmd.
func (d *driverProcess) read(ctx context.Context, cmd *exec.Cmd, r io.ReadCloser) {
	defer close(d.events)
	defer r.Close()
	kernel := 0
	for dec := json.NewDecoder(r); ; {
		var e event
		if err := dec.Decode(&e); err != nil {
			break // the end, or close to it
		}
		if e.Kernel != 0 {
			kernel = e.Kernel
		}
		select {
		case d.events <- e:
		case <-ctx.Done():
		}
	}
	if kernel != 0 {
		killGroup(kernel)
	}
	// A driver that fails has not reported that it saved the notebook.
	_ = cmd.Wait()
}

// next asks for the next cell, end for no more of them. Errors need no care: the events
// end then.
func (d *driverProcess) next() { _, _ = io.WriteString(d.stdin, "next\n") }
func (d *driverProcess) end()  { _ = d.stdin.Close() }

// stop ends the driver the hard way, if it has not ended, and waits for that.
func (d *driverProcess) stop() {
	d.cancel()
	for range d.events {
	}
}
