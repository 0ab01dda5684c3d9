package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

//go:embed driver.py
var driver []byte

// An event is what the driver reports; see driver.py.
type event struct {
	Event   string   `json:"event"`
	Cells   int      `json:"cells"`  // ready: how many there are
	Kernel  int      `json:"kernel"` // ready: its process
	Cell    int      `json:"cell"`   // begin, done: from 1
	Source  string   `json:"source"` // done
	Outputs []output `json:"outputs"`
	Text    string   `json:"text"` // text, error
}

// A driverProcess is driver.py at work.
type driverProcess struct {
	events chan event // closed when it has ended
	log    lineWriter // what it and the kernel wrote to stdout and stderr
	stdin  io.WriteCloser
	cancel context.CancelFunc
}

// startDriver starts the driver on j. It is not tied to a context: it ends, in an
// orderly way, when its input does.
func startDriver(env *environment, j job, tmp *scratch) (*driverProcess, error) {
	script := filepath.Join(tmp.dir, "driver.py")
	if err := os.WriteFile(script, driver, 0o600); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := newCommand(ctx, env.python(), "-I", script, j.source, j.dir, j.executed, j.html)
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
