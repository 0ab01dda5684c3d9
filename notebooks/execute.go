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

// A cellError is a cell that failed, or the driver at one; source is empty then.
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

//go:embed driver.py
var driver []byte

// execute runs j's cells up to the first that fails, which is a *cellError. When it
// returns, the kernel and its processes are gone; the executed notebook and the HTML
// have been written as far as the cells ran, unless there was no way to.
func execute(ctx context.Context, env *environment, j job, progress *log.Logger) (err error) {
	tmp, err := newScratch(env.goes.tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.close()) }()
	script := filepath.Join(tmp.dir, "driver.py")
	if err := os.WriteFile(script, driver, 0o600); err != nil {
		return err
	}
	events, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer events.Close()
	cmd := newCommand(ctx, env.python(), "-I", script, j.source, filepath.Dir(j.source), j.executed, j.html)
	cmd.Env = append(slices.Clip(j.env), tmp.env()...)
	cmd.ExtraFiles = []*os.File{w}
	var printed lastLines // by the driver and the kernel
	cmd.Stdout, cmd.Stderr = &printed, &printed
	commands, err := cmd.StdinPipe()
	if err == nil {
		cmd.WaitDelay = 2 * grace
		cmd.Cancel = func() error {
			time.AfterFunc(cmd.WaitDelay, func() { killGroup(cmd.Process.Pid) })
			return commands.Close() // asks the driver to end in an orderly way
		}
		err = cmd.Start()
	}
	w.Close()
	if err != nil {
		return fmt.Errorf("starting Jupyter: %w", err)
	}
	name := filepath.Base(j.source)
	kernel, saved, failed := follow(events, commands, name, progress)
	commands.Close()
	if kernel != 0 {
		killGroup(kernel)
	}
	_ = cmd.Wait() // a driver that fails has not reported that it saved the notebook
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failed == nil && !saved:
		return fmt.Errorf("%s: the driver ended early:\n%s", name, indent(printed.tail()))
	case failed == nil:
		return nil
	case failed.source == "":
		failed.failure.detail = printed.tail()
	}
	return failed
}

// follow has the driver execute the notebook of a name, and handles its events until there
// are no more. Errors of commands need no care: the events end then.
func follow(events io.Reader, commands io.WriteCloser, name string, progress *log.Logger) (
	kernel int, saved bool, failed *cellError,
) {
	cell, cells := 0, 0
	var start time.Time
	next := func() {
		if cell == cells {
			commands.Close()
			return
		}
		cell, start = cell+1, time.Now()
		_, _ = io.WriteString(commands, "next\n")
	}
	for dec := json.NewDecoder(events); ; {
		var e struct { // see driver.py
			Event   string   `json:"event"`
			Cells   int      `json:"cells"`  // ready: how many there are
			Kernel  int      `json:"kernel"` // ready: its process
			Source  string   `json:"source"` // done
			Outputs []output `json:"outputs"`
			Text    string   `json:"text"` // error
		}
		if dec.Decode(&e) != nil {
			return kernel, saved, failed // the end, or close to it
		}
		switch e.Event {
		case "ready":
			kernel, cells = e.Kernel, e.Cells
			next()
		case "done":
			progress.Printf("  cell %d of %d (%s)", cell, cells, round(time.Since(start)))
			if f := check(e.Outputs); f != nil {
				failed = &cellError{notebook: name, cell: cell, of: cells, source: e.Source, failure: *f}
				commands.Close()
			} else {
				next()
			}
		case "error":
			failed = &cellError{notebook: name, cell: cell, of: cells, failure: failure{reason: e.Text}}
		case "saved":
			saved = true
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
