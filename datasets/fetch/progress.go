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
	case download.Receiving:
		p.far(e, "received")
	case download.Checking:
		p.far(e, "checking")
	}
}

// far shows how far a stage is.
func (p *progress) far(e download.Event, verb string) {
	if !p.bars {
		if time.Since(p.last) > linePause {
			text := verb + " " + amount(e.Done)
			if e.Size > 0 {
				text += fmt.Sprintf(" of %s, %d%%", amount(e.Size), 100*e.Done/e.Size)
			}
			p.line(text)
		}
		return
	}
	if p.bar == nil || p.stage != e.Stage {
		p.close()
		p.stage = e.Stage
		size := e.Size
		if size <= 0 {
			size = -1
		}
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(p.w),
			progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription(p.label+" "+verb))
	}
	p.bar.Set64(e.Done)
}

// line prints below what is on the terminal.
func (p *progress) line(s string) {
	p.close()
	p.last = time.Now()
	fmt.Fprintf(p.w, "%s: %s\n", p.label, s)
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
