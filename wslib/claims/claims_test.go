package claims

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var results = filepath.Join("..", "..", "results")

// results/claims.md is what the documented runs say.
func TestPage(t *testing.T) {
	paper, ours, err := Documented(os.DirFS(results))
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

// copyOf is the documents, in memory.
func copyOf(t *testing.T) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	for _, pattern := range []string{"*/table.csv", "*/summary.json", "switching/*.json", recordsFile} {
		names, err := fs.Glob(os.DirFS(results), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(filepath.Join(results, name))
			if err != nil {
				t.Fatal(err)
			}
			all[name] = &fstest.MapFile{Data: raw}
		}
	}
	return all
}

// What runs say decides about a verdict.
func TestVerdictsFollowTheFiles(t *testing.T) {
	verdictOf := func(all fstest.MapFS, claim string) Verdict {
		paper, ours, err := Documented(all)
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
		{"packing-mixup/table.csv", "mean of real,real,NaN,NaN,0.4967", "mean of real,real,NaN,NaN,-0.4967", "5.8 times"},
		{recordsFile, `"same class": 33158`, `"same class": 33157`, "Go, ONNX Runtime"},
		{"joint-32/summary.json", `"weights": 64670`, `"weights": 64671`, "no network's architecture"},
	} {
		all := copyOf(t)
		if before := verdictOf(all, change.claim); before != Met {
			t.Errorf("%s: %s, want met", change.claim, before)
		}
		raw := string(all[change.file].Data)
		if !strings.Contains(raw, change.from) {
			t.Fatalf("%s: no %q", change.file, change.from)
		}
		all[change.file].Data = []byte(strings.Replace(raw, change.from, change.to, 1))
		if after := verdictOf(all, change.claim); after != Missed {
			t.Errorf("%s after %s: %s, want missed", change.claim, change.to, after)
		}
	}
}

// A file or value that is missing is an error that names it.
func TestMissing(t *testing.T) {
	for _, name := range []string{"packing/table.csv", "joint-32/summary.json", "switching/others.json",
		recordsFile} {
		all := copyOf(t)
		delete(all, name)
		if _, _, err := Documented(all); err == nil || !strings.Contains(err.Error(), "results/"+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	all := copyOf(t)
	all[recordsFile].Data = []byte(strings.Replace(string(all[recordsFile].Data), `"draws"`, `"drawn"`, 1))
	if _, _, err := Documented(all); err == nil || !strings.Contains(err.Error(), `has no value "draws"`) {
		t.Error(err)
	}
}
