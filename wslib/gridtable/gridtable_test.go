package gridtable

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
)

// A documented table reads as it is written in; one that is none is an error.
func TestRead(t *testing.T) {
	lines, err := Read(os.DirFS("../../results"), "packing")
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
			if l.Test != 0.9888 || l.Bytes != 81882 || l.Data != datasets.Real || l.Seeds != "1 2" || l.Change.Low != -0.14 {
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
	const head = "method,seeds,bytes,ratio,network,data,test,change,low,high\n"
	for text, want := range map[string]string{"": "no header", "a\n\"": "quote",
		strings.Replace(head, "low", "lo", 1):        `no column "low"`,
		head + "joint-4,1 2,2,four,a,real,1,1,0,2\n": "row 2: ratio",
		head + "joint-4,1 2\n":                       "wrong number"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, File), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(os.DirFS(dir), "."); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
