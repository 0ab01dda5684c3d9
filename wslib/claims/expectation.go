package claims

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets/files"
)

// Expectation is a claim that may fail: a number that is measured, and what it should be.
type Expectation struct {
	ID   string `json:"id"` // of letters, digits and dashes
	Name string `json:"name"`
	Unit string `json:"unit"`

	Expected  float64 `json:"expected"`
	Tolerance float64 `json:"tolerance"`       // to both sides
	Bound     string  `json:"bound,omitempty"` // AtLeast or AtMost: one side only
	Why       string  `json:"why"`             // where the number and its tolerance come from
}

// The bounds of an expectation.
const (
	AtLeast = "at least"
	AtMost  = "at most"
)

// holds tells whether a measured number is as expected.
func (e Expectation) holds(measured float64) bool {
	low := measured >= e.Expected-e.Tolerance || e.Bound == AtMost
	high := measured <= e.Expected+e.Tolerance || e.Bound == AtLeast
	return low && high // neither of NaN
}

// String says what is expected.
func (e Expectation) String() string {
	bound := e.Bound
	if bound != "" {
		bound += " "
	}
	return fmt.Sprintf("expected %s%.4g %s, tolerance %.4g", bound, e.Expected, e.Unit, e.Tolerance)
}

// Outcome is what became of an expectation.
type Outcome struct {
	Expectation
	Verdict  Verdict  `json:"verdict"`            // Met, Missed or NotTestable
	Measured *float64 `json:"measured,omitempty"` // nil: it was not
	Reason   string   `json:"reason,omitempty"`   // why it was not
}

// Measured is the outcome of a number.
func (e Expectation) Measured(value float64) Outcome {
	v := Outcome{Expectation: e, Verdict: Missed, Measured: &value}
	if e.holds(value) {
		v.Verdict = Met
	}
	return v
}

// Untested is the outcome where there is nothing to compare, and why.
func (e Expectation) Untested(reason string) Outcome {
	return Outcome{Expectation: e, Verdict: NotTestable, Reason: reason}
}

// Expected is the expectation of that ID. It panics if there is none.
func Expected(id string) Expectation {
	i := slices.IndexFunc(Expectations, func(e Expectation) bool { return e.ID == id })
	if i < 0 {
		panic("no expectation " + id)
	}
	return Expectations[i]
}

// Keep writes the outcome into the directory of a run.
func (v Outcome) Keep(run string) error {
	dir := Dir(run)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return files.WriteJSON(filepath.Join(dir, v.ID+".json"), v)
}

// String is a line or two for a person.
func (v Outcome) String() string {
	if v.Measured == nil {
		return fmt.Sprintf("– %s: %s, %s\n  %s", v.Verdict, v.Name, v.Reason, v.Expectation)
	}
	mark := map[Verdict]string{Met: "✓", Missed: "✗"}[v.Verdict]
	return fmt.Sprintf("%s %s: %s %.4g %s\n  %s: %s",
		mark, v.Verdict, v.Name, *v.Measured, v.Unit, v.Expectation, v.Why)
}

// Dir is the directory of the outcomes of a run.
func Dir(run string) string { return filepath.Join(run, "claims") }

// Outcomes are those that a run has, in the order of [Expectations].
func Outcomes(run string) (all []Outcome, err error) {
	for _, e := range Expectations {
		var v Outcome
		switch err := files.ReadJSON(filepath.Join(Dir(run), e.ID+".json"), &v); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
