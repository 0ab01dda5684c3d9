package cell

import (
	"os"
	"path/filepath"
	"testing"
)

// Outside of a kernel nothing is displayed; what is left is whether there is a chart.
func TestShowFile(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"chart.svg": `<svg xmlns="http://www.w3.org/2000/svg"></svg>`,
		"table.csv": "method,ratio\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"chart.svg": true, "table.csv": false, "missing.svg": false} {
		if shown := shows(filepath.Join(dir, name)); shown != want {
			t.Errorf("%s: shown %t, want %t", name, shown, want)
		}
	}
}

// shows reports whether ShowFile comes to its end.
func shows(path string) (shown bool) {
	defer func() { _ = recover() }()
	ShowFile(path)
	return true
}
