package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"weightsep/datasets/download"
)

// linePause is the time between two lines of progress where there is no terminal.
const linePause = 10 * time.Second

// progress shows how far a file is: a bar on a terminal, now and then a line
// elsewhere. Attempts that fail get a line in either case, once for each reason.
type progress struct {
	w     io.Writer
	bars  bool
	label string
	bar   *progressbar.ProgressBar
	stage download.Stage // of the bar
	last  time.Time      // of a line
	told  map[string]bool
}

func newProgress(w io.Writer, label string) *progress {
	f, ok := w.(*os.File)
	bars := ok && term.IsTerminal(int(f.Fd()))
	return &progress{w: w, bars: bars, label: label, last: time.Now(), told: map[string]bool{}}
}

func (p *progress) event(e download.Event) {
	switch e.Stage {
	case download.Waiting:
		p.line("another process fetches it, waiting")
	case download.Failed:
		if s := fmt.Sprintf("%s: %v", e.URL, e.Err); !p.told[s] {
			p.told[s] = true
			p.line(s)
		}
	case download.Receiving, download.Checking:
		verb := "received"
		if e.Stage == download.Checking {
			verb = "checking"
		}
		switch {
		case p.bars:
			p.draw(e, verb)
		case time.Since(p.last) <= linePause:
		case e.Size <= 0:
			p.line(fmt.Sprintf("%s %s", verb, amount(e.Done)))
		default:
			p.line(fmt.Sprintf("%s %s of %s, %d%%", verb, amount(e.Done), amount(e.Size), 100*e.Done/e.Size))
		}
	}
}

// line prints below what is on the terminal.
func (p *progress) line(s string) {
	p.close()
	p.last = time.Now()
	fmt.Fprintf(p.w, "%s: %s\n", p.label, s)
}

func (p *progress) draw(e download.Event, verb string) {
	if p.bar == nil || p.stage != e.Stage {
		p.close()
		p.stage = e.Stage
		size := e.Size
		if size <= 0 {
			size = -1
		}
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(p.w),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription(fmt.Sprintf("%s %s", p.label, verb)))
	}
	p.bar.Set64(e.Done)
}

// close ends the bar, if there is one.
func (p *progress) close() {
	if p.bar == nil {
		return
	}
	p.bar.Exit()
	fmt.Fprintln(p.w)
	p.bar = nil
}
