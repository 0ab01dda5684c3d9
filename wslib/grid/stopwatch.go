package grid

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// stopwatch is the wall time of a cell over all processes that worked on it. A file has
// that of earlier ones, so what an interruption ended counts, too.
type stopwatch struct {
	path          string
	mu            sync.Mutex
	before        float64 // seconds
	start, marked time.Time
}

// markEvery is how often the file is written: what a killed process took since then is lost.
const markEvery = 10 * time.Second

// begin starts the watch, or goes on where an earlier process stopped.
func (w *stopwatch) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start, w.marked = time.Now(), time.Now()
	if err := readJSON(w.path, &w.before); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (w *stopwatch) seconds() float64 { return w.before + time.Since(w.start).Seconds() }

// tick may be called at any time, by several goroutines; before begin it does nothing.
func (w *stopwatch) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.start.IsZero() && time.Since(w.marked) >= markEvery && writeJSON(w.path, w.seconds()) == nil {
		w.marked = time.Now() // else another tick writes it, or stop says why not
	}
}

// stop notes the time of a cell that is not done; done removes the note.
func (w *stopwatch) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return writeJSON(w.path, w.seconds())
}

func (w *stopwatch) done() error {
	if err := os.Remove(w.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
