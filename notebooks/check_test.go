package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readOutputs returns the outputs of each code cell of a notebook.
func readOutputs(t *testing.T, file string) [][]output {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var nb struct {
		Cells []struct {
			Type    string `json:"cell_type"`
			Outputs []struct {
				output
				Text lines `json:"text"`
			} `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(b, &nb); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var outputs [][]output
	for _, c := range nb.Cells {
		if c.Type == "code" {
			var of []output
			for _, o := range c.Outputs {
				o.output.Text = string(o.Text)
				of = append(of, o.output)
			}
			outputs = append(outputs, of)
		}
	}
	return outputs
}

// lines is a text that a file holds as a string or as a list of lines.
type lines string

func (l *lines) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*l = lines(s)
		return nil
	}
	var list []string
	err := json.Unmarshal(b, &list)
	*l = lines(strings.Join(list, ""))
	return err
}

// The files in testdata/executed are what this command wrote when it ran notebooks whose
// third cell goes wrong in the way that the name says.
func TestCheckExecutedNotebooks(t *testing.T) {
	tests := map[string]struct{ reason, detail string }{
		"exits":        {"exit status 3", "warn\nexit status 3"},
		"killed":       {"signal: killed", "signal: killed"},
		"shell":        {"exit status 1", "exit status 1"},
		"panics":       {"panic: oh no", "[[ Cell [3] Line 3 ]]"},
		"nocompile":    {"does not run: ./main.go:10:5: declared and not used: x", "cannot use \"s\""},
		"syntax":       {"missing ',' before newline", "fmt.Println(1\n             ^"},
		"missing":      {"cannot find module providing package nowhere.example/x", "Cell[3]: Line 1"},
		"unknown":      {`"%nosuch" unknown or not implemented yet.`, ""},
		"failing-test": {"exit status 1", "--- FAIL: TestA"},
		"good":         {},
	}
	files, err := filepath.Glob("testdata/executed/*.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(tests) {
		t.Errorf("%d files for %d tests", len(files), len(tests))
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			for i, outputs := range readOutputs(t, filepath.Join("testdata", "executed", name+".ipynb")) {
				got := check(outputs)
				switch {
				case i+1 != 3 || want.reason == "":
					if got != nil {
						t.Errorf("cell %d: %+v", i+1, *got)
					}
				case got == nil:
					t.Errorf("cell %d passes", i+1)
				case !strings.Contains(got.reason, want.reason) || strings.Contains(got.reason, "\n"):
					t.Errorf("cell %d: reason %q, want %q in it", i+1, got.reason, want.reason)
				case !strings.Contains(got.detail, want.detail) || strings.Contains(got.detail, "\x1b"):
					t.Errorf("cell %d: detail %q, want %q in it", i+1, got.detail, want.detail)
				}
			}
		})
	}
}

func TestCheckStreams(t *testing.T) {
	stderr := func(chunks ...string) (outputs []output) {
		for _, c := range chunks {
			outputs = append(outputs, output{Type: "stream", Name: "stderr", Text: c})
		}
		return outputs
	}
	tests := []struct {
		name    string
		outputs []output
		reason  string
	}{
		{"nothing", nil, ""},
		{"a warning", stderr("careful: exit status 2 is not what this is\n"), ""},
		{"status 0 in a log", stderr("exit status 0\n"), ""},
		{"stdout may say it", []output{{Type: "stream", Name: "stdout", Text: "exit status 1\n"}}, ""},
		{"after a bar without a line end", stderr(" 50%", "exit status 4\n"), "exit status 4"},
		{"interrupted", stderr("^C\nsignal: interrupt\n"), "signal: interrupt"},
		{"panic in pieces", stderr("panic: a", "b\n\ngoroutine 1 [running]:\n", "exit status 2\n"),
			"panic: ab"},
		{"out of memory", stderr("fatal error: runtime: out of memory\n", "exit status 2\n"),
			"fatal error: runtime: out of memory"},
		{"recovered", stderr("panic: caught, and all is well\n"), ""},
	}
	for _, test := range tests {
		reason := ""
		if f := check(test.outputs); f != nil {
			reason = f.reason
		}
		if reason != test.reason {
			t.Errorf("%s: reason %q, want %q", test.name, reason, test.reason)
		}
	}
}

func TestTail(t *testing.T) {
	if got, want := tail("a\nb\n 1%\r 2%\r\nc\n", 3), "b\n 2%\nc"; got != want {
		t.Errorf("tail = %q, want %q", got, want)
	}
}

func TestCellErrorText(t *testing.T) {
	err := &cellError{notebook: "01_x.ipynb", cell: "The data", source: "%%\npanic(1)",
		failure: failure{reason: "panic: 1", detail: "panic: 1\nexit status 2"}}
	for _, want := range []string{"01_x.ipynb, The data: panic: 1\n", "    panic(1)\n",
		"    exit status 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestCheckNoPrograms(t *testing.T) {
	f := check([]output{{Type: "error",
		Value: "failed to start to execute command \"/x\": fork/exec /x: permission denied"}})
	if f == nil || !strings.Contains(f.reason, "set GOTMPDIR") {
		t.Errorf("%+v", f)
	}
}
