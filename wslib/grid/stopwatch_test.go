package grid

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a process that was killed took until its last tick counts; an interval that is not
// over notes nothing.
func TestStopwatchGoesOnAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seconds.json")
	killed := &stopwatch{path: path}
	killed.tick() // it has not begun
	if err := killed.begin(); err != nil {
		t.Fatal(err)
	}
	killed.start, killed.marked = killed.start.Add(-time.Hour), killed.marked.Add(-time.Hour)
	killed.tick()
	next := &stopwatch{path: path}
	if err := next.begin(); err != nil {
		t.Fatal(err)
	}
	if s := next.seconds(); s < 3600 || s > 3660 {
		t.Errorf("%v seconds after an hour", s)
	}
	next.start = next.start.Add(-time.Hour)
	next.tick()
	last := &stopwatch{path: path}
	if err := last.begin(); err != nil || last.seconds() > 3660 {
		t.Errorf("%v seconds (%v): noted before its time", last.seconds(), err)
	}
	if err := next.stop(); err != nil {
		t.Fatal(err)
	}
	if err := last.begin(); err != nil || last.seconds() < 7200 {
		t.Errorf("%v seconds (%v) after two hours", last.seconds(), err)
	}
	for range 2 { // the second time it is done already
		if err := last.done(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the note of what is done is left")
	}
}
