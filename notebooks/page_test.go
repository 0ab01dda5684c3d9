package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mdCell and codeCell are cells as files have them.
func mdCell(text string) map[string]any {
	return map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": text}
}

func codeCell(source string, outputs ...map[string]any) map[string]any {
	for _, o := range outputs {
		if o["output_type"] == "display_data" {
			o["metadata"] = map[string]any{}
		}
	}
	return map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": source,
		"execution_count": 7, "outputs": append([]map[string]any{}, outputs...)}
}

func printedOutput(text string) map[string]any {
	return map[string]any{"output_type": "stream", "name": "stdout", "text": text}
}

func shownOutput(kind, data string) map[string]any {
	return map[string]any{"output_type": "display_data", "data": map[string]any{kind: data}}
}

func writeNotebook(t *testing.T, file string, cells ...map[string]any) {
	t.Helper()
	b, err := json.Marshal(map[string]any{"cells": cells, "metadata": map[string]any{}, "nbformat": 4,
		"nbformat_minor": 4})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, string(b))
}

// The page has all that the notebooks show, needs nothing from elsewhere, and no link of it leads nowhere.
func TestPage(t *testing.T) {
	env, _ := newTestRun(t, "01_good.ipynb")
	dir := filepath.Join(t.TempDir(), "a run", "notebooks")
	first, second := filepath.Join(dir, "01_a.ipynb"), filepath.Join(dir, "02_b.ipynb")
	writeNotebook(t, first,
		mdCell("# 1. Alpha & beta\n\nSee [numbers](../results/README.md), [b](02_b.ipynb), [Go](https://go.dev)."),
		codeCell("%noautoget", printedOutput("an answer to nobody\n")),
		mdCell("## Charts"),
		codeCell("%%\nshow()",
			shownOutput("image/svg+xml", `<?xml version="1.0"?><svg width="30" height="20"><g style="x:y"/></svg>`),
			shownOutput("image/svg+xml", `<svg viewBox="0 0 3 3" role="img"><title>Its own</title></svg>`),
			shownOutput("image/png", "iVBORw0KGgo="),
			shownOutput("text/markdown", "| a | b |\n| --- | ---: |\n| **stand-in** | 1 |\n")))
	writeNotebook(t, second, mdCell("# 2. Gamma"),
		codeCell("%%\nx < y", printedOutput("✓ it <holds>\n✗ missed: 1\n  expected 2: why\n"+
			"as it\n    stands\n"),
			map[string]any{"output_type": "error", "ename": "ERROR", "evalue": "wrong",
				"traceback": []string{"\x1b[31mline 3\x1b[0m"}}))
	page := filepath.Join(dir, pageFile)
	jobs := []job{{executed: first}, {executed: second}, {executed: filepath.Join(dir, "03_c.ipynb")}}
	if err := writePage(t.Context(), env, &options{profile: "smoke"}, page, jobs); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	html := string(b)
	for _, want := range []string{`<a href="#01_a">1. Alpha &amp; beta</a>`, `<a href="#01_a-1">Charts</a>`,
		`rel="next" href="#02_b"`, `rel="prev" href="#01_a"`, `<a href="https://go.dev">`, "Not run: 03_c.ipynb",
		`viewBox="0 0 30 20" role="img"><title>Charts</title>`, `<title>Its own</title>`, `alt="Charts"`,
		`<div class="wide" tabindex="0"><table>`, "<li><b>✓</b>it &lt;holds&gt;</li>",
		"<li><b class=bad>✗</b>missed: 1: expected 2: why</li>", `<td class="one"><strong>stand-in`,
		"<pre>as it\n    stands</pre>", "wrong\nline 3", "prefers-color-scheme: dark"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(html, "an answer to nobody</pre>\n</details>") {
		t.Error("what a command to the kernel answers is not folded away with it")
	}
	foreign := regexp.MustCompile(`(?i)<script|<iframe|@import|src="(http|//)|<link[^>]*(http|//)|url\(`)
	if m := foreign.FindString(html); m != "" {
		t.Errorf("the page asks for something: %s", m)
	}
	for _, m := range regexp.MustCompile(`href="(#?)([^":]*)"`).FindAllStringSubmatch(html, -1) {
		switch name := strings.ReplaceAll(m[2], "%20", " "); {
		case m[1] == "#" && strings.Count(html, `id="`+name+`"`) != 1:
			t.Errorf("#%s is no place of the page, or two", name)
		case m[1] == "":
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestFileURL(t *testing.T) {
	if got, want := fileURL("/a run/ö#1.html"), "file:///a%20run/%C3%B6%231.html"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The terminal names a section when it begins, and of what its cell prints shows progress, when it comes.
func TestTeller(t *testing.T) {
	var b strings.Builder
	tell := teller{w: &b}
	tell.begin("set-up")
	tell.printed("✓ a claim of 1/2 things\n| 1/2 |\n")
	tell.done()
	tell.begin("Training")
	tell.printed("optimize         20/60 mean valid")
	tell.printed("ation 50.0 %\nnot 1/2")
	want := "  set-up ... 0s\n  Training ...\n    optimize         20/60 mean validation 50.0 %\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	tell.done()
	if !strings.HasSuffix(b.String(), " %\n    done in 0s\n") {
		t.Errorf("%q", b.String())
	}
}
