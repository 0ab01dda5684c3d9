package grid

import (
	"path/filepath"
	"testing"
	"time"
)

// What a process that was killed took until its last tick counts; an interval that is not
// over notes nothing.
func TestStopwatchGoesOnAfterAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), secondsFile)
	note := func(w *stopwatch, while time.Duration) {
		t.Helper()
		if err := w.note(while); err != nil {
			t.Fatal(err)
		}
	}
	var killed, next, last stopwatch
	note(&killed, markEvery) // it has not begun
	if err := killed.begin(dir); err != nil {
		t.Fatal(err)
	}
	killed.start, killed.marked = killed.start.Add(-time.Hour), killed.marked.Add(-time.Hour)
	note(&killed, markEvery)
	if err := next.begin(dir); err != nil {
		t.Fatal(err)
	}
	if s := next.seconds(); s < 3600 || s > 3660 {
		t.Errorf("%v seconds after an hour", s)
	}
	next.start = next.start.Add(-time.Hour)
	note(&next, markEvery)
	if err := last.begin(dir); err != nil || last.seconds() > 3660 {
		t.Errorf("%v seconds (%v): noted before its time", last.seconds(), err)
	}
	note(&next, 0)
	if err := last.begin(dir); err != nil || last.seconds() < 7200 {
		t.Errorf("%v seconds (%v) after two hours", last.seconds(), err)
	}
}
