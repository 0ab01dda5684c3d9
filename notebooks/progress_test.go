package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestProgressOffTerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.update("not %s", "shown")
	p.log("shown %d", 1)
	p.line("shown %d", 2)
	if got, want := b.String(), "shown 1\nshown 2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.terminal = true
	p.update("%s", strings.Repeat("ü", 200))
	if n := len([]rune(strings.TrimPrefix(b.String(), "\r\x1b[K"))); n != statusWidth {
		t.Errorf("status line of %d characters, want %d", n, statusWidth)
	}
	b.Reset()
	p.log("not shown")
	p.line("stays")
	p.line("and this")
	if got, want := b.String(), "\r\x1b[Kstays\nand this\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLineWriter(t *testing.T) {
	var lines []string
	w := &lineWriter{each: func(l string) { lines = append(lines, l) }}
	for _, s := range []string{"a", "b\r\nc\n", "d"} {
		if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if got := strings.Join(lines, "|"); got != "ab|c" {
		t.Errorf("lines %q", got)
	}
	if got := w.tail(); got != "ab\nc\nd" {
		t.Errorf("tail %q", got)
	}
}

func TestLastLine(t *testing.T) {
	for s, want := range map[string]string{
		"a\nb\n":                    "b",
		"\r 10%\r 20%":              "20%",
		"\x1b[31mred\x1b[0m\n \r\n": "red",
		"\n":                        "before",
	} {
		if got := lastLine(s, "before"); got != want {
			t.Errorf("lastLine(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestSummaryOfNoRun(t *testing.T) {
	var b bytes.Buffer
	if err := printSummary(t.TempDir(), &b); err != nil || b.Len() > 0 {
		t.Errorf("%q, %v", &b, err)
	}
}
