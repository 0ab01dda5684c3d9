package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestModuleRoot(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "any name")
	writeFile(t, filepath.Join(root, "go.mod"), "// ours\nmodule weightsep // the name\n\ngo 1.26\n")
	writeFile(t, filepath.Join(root, "tools", "go.mod"), "module example.com/tools\n")
	deep := filepath.Join(root, "tools", "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, deep} {
		if got, err := moduleRoot(dir); err != nil || got != root {
			t.Errorf("moduleRoot(%s) = %s, %v", dir, got, err)
		}
	}
	if got, err := moduleRoot(top); err == nil {
		t.Errorf("moduleRoot outside of a checkout = %s", got)
	}
}

func TestPinsHash(t *testing.T) {
	root := t.TempDir()
	hash := func(mod string) string {
		t.Helper()
		writeFile(t, filepath.Join(root, "go.mod"), mod)
		h, err := pinsHash(root)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	const mod = "module weightsep\nrequire (\n\tgithub.com/janpfeifer/gonb v0.11.3\n" +
		"\tgolang.org/x/tools v0.44.0\n\tgolang.org/x/tools/gopls v0.22.0\n)\n"
	first := hash(mod)
	if hash(mod+"require example.com/other v1.0.0\n") != first {
		t.Error("another module makes another environment")
	}
	if hash(strings.Replace(mod, "v0.11.3", "v0.11.4", 1)) == first {
		t.Error("another kernel makes no other environment")
	}
	writeFile(t, filepath.Join(root, "go.mod"), "module weightsep\n")
	if _, err := pinsHash(root); err == nil || !strings.Contains(err.Error(), "janpfeifer/gonb") {
		t.Errorf("without the kernel: %v", err)
	}
}

func TestStamp(t *testing.T) {
	s := stamp{file: filepath.Join(t.TempDir(), "x.ok"), key: "1"}
	builds := 0
	build := func() error { builds++; return nil }
	for range 2 {
		if err := s.make(build); err != nil {
			t.Fatal(err)
		}
	}
	if builds != 1 {
		t.Errorf("%d builds, want 1", builds)
	}

	newer := stamp{file: s.file, key: "2"}
	if newer.ok() {
		t.Error("a stamp with another key is good")
	}
	failure := errors.New("no network")
	err := newer.make(func() error {
		if s.ok() || newer.ok() {
			t.Error("complete while it is being built")
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if s.ok() || newer.ok() {
		t.Error("complete after a failure")
	}
	if err := newer.make(build); err != nil || builds != 2 || !newer.ok() {
		t.Errorf("after a failure: %v, %d builds, complete: %t", err, builds, newer.ok())
	}
}

func TestReplaceDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[venv]")
	writeFile(t, filepath.Join(dir, "old"), "")
	writeFile(t, filepath.Join(dir+".new123", "half"), "")

	failure := errors.New("killed")
	if err := replaceDir(dir, func(string) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old")); err != nil {
		t.Errorf("a failure took what was there: %v", err)
	}
	err := replaceDir(dir, func(fresh string) error {
		return os.WriteFile(filepath.Join(fresh, "new"), nil, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", "*"))
	if err != nil || len(left) != 1 || left[0] != filepath.Join(dir, "new") {
		t.Errorf("%v, %v", left, err)
	}
}

func TestRequirements(t *testing.T) {
	pin := regexp.MustCompile(`(?m)^[a-z0-9-]+(\[[a-z-]+\])?==\S+( ; .*)? \\\n    --hash=sha256:[0-9a-f]{64}`)
	for _, c := range []struct {
		wanted string
		pins   []byte
		least  int
	}{{"requirements.in", requirements, 50}, {"onnxruntime.in", onnxRequirements, 5}} {
		lines := regexp.MustCompile(`(?m)^[^ #\n].*$`).FindAll(c.pins, -1)
		if got := pin.FindAll(c.pins, -1); len(got) != len(lines) || len(got) < c.least {
			t.Errorf("%s: %d packages, %d of them pinned", c.wanted, len(lines), len(got))
		}
		if m := regexp.MustCompile(`(?m)^.*(--index-url|--find-links|://).*$`).Find(c.pins); m != nil {
			t.Errorf("%s names a place: %s", c.wanted, m)
		}
		wanted, err := os.ReadFile(c.wanted)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(wanted)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if !strings.Contains(string(c.pins), "\n"+name+" ") {
				t.Errorf("no %s", name)
			}
		}
	}
}

// A package that both files name is of one version.
func TestRequirementsAgree(t *testing.T) {
	line := regexp.MustCompile(`(?m)^([a-z0-9-]+)==(\S+)`)
	versions := map[string]string{}
	for _, m := range line.FindAllSubmatch(requirements, -1) {
		versions[string(m[1])] = string(m[2])
	}
	for _, m := range line.FindAllSubmatch(onnxRequirements, -1) {
		if v, both := versions[string(m[1])]; both && v != string(m[2]) {
			t.Errorf("%s is %s and %s", m[1], v, m[2])
		}
	}
}

func TestSuits(t *testing.T) {
	for version, want := range map[string]bool{"3.8": false, "3.9": true, "3.14": true, "3.15": false,
		"2.7": false, "4.9": false, "": false} {
		if suits(version) != want {
			t.Errorf("suits(%q) = %t", version, !want)
		}
	}
}

// A cell that lacks another is told so, in words, before what go says; all else is as go says it.
func TestGoForCells(t *testing.T) {
	env := &environment{dir: t.TempDir(), goes: goInfo{dir: filepath.Join(t.TempDir(), "it's")}}
	script := "#!/bin/sh\ncat said\n[ ! -s said ]\n"
	writeFile(t, filepath.Join(env.goes.dir, "go"), script)
	if err := os.Chmod(filepath.Join(env.goes.dir, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := env.makeGoForCells(t.Context()); err != nil {
		t.Fatal(err)
	}
	const std = "go: gonb_1 imports\n\tweightsep/x: package weightsep/x is not in std (/go/src/weightsep/x)\n"
	const undefined = "# gonb_1\n./main.go:11:6: undefined: packed\n./main.go:13:13: undefined: ratio\n"
	for _, c := range []struct {
		args, said, work string
		want             string // before what go says
	}{
		{"get", std, "", "Run the first cell of code of this notebook first"},
		{"build -o x", std, "go.work", ""}, // there is no such package
		{"build -o x", undefined, "go.work", "No cell that was run declares or imports: packed ratio - run first"},
		{"build -o x", "./main.go:1:1: undefined: strings.Nothing\n", "go.work", ""},
		{"build -o x", "", "go.work", ""},
		{"version", undefined, "", ""},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "said"), c.said)
		if c.work != "" {
			writeFile(t, filepath.Join(dir, c.work), "")
		}
		cmd := exec.Command(filepath.Join(env.goForCells(), "go"), strings.Fields(c.args)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		hint, isGo := strings.CutSuffix(string(out), c.said)
		if (err == nil) != (c.said == "") || !isGo || !strings.HasPrefix(hint, c.want) ||
			(hint == "") != (c.want == "") || strings.Count(hint, "\n") > 1 {
			t.Errorf("go %s: %v, %s", c.args, err, out)
		}
	}
}

func TestKernelSpec(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod -modfile=other.mod -tags=mine")
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	goes, err := findGo(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	goes.dir = "/go/bin"
	env := &environment{dir: "/cache of mine", goes: goes}
	var spec struct {
		Argv []string
		Env  map[string]string
	}
	if err := json.Unmarshal([]byte(env.kernelSpec()), &spec); err != nil {
		t.Fatal(err)
	}
	if spec.Argv[0] != "/cache of mine/bin/gonb" ||
		spec.Env["WEIGHTSEP_PYTHON"] != "/cache of mine/venv/bin/python" ||
		spec.Env["PATH"] != "/cache of mine/go:/cache of mine/bin:/go/bin:${PATH}" {
		t.Errorf("%+v", spec)
	}
	// The user's may be others, and notebooks be opened without this command.
	if work, ok := spec.Env["GOWORK"]; !ok || work != "" {
		t.Errorf("GOWORK=%q, set: %t", work, ok)
	}
	if got := spec.Env["GOFLAGS"]; got != "-tags=mine -mod=readonly -buildvcs=false" {
		t.Errorf("GOFLAGS=%s", got)
	}
}
