package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/xla/xlatest"
)

// writeWheel makes a Python package of one empty module, and returns its pin.
func writeWheel(t *testing.T, dir, name string) string {
	t.Helper()
	info := name + "-1.0.dist-info/"
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{name + ".py", ""},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" +
			info + "RECORD,,\n"},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, name+"-1.0-py3-none-any.whl"), b.String())
	return fmt.Sprintf("%s==1.0 --hash=sha256:%x\n", name, sha256.Sum256(b.Bytes()))
}

// Whatever the user's pip is told of where to install, the packages get into the environment; if they do
// not, the set-up says so and is not complete. ONNX Runtime, which is nowhere here, it does without.
func TestPipConfiguration(t *testing.T) {
	xlatest.Long(t) // making a Python environment does
	wheels, elsewhere := t.TempDir(), t.TempDir()
	pins := requirements
	t.Cleanup(func() { requirements = pins })
	requirements = nil
	for _, name := range []string{"jupyterlab", "nbclient", "nbconvert", "psutil"} {
		requirements = append(requirements, writeWheel(t, wheels, name)...)
	}
	writeFile(t, filepath.Join(wheels, "constraint.txt"), "nbclient==0.5\n")
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", wheels)
	for name, config := range map[string]string{
		"elsewhere": "user = true\ntarget = " + elsewhere + "\nprefix = " + elsewhere +
			"\nroot = " + elsewhere + "\nconstraint = " + filepath.Join(wheels, "constraint.txt"),
		"nothing": "dry-run = true",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pip.conf")
			writeFile(t, file, "[install]\n"+config+"\n")
			t.Setenv("PIP_CONFIG_FILE", file)
			env := &environment{dir: t.TempDir()}
			python := stamp{filepath.Join(env.dir, "venv.ok"), "1"}
			err := python.make(func() error { return env.makePython(t.Context()) })
			if name == "nothing" {
				if err == nil || !strings.Contains(err.Error(), "pip config list") || python.ok() {
					t.Errorf("nothing was installed: %v, complete: %t", err, python.ok())
				}
				return
			}
			if env.noONNX == nil || !strings.Contains(env.noONNX.Error(), "onnxruntime") {
				t.Errorf("without ONNX Runtime, because %v", env.noONNX)
			}
			if err != nil || !env.pythonWorks(t.Context()) {
				t.Errorf("%v; works: %t", err, env.pythonWorks(t.Context()))
			}
			if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
				t.Errorf("installed elsewhere: %v", left)
			}
		})
	}
}

// A set-up whose tools cannot run, as on a file system without programs, is not complete.
func TestToolsAreTried(t *testing.T) {
	goDir := t.TempDir()
	script := "#!/bin/sh\nfor tool in gonb gopls goimports; do : > \"$GOBIN/$tool\"; done\n"
	if err := os.WriteFile(filepath.Join(goDir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	env := &environment{root: t.TempDir(), dir: t.TempDir(), goes: goInfo{dir: goDir}}
	err := env.makeTools(t.Context())
	if err == nil || !strings.Contains(err.Error(), "gonb was built but does not run") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(env.bin()); err == nil {
		t.Error("tools that do not run were put in place")
	}
}

// The library compiles for whoever reads the checkout: Go's question to git, which commit it is of,
// is an error for others than its owner.
func TestOwnerOfTheCheckout(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "go.mod"), "module weightsep\n")
	writeFile(t, filepath.Join(root, "main.go"), "package main\n\nfunc main() {}\n")
	if out, err := exec.Command(git, "init", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1") // as git's own tests have it
	t.Setenv("GOENV", "off")
	for _, flags := range []string{"", "-mod=mod", "-buildvcs=true"} {
		t.Setenv("GOFLAGS", flags)
		goes, err := findGo(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		env := &environment{root: root, goes: goes}
		cmd := env.goCommand(t.Context(), "build", "-o", t.TempDir(), "./...")
		if err := runQuietly(t.Context(), cmd); err != nil {
			t.Errorf("GOFLAGS=%s: %v", flags, err)
		}
	}
}

// Without a place for the environment, an error says what to set.
func TestNoCacheDirectory(t *testing.T) {
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	for name, vars := range map[string][2]string{ // HOME, XDG_CACHE_HOME
		"neither":     {"", ""},
		"relative":    {"", "cache"},
		"no writing":  {filepath.Join(file, "home"), ""},
		"no writing2": {"", filepath.Join(file, "cache")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOCACHE", t.TempDir())
			t.Setenv("GOPATH", t.TempDir())
			t.Setenv("HOME", vars[0])
			t.Setenv("XDG_CACHE_HOME", vars[1])
			_, err := setUp(t.Context(), root, quiet(t))
			if err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME") {
				t.Errorf("error %v", err)
			}
		})
	}
}
