package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
)

func TestList(t *testing.T) {
	b := newBench(t)
	b.publish("one")
	b.write("cifar10/two", "content of two")
	b.want(b.call("-list", "cifar10", "esc10", "obs"), 0)
	b.wantOut("cifar10/one ", " 14 B  missing, from "+b.url+"/one\n", "14 B  present, from", "? ",
		"obs: cannot be fetched; put", "Left")
	b.wantAsked()
	if _, err := os.Stat(filepath.Join(b.data, "esc10")); err == nil {
		t.Error("a folder was made")
	}
	b.call("cifar10")
	b.want(b.call("-list", "cifar10"), 0)
	if n := strings.Count(b.out.String(), "verified"); n != 2 {
		t.Errorf("%d files verified, want 2:\n%s", n, &b.out)
	}
	b.write("cifar10/one", "x")
	b.want(b.call("-list", "cifar10"), 0)
	b.wantOut("wrong")
	// The real ones.
	b.app.sources = datasets.Sources
	b.want(b.call("-list"), 0)
	for _, name := range datasets.Names() {
		b.wantOut(name)
	}
	b.wantOut("UrbanSound8K.tar.gz", "6.02 GB", "Activity recognition exp.zip")
}

// The directory is the flag's, or else the environment's, or else data.
func TestDataDirectory(t *testing.T) {
	b := newBench(t)
	for env, want := range map[string]string{"": "data/obs", "/env/dir": "/env/dir/obs"} {
		t.Setenv(datasets.DirEnv, env)
		b.out.Reset()
		b.app.out, b.app.err = &checked{w: &b.out}, &b.err
		b.want(b.run(t.Context(), []string{"-list"}), 0)
		b.wantOut("into " + want + ": Forward")
	}
}

func TestUsage(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"cifar"}, `unknown dataset "cifar": want some of cifar10, mnist`},
		{[]string{"-list", "cifar"}, `unknown dataset "cifar"`},
		{[]string{"cifar10", "-yes"}, "-yes after a name: flags come first"},
		{[]string{"-no"}, "flag provided but not defined"},
		{[]string{"-timeout", "0s"}, "-timeout 0s: want more than 0"},
		{[]string{"-timeout", "30"}, "invalid value"},
		{[]string{"-mirror", "ftp://x"}, "-mirror: want an address"},
		{[]string{"-mirror", "http:///x"}, "-mirror: want an address"},
		{[]string{"-data", ""}, "-data: want a directory"},
	} {
		b.want(b.call(c.args...), 2)
		b.wantErr(c.want)
		b.wantAsked()
	}
	b.want(b.call("-h"), 0)
	b.wantErr("fetch [flags] [names]", "-mirror")
}

func TestNoPlaceForData(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	b.data = filepath.Join(t.TempDir(), "file")
	b.write("", "")
	b.want(b.call("cifar10"), 1)
	b.wantErr(b.data)
	b.want(b.call("-list", "cifar10"), 1)
	b.want(b.call("obs"), 1)
	b.wantAsked()
}

func TestOutputFails(t *testing.T) {
	b := newBench(t)
	b.app.out, b.app.err = &checked{w: broken{}}, &b.err
	if code := b.run(t.Context(), []string{"-list"}); code != 1 {
		t.Errorf("exit %d", code)
	}
	b.wantErr("write results")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
