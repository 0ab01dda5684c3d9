package datasets

import "fmt"

// The kinds of [Provenance].
const (
	Real    = "real"     // samples of the original dataset
	StandIn = "stand-in" // samples generated in place of the original
	OwnData = "own"      // the caller's samples, of any origin
)

// Provenance says where samples came from, so that a stand-in is never presented
// as the real dataset, nor a part as the whole.
type Provenance struct {
	Kind   string `json:"kind"`   // Real, StandIn or OwnData
	Source string `json:"source"` // the files, or that they were generated

	// Train counts the training samples here, validation included; TrainOf is
	// how many the original has, or how many were generated. The same for Test.
	Train   int `json:"train"`
	TrainOf int `json:"train_of"`
	Test    int `json:"test"`
	TestOf  int `json:"test_of"`

	// Content is a hash of the files that were read, names and contents, in hex; empty
	// for a stand-in.
	Content string `json:"content,omitempty"`

	Note string `json:"note,omitempty"` // why it is a stand-in, or was cut down
}

// SameFiles reports whether two provenances are of the same files, or of the same
// generator. A hash that is not known is taken for any.
func (p Provenance) SameFiles(q Provenance) bool {
	return p.Kind == q.Kind && p.Source == q.Source &&
		(p.Content == q.Content || p.Content == "" || q.Content == "")
}

// String returns the provenance in one line, beginning with the kind.
func (p Provenance) String() string {
	s := fmt.Sprintf("%s: %s; %s training and %s test samples",
		p.Kind, p.Source, share(p.Train, p.TrainOf), share(p.Test, p.TestOf))
	if p.Note != "" {
		s += " (" + p.Note + ")"
	}
	return s
}

// share says n of all, or n alone if it is all or if all is not known.
func share(n, all int) string {
	if all == 0 || n == all {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d of %d", n, all)
}

// note adds a remark to the note.
func (p *Provenance) note(s string) {
	if p.Note != "" {
		p.Note += "; "
	}
	p.Note += s
}
