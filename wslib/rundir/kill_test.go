package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"weightsep/datasets/files"
)

// makeStages brings every stage of a run directory to a version, as a pipeline does.
func makeStages(path, version string) error {
	d, err := Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if d.Manifest.Config == nil { // which comes first: it makes a directory a run's
		d.Manifest.Config = []byte("{}")
		if err := d.WriteManifest(); err != nil {
			return err
		}
	}
	for stage := range 6 {
		name := fmt.Sprint("stage", stage)
		if s, _ := d.Stage(name); s.ID == version {
			if err := d.Check(name); err != nil {
				return err
			}
			continue
		}
		if err := d.Drop(name); err != nil {
			return err
		}
		var written []string
		for part := range 2 {
			file := fmt.Sprintf("n%d/part%d", stage, part)
			if err := d.Write(file, content(file, version)); err != nil {
				return err
			}
			written = append(written, file)
		}
		if err := d.Commit(Stage{Name: name, ID: version}, written); err != nil {
			return err
		}
	}
	return nil
}

func content(file, version string) []byte { return bytes.Repeat([]byte(file+" "+version+"\n"), 500) }

// TestKillChild is what TestKills starts and kills.
func TestKillChild(t *testing.T) {
	path := os.Getenv("WEIGHTSEP_KILL_DIR")
	if path == "" {
		t.Skip("started by TestKills")
	}
	if err := makeStages(path, os.Getenv("WEIGHTSEP_KILL_VERSION")); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed before any change of the disk, or at any moment, leaves a run directory in
// which every stage that the manifest has is whole, and which the next one brings to the same end.
// WEIGHTSEP_KILLS is the number of moments; if it is not set, five, and every seventh change.
func TestKills(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	if out, err := exec.Command("go", "test", "-c", "-tags", "killtest", "-o", child,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "run")
	start := func(version string, at int) *exec.Cmd {
		c := exec.Command(child, "-test.run=^TestKillChild$")
		c.Env = append(os.Environ(), "WEIGHTSEP_KILL_DIR="+dir, "WEIGHTSEP_KILL_VERSION="+version,
			"WEIGHTSEP_KILL_AT="+strconv.Itoa(at))
		return c
	}
	kills, every, moments := 0, 7, 5
	if n, err := strconv.Atoi(os.Getenv("WEIGHTSEP_KILLS")); err == nil {
		every, moments = 1, n
	}
	// killed checks what is left of a run on its way to a version, and its end.
	killed := func(what, version string, err error) {
		t.Helper()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
			t.Fatalf("%s: %v, want a kill", what, err)
		}
		kills++
		if d, err := OpenRead(dir); err == nil {
			for _, s := range d.Manifest.Stages {
				if err := d.Check(s.Name); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			d.Close()
		} else if _, there := os.Stat(filepath.Join(dir, ManifestFile)); there == nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := makeStages(dir, version); err != nil {
			t.Fatalf("%s: started again: %v", what, err)
		}
		found := 0
		err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || e.Name() == ManifestFile || e.Name() == ".lock" {
				return err
			}
			found++
			name, _ := filepath.Rel(dir, path)
			raw, err := os.ReadFile(path)
			if files.IsTemporary(e.Name()) || !bytes.Equal(raw, content(name, version)) {
				t.Errorf("%s: %s is left, or of another version", what, name)
			}
			return err
		})
		if err != nil || found != 12 {
			t.Errorf("%s: %d files, %v", what, found, err)
		}
	}
	for _, from := range []string{"", "first"} {
		for at := 1; ; at += every {
			os.RemoveAll(dir)
			if from != "" {
				if err := makeStages(dir, from); err != nil {
					t.Fatal(err)
				}
			}
			out, err := start("second", at).CombinedOutput()
			if err == nil {
				break // there are no more changes
			}
			if bytes.Contains(out, []byte("FAIL")) {
				t.Fatalf("%s", out)
			}
			killed(fmt.Sprintf("from %q, before change %d", from, at), "second", err)
		}
	}
	began := time.Now()
	os.RemoveAll(dir)
	if err := start("second", 0).Run(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range moments {
		os.RemoveAll(dir)
		c := start("second", 0)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		moment := time.Duration(random.Float64() * float64(took))
		kill := time.AfterFunc(moment, func() { c.Process.Kill() })
		err := c.Wait()
		kill.Stop()
		killed(fmt.Sprintf("kill %d, after %v", i, moment), "second", err)
	}
	t.Logf("%d kills, %d of them at any moment of %v", kills, moments, took)
}
