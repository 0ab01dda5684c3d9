package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progress tells the user what is going on. On a terminal a status line is overwritten
// by what follows it; elsewhere (a file, a CI log) there are only whole lines.
//
// Its methods may be called from several goroutines.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	status   bool // a status line is on the screen
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

// statusWidth is the length at which a status line is cut, so that it fits a terminal
// and can be overwritten.
const statusWidth = 78

// update shows a status line, on terminals only.
func (p *progress) update(format string, args ...any) {
	if !p.terminal {
		return
	}
	s := []rune(strings.ReplaceAll(fmt.Sprintf(format, args...), "\t", " "))
	if len(s) > statusWidth {
		s = append(s[:statusWidth-1], '…')
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "\r\x1b[K%s", string(s))
	p.status = true
}

// line shows a line that stays.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.status = false
	}
	fmt.Fprintf(p.w, format+"\n", args...)
}

// log shows a line that stays where there is no status line to overwrite.
func (p *progress) log(format string, args ...any) {
	if !p.terminal {
		p.line(format, args...)
	}
}

// Write lets a progress be the log of others: each whole line becomes a line.
func (p *progress) Write(b []byte) (int, error) {
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l != "" {
			p.line("  %s", l)
		}
	}
	return len(b), nil
}

// round cuts a duration to what a reader wants to see of it.
func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
