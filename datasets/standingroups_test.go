package datasets

import (
	"slices"
	"testing"
)

// Stand-ins are told apart as originals are: no speaker, person, recording, track or
// video is in two splits.
func TestStandInGroups(t *testing.T) {
	for _, e := range catalog() {
		if e.signals == nil {
			continue
		}
		d := makeStandIn(t, e, Options{StandInTrain: 500, StandInTest: 50})
		if d.Train.Groups == nil || d.Validation.Groups == nil || d.Test.Groups == nil {
			t.Errorf("%s: no groups", e.name)
			continue
		}
		checkGroups(t, e.name, d)
		if n := d.Validation.Len(); n < 25 || n > 100 {
			t.Errorf("%s: %d of 500 samples are held out", e.name, n)
		}
		if recordings := e.name == "esc10" || e.name == "us8k"; recordings != (d.Test.Clips != nil) {
			t.Errorf("%s: clips: %v", e.name, d.Test.Clips != nil)
		}
		if slices.Min(d.Train.Groups) < 0 {
			t.Errorf("%s: a sample without a group", e.name)
		}
		if n := absentClasses(d.Train.Labels, e.classes); n > 0 {
			t.Errorf("%s: %d classes have no training samples", e.name, n)
		}
	}
}
