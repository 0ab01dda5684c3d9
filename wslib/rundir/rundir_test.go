package rundir

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"weightsep/datasets/files"
)

func opened(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCommitAndReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	d := opened(t, path)
	if err := d.WriteJSON("a/x.json", map[string]int{"v": 1}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"first", "second"} {
		if err := d.Commit(Stage{Name: s, ID: "k" + s}, []string{"a/x.json"}); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()

	d = opened(t, path)
	defer d.Close()
	if s, ok := d.Stage("second"); !ok || s.ID != "ksecond" {
		t.Fatalf("second: %+v %v", s, ok)
	}
	// Dropped stages stay dropped, and their files may then be overwritten.
	if err := d.Drop("second"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = opened(t, path)
	first, _ := d.Stage("first")
	if _, ok := d.Stage("second"); ok || first.ID != "kfirst" {
		t.Errorf("after a drop: second %v, first %+v", ok, first)
	}
}

func TestChangedFileIsNamed(t *testing.T) {
	d := opened(t, t.TempDir())
	defer d.Close()
	d.WriteJSON("x.json", 1)
	d.Commit(Stage{Name: "s"}, []string{"x.json"})
	for name, change := range map[string]func() error{
		"changed":     func() error { return os.WriteFile(d.File("x.json"), []byte("2"), 0o644) },
		"missing":     func() error { return nil },
		"a link":      func() error { return os.Symlink(ManifestFile, d.File("x.json")) },
		"a pipe":      func() error { return syscall.Mkfifo(d.File("x.json"), 0o644) },
		"a directory": func() error { return os.Mkdir(d.File("x.json"), 0o755) },
	} {
		os.RemoveAll(d.File("x.json"))
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := d.Check("s"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Read("s", ManifestFile); err == nil {
		t.Error("read a file that the stage did not write")
	}
}

// Every bit of a manifest is checked, and nothing in one leads outside.
func TestManifestIsGuarded(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	d.WriteJSON("x.json", 1)
	d.Manifest.Config = []byte(`{"a": 1}`)
	if err := d.Commit(Stage{Name: "s", ID: "i"}, []string{"x.json"}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	file := filepath.Join(path, ManifestFile)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if m, err := parse(bad); err == nil {
				t.Fatalf("byte %d, bit %d of %s: no error, read %+v", i, bit, raw, m)
			}
		}
	}
	for _, name := range []string{"../x", "/etc/passwd", "a/../../x"} {
		m := d.Manifest
		m.Stages = []Stage{{Name: "s", Files: map[string]string{name: strings.Repeat("0", 64)}}}
		m.Sum = ""
		bare, _ := files.JSON(m)
		m.Sum = sum(bare)
		bad, _ := files.JSON(m)
		if _, err := parse(bad); err == nil || !strings.Contains(err.Error(), "outside the run") {
			t.Errorf("file %s: %v", name, err)
		}
	}
}

// What is written through a link that leads outside is refused.
func TestWritesInsideOnly(t *testing.T) {
	path, outside := t.TempDir(), t.TempDir()
	d := opened(t, path)
	defer d.Close()
	if err := os.Symlink(outside, d.File("mnist")); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteJSON("mnist/x.json", 1); err == nil {
		t.Error("wrote through a link")
	}
	if _, err := d.Mkdir("mnist"); err == nil {
		t.Error("took a link for a directory of the run")
	}
	if err := os.Mkdir(d.File("inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("inside", d.File("obs")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mnist/a", "obs", "obs/a"} {
		if _, err := d.Mkdir(name); err == nil {
			t.Errorf("made %s through a link", name)
		}
	}
	if got, err := d.Mkdir("inside/a/b"); err != nil || got != d.File("inside", "a", "b") {
		t.Errorf("made %s: %v", got, err)
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("outside: %v", left)
	}
}

// A pilot that is a link is refused, by readers too.
func TestPilotIsNoLink(t *testing.T) {
	path, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(path, PilotDir)); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*Dir, error){Open, OpenRead} {
		if _, err := open(path); err == nil || !strings.Contains(err.Error(), PilotDir) {
			t.Errorf("a link as pilot: %v", err)
		}
	}
}

// Readers need no lock and no right to write; what an interrupted write left is swept by the next writer,
// also where the manifest was never written.
func TestReadersAndSweeping(t *testing.T) {
	path := t.TempDir()
	left := filepath.Join(path, ".manifest.json.ABCDEFGH.tmp")
	if err := os.WriteFile(left, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := opened(t, path)
	defer d.Close()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	d.WriteJSON("x.json", 1)
	if err := d.Commit(Stage{Name: "s"}, []string{"x.json"}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Check("s"); err != nil {
		t.Error(err)
	}
	if err := r.Write("y", nil); err == nil || !strings.Contains(err.Error(), "open for reading") {
		t.Errorf("wrote: %v", err)
	}
}

// left makes files as an interrupted write leaves them.
func left(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A directory that is no run's is refused and left as it is.
func TestForeignDirectoryStays(t *testing.T) {
	for name, content := range map[string]string{"thesis.tex": "", ManifestFile: `{"name": "an extension"}`} {
		path := t.TempDir()
		left(t, filepath.Join(path, ".a.tmp"), filepath.Join(path, "b", ".c.tmp"),
			filepath.Join(path, PilotDir, ".d.tmp"))
		if err := os.WriteFile(filepath.Join(path, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		there := tree(t, path)
		if _, err := Open(path); err == nil {
			t.Errorf("%s: a directory of other files was opened", name)
		}
		if err := Check(path); err == nil {
			t.Errorf("%s: a directory of other files can be a run", name)
		}
		if now := tree(t, path); !slices.Equal(now, there) {
			t.Errorf("%s: %v is left of %v", name, now, there)
		}
	}
}

// tree lists the files and directories below a path.
func tree(t *testing.T, path string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A run sweeps its own directories and its pilot's, not what lies below it and is written by others.
func TestSweepsItsOwnTree(t *testing.T) {
	path := t.TempDir()
	opened := func(path string) {
		d := opened(t, path)
		defer d.Close()
		if err := d.WriteManifest(); err != nil {
			t.Fatal(err)
		}
	}
	for _, run := range []string{"", "pilot", "other"} {
		opened(filepath.Join(path, run))
	}
	swept := []string{".a.tmp", "mnist/.b.tmp", "pilot/.c.tmp", "pilot/mnist/.d.tmp"}
	kept := []string{"other/.e.tmp", "other/mnist/.f.tmp", "notebooks/.g.tmp"}
	for _, name := range slices.Concat(swept, kept) {
		left(t, filepath.Join(path, name))
	}
	opened(path)
	for _, name := range swept {
		if _, err := os.Lstat(filepath.Join(path, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range kept {
		if _, err := os.Lstat(filepath.Join(path, name)); err != nil {
			t.Error(err)
		}
	}
}

// A run, an empty directory and one that is to be made can be opened; looking makes none.
func TestCheck(t *testing.T) {
	empty, run := t.TempDir(), t.TempDir()
	none := filepath.Join(empty, "a", "b")
	d := opened(t, run)
	defer d.Close()
	if err := d.WriteManifest(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, none, run} {
		if err := Check(path); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 0 {
		t.Errorf("made %v, %v", entries, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	d.Close()
	opened(t, path).Close()
}

func TestBadDirectories(t *testing.T) {
	foreign := t.TempDir()
	os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)
	if _, err := Open(foreign); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("directory with other files: %v", err)
	}
	for content, want := range map[string]string{"{": ManifestFile, `{"format": 99}`: "format 99",
		`{"format": 5, "x": 1}`: "unknown field"} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, ManifestFile), []byte(content), 0o644)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("manifest %q: %v", content, err)
		}
	}
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, nil, 0o644)
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as run directory: %v", err)
	}
}
