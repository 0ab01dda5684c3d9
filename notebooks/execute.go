package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A job is a notebook to execute.
type job struct {
	source   string // the notebook; its cells run beside it
	executed string // the file for the executed notebook
	env      []string
}

// A cellError is a cell that failed, or the driver at one; source is empty then.
type cellError struct {
	notebook string
	cell     string // the section that it is of
	source   string
	failure  failure
}

func (e *cellError) Error() string {
	s := fmt.Sprintf("%s, %s: %s", e.notebook, e.cell, e.failure.reason)
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
// returns, the kernel and its processes are gone; the executed notebook has been written
// as far as the cells ran, unless there was no way to.
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
	cmd := newCommand(ctx, env.python(), "-I", script, j.source, filepath.Dir(j.source), j.executed)
	cmd.Env = append(slices.Clip(j.env), tmp.env()...)
	cmd.ExtraFiles = []*os.File{w}
	var printed bytes.Buffer // by the driver and the kernel
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
		return fmt.Errorf("%s: the driver ended early:\n%s", name, indent(tail(printed.String(), lastLines)))
	case failed == nil:
		return nil
	case failed.source == "":
		failed.failure.detail = tail(printed.String(), lastLines)
	}
	return failed
}

// follow has the driver execute the notebook of a name, and handles its events until there
// are no more. Errors of commands need no care: the events end then.
func follow(events io.Reader, commands io.WriteCloser, name string, progress *log.Logger) (
	kernel int, saved bool, failed *cellError,
) {
	var cells []string
	cell := -1
	fail := func(f failure, source string) {
		failed = &cellError{notebook: name, cell: "start of the kernel", source: source, failure: f}
		if cell >= 0 {
			failed.cell = cells[cell]
		}
		commands.Close()
	}
	tell := teller{w: progress.Writer()}
	defer tell.end()
	next := func() {
		if cell++; cell == len(cells) {
			commands.Close()
			return
		}
		tell.begin(cells[cell])
		_, _ = io.WriteString(commands, "next\n")
	}
	for dec := json.NewDecoder(events); ; {
		var e struct { // see driver.py
			Event   string   `json:"event"`
			Cells   []string `json:"cells"`  // ready: the sections that they are of
			Kernel  int      `json:"kernel"` // ready: its process
			Source  string   `json:"source"` // done
			Outputs []output `json:"outputs"`
			Text    string   `json:"text"` // error, printed
		}
		if dec.Decode(&e) != nil {
			return kernel, saved, failed // the end, or close to it
		}
		switch e.Event {
		case "ready":
			kernel, cells = e.Kernel, e.Cells
			next()
		case "printed":
			tell.printed(e.Text)
		case "done":
			tell.done()
			if f := check(e.Outputs); f != nil {
				fail(*f, e.Source)
			} else {
				next()
			}
		case "error":
			fail(failure{reason: e.Text}, "")
		case "saved":
			saved = true
		}
	}
}

// A teller tells how cells go on: the section's name when it begins, what it prints of its progress, and
// how long it took, on the same line if it printed none.
type teller struct {
	w     io.Writer
	start time.Time
	half  string // of a line that the cell prints
	open  bool   // the line with the name is
	lines bool   // of progress there are
}

// progressLine is a line of progress, as package cell prints it: a stage, how much of it, a note.
var progressLine = regexp.MustCompile(`^[a-z]\S*( \S+)* +\d+/\d+ `)

func (t *teller) begin(section string) {
	fmt.Fprintf(t.w, "  %s ...", section)
	*t = teller{w: t.w, start: time.Now(), open: true}
}

func (t *teller) printed(text string) {
	all := strings.Split(t.half+text, "\n")
	t.half = all[len(all)-1]
	for _, line := range all[:len(all)-1] {
		if progressLine.MatchString(line) {
			t.end()
			fmt.Fprintf(t.w, "    %s\n", line)
			t.lines = true
		}
	}
}

func (t *teller) done() {
	took := round(time.Since(t.start))
	if t.lines {
		fmt.Fprintf(t.w, "    done in %s\n", took)
	} else {
		fmt.Fprintf(t.w, " %s\n", took)
	}
	t.open = false
}

// end ends the line with the section's name.
func (t *teller) end() {
	if t.open {
		fmt.Fprintln(t.w)
		t.open = false
	}
}

// round cuts a duration to what a reader wants to see of it.
func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
