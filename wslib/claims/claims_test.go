package claims

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var results = filepath.Join("..", "..", "results")

// results/claims.md is what the documented runs say.
func TestPage(t *testing.T) {
	paper, ours, err := Documented(results)
	if err != nil {
		t.Fatal(err)
	}
	want := Markdown(paper, ours)
	got, err := os.ReadFile(filepath.Join(results, "claims.md"))
	if err != nil || string(got) != want {
		t.Errorf("results/claims.md is not what `go run ./wslib/ws claims` prints: %v", err)
	}
	for _, c := range append(paper, ours...) {
		if c.Claim == "" || c.Source == "" || c.Expected == "" || c.Measured == "" || c.Verdict == "" ||
			c.Command == "" && c.Verdict != NotTestable {
			t.Errorf("%+v: want all of a claim, source, command, expectation, measurement, verdict", c)
		}
	}
}

// copyOf is a directory with the documents.
func copyOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"*/table.csv", "*/summary.json", "switching/*.json", recordsFile} {
		paths, err := filepath.Glob(filepath.Join(results, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(results, path)
			if err != nil {
				t.Fatal(err)
			}
			edit(t, path, filepath.Join(dir, name), "", "")
		}
	}
	return dir
}

// edit copies a file, with to in the place of from.
func edit(t *testing.T, path, copied, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(copied), 0o777)
	}
	if !strings.Contains(string(raw), from) {
		t.Fatalf("%s: no %q", path, from)
	}
	if err == nil {
		err = os.WriteFile(copied, []byte(strings.Replace(string(raw), from, to, 1)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What runs say decides about a verdict.
func TestVerdictsFollowTheFiles(t *testing.T) {
	verdictOf := func(dir, claim string) Verdict {
		paper, ours, err := Documented(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range append(paper, ours...) {
			if strings.HasPrefix(c.Claim, claim) {
				return c.Verdict
			}
		}
		t.Fatalf("no claim %q", claim)
		return ""
	}
	for _, change := range []struct{ file, from, to, claim string }{
		{"packing/table.csv", "mean of real,real,NaN,NaN,0.3244,-0.0638", "mean of real,real,NaN,NaN,-0.9,-1.4",
			"32 times in bytes"},
		{"packing-mixup/table.csv", "mean of real,real,NaN,NaN,0.4967", "mean of real,real,NaN,NaN,-0.4967", "… and so"},
		{recordsFile, `"same class": 33158`, `"same class": 33157`, "Go, ONNX Runtime"},
		{"joint-32/summary.json", `"weights": 64670`, `"weights": 64671`, "no network's architecture"},
	} {
		dir := copyOf(t)
		if before := verdictOf(dir, change.claim); before != Met {
			t.Errorf("%s: %s, want met", change.claim, before)
		}
		path := filepath.Join(dir, change.file)
		edit(t, path, path, change.from, change.to)
		if after := verdictOf(dir, change.claim); after != Missed {
			t.Errorf("%s after %s: %s, want missed", change.claim, change.to, after)
		}
	}
}

// A file or value that is missing is an error that names it.
func TestMissing(t *testing.T) {
	for _, name := range []string{"packing/table.csv", "joint-32/summary.json", "switching/others.json",
		recordsFile} {
		dir := copyOf(t)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Documented(dir); err == nil || !strings.Contains(err.Error(), filepath.Dir(name)) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	path := filepath.Join(copyOf(t), recordsFile)
	edit(t, path, path, `"draws"`, `"drawn"`)
	_, _, err := Documented(filepath.Dir(path))
	if err == nil || !strings.Contains(err.Error(), `has no value "draws"`) {
		t.Error(err)
	}
}
