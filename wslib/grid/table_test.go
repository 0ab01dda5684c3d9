package grid

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
)

// A documented table reads as it is written in; one that is none is an error.
func TestReadTable(t *testing.T) {
	lines, err := ReadTable(os.DirFS("../../results"), "packing")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, l := range lines {
		if l.Method != "joint-32" {
			continue
		}
		switch l.Network {
		case "mnist":
			found++
			if l.Test != 0.9888 || l.Data != datasets.Real || l.Seeds != "1 2" || l.Change.Low != -0.14 {
				t.Errorf("%+v", l)
			}
		case MeanOfReal:
			found++
			if !math.IsNaN(l.Test) || l.Change.String() != "+0.32 (-0.06 to +0.73)" || l.Ratio != 32.6234 {
				t.Errorf("%+v", l)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d lines of joint-32, want those of mnist and the mean", found)
	}
	for text, want := range map[string]string{"": "no header", "method,ratio\njoint,two\n": "of joint",
		"a\n\"": "quote"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, tableFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTable(os.DirFS(dir), "."); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
