package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/play"
	"weightsep/wslib/separation"
)

// checkPlay compares the data of a run's page to play with the run: the rule chooses the exclusive
// pages that the tables have, and settings are those of its summary.
func checkPlay(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "figures", play.File))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), `id="data">`)
	text, _, _ = strings.Cut(text, "</script>")
	var p play.Page
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	var s pipeline.Summary
	raw, err = os.ReadFile(filepath.Join(dir, pipeline.SummaryFile))
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Networks) != len(s.Networks) || p.Settings.Shared != s.SharedPages || p.Size != s.PageSize ||
		len(p.Points) != 0 {
		t.Fatalf("%d networks, %+v of the summary %+v", len(p.Networks), p.Settings, s)
	}
	pages := 0
	for i, n := range p.Networks {
		pages += len(n.Density)
		o := separation.Options{TPR: p.Settings.TPR, Margin: p.Settings.Margin, Shared: p.Settings.Shared,
			Max: n.Max}
		if p.Settings.Doubling {
			o.Shared = len(n.Density)
		}
		own, err := separation.Separate(n.Density, o)
		table := page.Table{Shared: p.Settings.Shared, Entries: n.Table}
		if err != nil || len(own) == 0 || !slices.Equal(own, table.Exclusive()) {
			t.Errorf("%s: exclusive pages %v by the rule, %v in the table: %v", n.Name, own,
				table.Exclusive(), err)
		}
		if n.Name != s.Networks[i].Name || n.Data != s.Networks[i].Data || len(n.Layers) == 0 ||
			n.Weights != s.Networks[i].Weights {
			t.Errorf("%s, %s, %d weights in %d layers; in the summary %+v", n.Name, n.Data, n.Weights,
				len(n.Layers), s.Networks[i])
		}
	}
	if b := s.Stored; p.Settings.ScaleBytes*pages != b.Scales ||
		p.Settings.Shared*p.Size*p.Settings.SharedBits/8 != b.Shared {
		t.Errorf("%+v, the summary counts %+v", p.Settings, b)
	}
}

// Of documented runs only the page is written, into their directory.
func TestFiguresOfResults(t *testing.T) {
	results, dir := filepath.Join("..", "..", "results"), filepath.Join(t.TempDir(), "results")
	if err := os.CopyFS(dir, os.DirFS(results)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, play.File)
	want, err := os.ReadFile(name)
	if err == nil {
		err = os.Remove(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := call(t, "figures", "-results", dir); code != 0 || out != name+"\n" {
		t.Errorf("exit %d, %s%s", code, out, stderr)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want the %d of results: %v", len(got), len(want), err)
	}
	if code, _, stderr := call(t, "figures", "-results", t.TempDir()); code != 1 ||
		!strings.Contains(stderr, "pack.safetensors") {
		t.Errorf("of an empty directory: exit %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "figures", "-results", dir, "-run", dir); code != 2 ||
		!strings.Contains(stderr, "does not know -run") {
		t.Errorf("of a run, too: exit %d, %s", code, stderr)
	}
}

// A network of one page, which is not shared, is packed, too.
func TestRunOfOnePage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	code, out, stderr := call(t, "run", "-nets", ownNetworks(t), "-steps", "0", "-profile", "smoke",
		"-run", dir, "-quiet")
	if code != 0 || !strings.Contains(out, "Packing:") {
		t.Errorf("exit %d, %s%s", code, out, stderr)
	}
}

// Pages that are only rounded have no history to draw, and the page says that no rule chose them.
func TestFiguresUntrained(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if code, _, stderr := call(t, "run", "-nets", ownNetworks(t), "-steps", "0", "-page", "8", "-profile",
		"smoke", "-ratio", "1.2", "-run", dir, "-quiet"); code != 0 {
		t.Fatal(stderr)
	}
	if code, out, stderr := call(t, "figures", "-run", dir); code != 0 || strings.Contains(out, "history.svg") {
		t.Errorf("exit %d, %s%s", code, out, stderr)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "figures", play.File))
	if err != nil || !strings.Contains(string(raw), "not all chosen by the rule") {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}
