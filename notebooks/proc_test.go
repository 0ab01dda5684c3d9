package main

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func quiet(t *testing.T) *log.Logger { return log.New(t.Output(), "", 0) }

// Where TMPDIR lets no programs run, GOTMPDIR says where they may, to Go and to the kernels.
func TestScratchInGOTMPDIR(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GOTMPDIR", dir)
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	goes, err := findGo(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newScratch(goes.tmp)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(s.dir) != dir {
		t.Errorf("%s, want it in %s", s.dir, dir)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

// A new run removes the scratch of one that was killed, with the processes that it left, and
// that of no other.
func TestScratchOfKilledRun(t *testing.T) {
	if parent := os.Getenv("WEIGHTSEP_TEST_SCRATCH"); parent != "" { // the run that is killed
		s, err := newScratch(parent)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(s.dir, "kernel", "main.go"), "")
		if err := exec.Command("sh", "-c", "sleep 60; :", s.dir+"/kernel").Start(); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(parent, "ready"), "")
		select {}
	}
	parent := t.TempDir()
	live, err := newScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(live.dir, "file"), "")
	cmd := exec.Command(os.Args[0], "-test.run=^TestScratchOfKilledRun$")
	cmd.Env = append(os.Environ(), "WEIGHTSEP_TEST_SCRATCH="+parent)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(parent, "ready")); err == nil {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal("the other run does not start")
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	killed, err := filepath.Glob(filepath.Join(parent, "wsnb-*", "kernel"))
	if err != nil || len(killed) != 1 {
		t.Fatalf("the killed run left %v, %v", killed, err)
	}

	next, err := newScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{live.dir, next.dir} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("of a run that goes on: %v", err)
		}
	}
	if _, err := os.Stat(killed[0]); err == nil {
		t.Errorf("%s is left", killed[0])
	}
	if pids := processesWith(killed[0]); len(pids) > 0 {
		time.Sleep(100 * time.Millisecond) // a killed process may be seen a little longer
		if pids := processesWith(killed[0]); len(pids) > 0 {
			t.Errorf("processes are left: %v", pids)
		}
	}
	for _, s := range []scratch{live, next} {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}
