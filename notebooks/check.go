package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// GoNB answers "ok" for a cell whose program panicked, exited with a code other than 0
// or was killed: all that is left of it is a line at the end of stderr. Only what keeps
// a program from running (code that does not compile, a wrong % command) is an error in
// Jupyter's sense. So a cell's outputs have to be looked through.

// An output is one output of a cell, as nbformat 4 has it in memory: in files, texts may
// also be lists of lines.
type output struct {
	Type      string   `json:"output_type"` // stream, error, display_data, execute_result
	Name      string   `json:"name"`        // of a stream: stdout, stderr
	Text      string   `json:"text"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// A failure is what went wrong in a cell.
type failure struct {
	reason string // one line
	detail string // what the cell or the compiler printed, possibly empty
}

var (
	// What GoNB writes to stderr after a program that failed. A program that writes
	// such a line itself, as some shell commands do, has failed as well.
	exitLine = regexp.MustCompile(`(?m)^(exit status [1-9]\d*|signal: [a-z].*)$`)
	// What it writes for a % command that it does not know; it goes on then.
	unknownCommand = regexp.MustCompile(`(?m)^"%.*" unknown or not implemented yet\.$`)
	panicLine      = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)
	escapeSequence = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
)

// check returns what went wrong in a cell with these outputs, or nil.
func check(outputs []output) *failure {
	var stdout, stderr strings.Builder
	reason := ""
	for _, o := range outputs {
		s := plain(o.Text)
		switch {
		case o.Type == "error":
			// GoNB's traceback is the compiler's messages with the lines that they are about.
			traceback := strings.TrimSpace(plain(strings.Join(o.Traceback, "\n")))
			detail := cmp.Or(traceback, strings.TrimSpace(plain(o.Value)))
			return &failure{reason: errorReason(o.Value), detail: head(detail, detailLines)}
		case o.Type == "stream" && o.Name == "stdout":
			stdout.WriteString(s)
		case o.Type == "stream" && o.Name == "stderr":
			stderr.WriteString(s)
			for _, bad := range []*regexp.Regexp{exitLine, unknownCommand} {
				if m := bad.FindString(s); m != "" && reason == "" {
					reason = m
				}
			}
		}
	}
	if reason == "" {
		return nil
	}
	printed := stderr.String()
	if at := panicLine.FindStringIndex(printed); at != nil {
		return &failure{reason: printed[at[0]:at[1]], detail: head(printed[at[0]:], detailLines)}
	}
	if strings.TrimSpace(printed) == reason {
		printed = stdout.String() + printed // so say failing tests
	}
	return &failure{reason: reason, detail: tail(printed, detailLines)}
}

// detailLines is how much of what a cell printed is shown.
const detailLines = 40

// head returns the first n lines of s.
func head(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if more := len(lines) - n; more > 0 {
		lines = append(lines[:n], fmt.Sprintf("... and %d more lines", more))
	}
	return strings.Join(lines, "\n")
}

// tail returns the last n lines of s, each as a terminal would show it at the end.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		lines[i] = l[strings.LastIndexByte(l, '\r')+1:]
	}
	return strings.Join(lines, "\n")
}

// errorReason shortens an error's value to a line.
func errorReason(value string) string {
	for l := range strings.Lines(plain(value)) {
		// A line with # is go build's headline, the package.
		l = strings.TrimSpace(l)
		switch {
		case strings.Contains(l, ": fork/exec ") && strings.HasSuffix(l, "permission denied"):
			return "does not run: " + l +
				": set GOTMPDIR to a directory on a file system that lets programs run"
		case l != "" && l[0] != '#':
			return "does not run: " + l
		}
	}
	return "does not run"
}

// plain removes terminal colors.
func plain(s string) string { return escapeSequence.ReplaceAllString(s, "") }
