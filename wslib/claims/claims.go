// Package claims states what the paper and this project claim, beside what came out: from the files of
// documented runs, and from numbers that commands printed, recorded in measured.json with these commands.
package claims

import (
	"fmt"
	"io/fs"
	"strings"
)

// Verdict on a claim.
type Verdict string

// Verdicts.
const (
	Met         Verdict = "met"
	Missed      Verdict = "missed"
	NotTestable Verdict = "not testable here"
)

// Claim is one claim with its verdict.
type Claim struct {
	Claim     string
	Source    string // where it is made
	Command   string // that measures it
	Time      string // that the command takes
	Expected  string
	Tolerance string // across machines and trainings, and why
	Measured  string
	Verdict   Verdict
}

// markdown is the verdict in a table: misses are seen first.
func (v Verdict) markdown() string {
	if v == Missed {
		return "**missed**"
	}
	return string(v)
}

// verdict is Met if a measurement is as claimed.
func verdict(met bool) Verdict {
	if met {
		return Met
	}
	return Missed
}

// Documented are the paper's claims and then ours, by the files of the directory results.
func Documented(results fs.FS) (paper, ours []Claim, err error) {
	d := &documents{fs: results}
	paper, ours = d.paper(), d.ours()
	return paper, ours, d.err
}

// Markdown is a page of claims: a table with verdicts, and how each is measured.
func Markdown(paper, ours []Claim) string {
	var b strings.Builder
	b.WriteString("# Claims\n\nWhat is claimed, what came out here, and the verdict. Made by `go run " +
		"./wslib/ws claims` from the\nfiles of this directory; `ws` stands for `go run ./wslib/ws`. " +
		"Misses are shown as misses. The\nsurest loss is that of the interval with the lowest upper end.\n")
	numbers := 0
	for _, part := range []struct {
		title string
		all   []Claim
	}{{"The paper's", paper}, {"Ours", ours}} {
		fmt.Fprintf(&b, "\n## %s\n\n| | claim | expected | measured here | verdict |\n|---:|---|---|---|---|\n",
			part.title)
		for i, c := range part.all {
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", numbers+i+1, c.Claim, c.Expected, c.Measured,
				c.Verdict.markdown())
		}
		b.WriteString("\nWhere each is claimed, and how it is measured:\n\n" +
			"| | where it is claimed | command | takes | tolerance, and why |\n" +
			"|---:|---|---|---|---|\n")
		for i, c := range part.all {
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", numbers+i+1, c.Source, c.Command, c.Time, c.Tolerance)
		}
		numbers += len(part.all)
	}
	return b.String()
}

// Count says how many claims have which verdict.
func Count(all ...Claim) string {
	counts := map[Verdict]int{}
	for _, c := range all {
		counts[c.Verdict]++
	}
	return fmt.Sprintf("%d met, %d missed, %d not testable here", counts[Met], counts[Missed],
		counts[NotTestable])
}
