package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// A job is a notebook to execute.
type job struct {
	source   string // the notebook
	dir      string // where its cells run
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
func execute(ctx context.Context, env *environment, j job, p *progress) (err error) {
	tmp, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.close()) }()
	d, err := startDriver(env, j, tmp)
	if err != nil {
		return err
	}
	w := &watch{job: j, driver: d, progress: p, cellStart: time.Now()}
	defer d.stop()
	return w.follow(ctx)
}

// A watch follows the execution of a notebook.
type watch struct {
	job       job
	driver    *driverProcess
	progress  *progress
	cells     int
	cell      int
	cellStart time.Time
	last      string // what the cell printed last
	ending    bool   // no more cells are asked for
	saved     bool
	failed    error
}

// follow handles the driver's events until there are no more.
func (w *watch) follow(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	done := ctx.Done()
	var deadline <-chan time.Time
	for {
		select {
		case e, ok := <-w.driver.events:
			if !ok {
				return w.result(ctx)
			}
			w.handle(e)
		case <-tick.C:
			w.show()
		case <-done:
			done, deadline = nil, time.After(2*grace)
			w.end()
		case <-deadline:
			return context.Cause(ctx)
		}
	}
}

// result is what came out of it, after the driver's last event.
func (w *watch) result(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case w.failed != nil:
		return w.failed
	case !w.saved:
		return fmt.Errorf("%s: the driver ended early:\n%s", filepath.Base(w.job.source), indent(w.driver.log.tail()))
	}
	return nil
}

func (w *watch) handle(e event) {
	name := filepath.Base(w.job.source)
	switch e.Event {
	case "ready":
		w.cells = e.Cells
		w.next()
	case "begin":
		w.cell, w.cellStart, w.last = e.Cell, time.Now(), ""
		w.show()
	case "text":
		w.last = lastLine(e.Text, w.last)
	case "done":
		w.progress.log("  cell %d of %d (%s)", e.Cell, w.cells, round(time.Since(w.cellStart)))
		if f := check(e.Outputs); f != nil {
			w.failed = &cellError{notebook: name, cell: e.Cell, of: w.cells, source: e.Source, failure: *f}
			w.end()
			return
		}
		w.next()
	case "error":
		w.failed = &cellError{notebook: name, cell: w.cell, of: w.cells,
			failure: failure{reason: e.Text, detail: w.driver.log.tail()}}
	case "saved":
		w.saved = true
	}
}

// next has the next cell executed, or ends the driver after the last one.
func (w *watch) next() {
	if w.cell < w.cells {
		w.driver.next()
	} else {
		w.end()
	}
}

func (w *watch) end() {
	w.ending = true
	w.driver.end()
}

func (w *watch) show() {
	switch {
	case w.ending:
		w.progress.update("  writing the executed notebook")
		return
	case w.cells == 0:
		w.progress.update("  starting the kernel")
		return
	}
	w.progress.update("  cell %d of %d  %s  %s", w.cell, w.cells, time.Since(w.cellStart).Round(time.Second), w.last)
}

// lastLine returns the last line of s that is not empty, as a terminal shows it, or
// otherwise.
func lastLine(s, otherwise string) string {
	lines := strings.FieldsFunc(plain(s), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); l != "" {
			return l
		}
	}
	return otherwise
}
