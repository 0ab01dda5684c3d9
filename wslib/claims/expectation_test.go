package claims

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// An expectation holds within its tolerance, on one side only where it has a bound.
func TestMeasured(t *testing.T) {
	for _, c := range []struct {
		bound string
		value float64
		want  Verdict
	}{
		{"", 1.5, Met}, {"", 2.5, Met}, {"", 1.4, Missed}, {"", 2.6, Missed}, {"", math.NaN(), Missed},
		{AtLeast, 1.4, Missed}, {AtLeast, 9, Met}, {AtMost, 2.6, Missed}, {AtMost, -9, Met},
		{AtLeast, math.NaN(), Missed}, {AtMost, math.NaN(), Missed},
	} {
		e := Expectation{Expected: 2, Tolerance: 0.5, Bound: c.bound}
		if v := e.Measured(c.value); v.Verdict != c.want || v.Reason != "" {
			t.Errorf("%s 2 within 0.5, measured %v: %+v, want %s", c.bound, c.value, v, c.want)
		}
	}
}

// Verdicts are kept with their run, in the order of the expectations; later ones replace earlier ones.
func TestKeep(t *testing.T) {
	run := t.TempDir()
	if all, err := Outcomes(run); err != nil || all != nil {
		t.Errorf("of no claims: %v, %v", all, err)
	}
	last := len(Expectations) - 1
	first := Expectations[0].Untested("no data")
	met := Expectations[last].Measured(Expectations[last].Expected)
	missed := Expectations[last].Measured(-1e6)
	for _, v := range []Outcome{missed, first, met} {
		if err := v.Keep(run); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Outcomes(run)
	if err != nil || !reflect.DeepEqual(all, []Outcome{first, met}) {
		t.Errorf("%v, %+v", err, all)
	}
	for v, want := range map[*Outcome]string{&first: "– not testable here: ", &met: "✓ met: ",
		&missed: "✗ missed: "} {
		if got := v.String(); !strings.HasPrefix(got, want+v.Name) || !strings.Contains(got, "expected ") {
			t.Errorf("%q, want %q first", got, want+v.Name)
		}
	}
}

// IDs name files, and every expectation says where it comes from.
func TestExpectations(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Expectations {
		if seen[e.ID] || strings.Trim(e.ID, "abcdefghijklmnopqrstuvwxyz-") != "" || e.Why == "" ||
			e.Name == "" || e.Tolerance <= 0 {
			t.Errorf("%+v", e)
		}
		seen[e.ID] = true
	}
}
