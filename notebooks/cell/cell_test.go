package cell

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/wslib/pipeline"
)

// A trial leaves the notebooks' run alone and lies beside it, one for each change.
func TestTry(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WEIGHTSEP_RUN", filepath.Join(dir, "smoke"))
	t.Setenv("WEIGHTSEP_PROFILE", "smoke")
	for name, change := range map[string]func(*pipeline.Config){
		"smoke-try-pages.margin=0.25": func(c *pipeline.Config) { c.Pages.Margin = 0.25 },
		"smoke-try-networks=-mnist-obs-pages.load.obs=2": func(c *pipeline.Config) {
			c.Networks, c.Pages.Load["obs"] = []string{"mnist", "obs"}, 2
		},
	} {
		run, err := Try(change)
		if err != nil {
			t.Fatal(err)
		}
		if got := run.Dir.Path; got != filepath.Join(dir, name) {
			t.Errorf("directory %s, want %s", got, name)
		}
		want := config()
		change(&want)
		if d := run.Config().Changes(want); len(d) != 0 {
			t.Errorf("%s: configuration differs: %v", name, d)
		}
		run.Close()
	}
	if _, err := os.Stat(Path("")); !os.IsNotExist(err) {
		t.Errorf("the notebooks' run: %v, want none", err)
	}
	_, err := Try(func(*pipeline.Config) {})
	if err == nil || !strings.Contains(err.Error(), "nothing is changed") {
		t.Errorf("without a change: %v", err)
	}
	if _, err := Try(func(c *pipeline.Config) { c.Pages.Size = 0 }); err == nil {
		t.Error("a page of 0 weights is tried")
	}
}

// A cell that comes before what it needs is told what to run first. All notebooks named are there.
func TestOutOfOrder(t *testing.T) {
	t.Setenv("WEIGHTSEP_RUN", filepath.Join(t.TempDir(), "run"))
	t.Setenv("WEIGHTSEP_PROFILE", "smoke")
	said := func(f func()) (said string) {
		defer func() { said = fmt.Sprint(recover()) }()
		f()
		return ""
	}
	run := Open()
	defer run.Close()
	read := func(file string) func() { return func() { Must(os.ReadFile(file)) } }
	for want, f := range map[string]func(){
		"run first the notebook 01_networks_and_data": func() { Show(run.HistoryChart()) },
		"run first the cells above this one":          read(Path("-devices.safetensors")),
		"open /nowhere: no such file":                 read("/nowhere"),
	} {
		if got := said(f); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, n := range notebooks {
		if _, err := os.Stat(filepath.Join("..", n.name+".ipynb")); err != nil {
			t.Error(err)
		}
		err := inWords(fmt.Errorf("stage %s: %w", n.stage, pipeline.ErrNotDone))
		if !strings.HasPrefix(err.Error(), "run first the notebook "+n.name) {
			t.Error(err)
		}
	}
}

// Columns of numbers are aligned to the right; those with anything else are not.
func TestTable(t *testing.T) {
	got := markdown([][]string{{"name", "KB", "change"}, {"a", "1,024.5", "+0.5 (0 to 1)"},
		{"b", "**7**", "-1"}, {"all", "", "0"}})
	want := "| name | KB | change |\n| --- | ---: | --- |\n| a | 1,024.5 | +0.5 (0 to 1) |\n" +
		"| b | **7** | -1 |\n| all |  | 0 |\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Names of any length are those of files, and long ones still differ.
func TestPath(t *testing.T) {
	t.Setenv("WEIGHTSEP_RUN", "run")
	long := strings.Repeat("x", 300)
	a, b := Path(long+"1"), Path(long+"2")
	if a == b || len(a) > 130 || Path("-try/../a") != "run-try-..-a" || Path("") != "run" {
		t.Errorf("%s, %s, %s, %s", a, b, Path("-try/../a"), Path(""))
	}
}

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
