package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a stage is: a bar on a terminal, now and then a line
// elsewhere.
type progress struct {
	w     io.Writer
	bars  bool
	stage string
	bar   *progressbar.ProgressBar
	last  time.Time
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, bars: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) report(stage string, done, of int, note string) {
	if !p.bars {
		if done == of || note != "" && of > 20 || time.Since(p.last) > 10*time.Second {
			p.last = time.Now()
			fmt.Fprintf(p.w, "%-18s %d/%d %s\n", stage, done, of, note)
		}
		return
	}
	if p.bar == nil || stage != p.stage || p.bar.GetMax() != of {
		if p.bar != nil {
			p.bar.Exit()
			fmt.Fprintln(p.w)
		}
		p.stage = stage
		p.bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30))
	}
	if note != "" {
		note = " " + note
	}
	p.bar.Describe(fmt.Sprintf("%-16s%s", stage, note))
	p.bar.Set(done)
}
