// Package rundir keeps what the stages of a run made: a directory of files and a manifest that says which
// stage made which file, with its hash.
//
// A stage writes its files and then commits; only the commit, one atomic replacement of the manifest,
// makes it complete. One process at a time writes; any number reads. A run of somebody else's is only
// data: nothing outside the directory is read or written, whatever the names and links in it.
package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"weightsep/datasets/files"
)

// Format is the version of the layout of a run directory.
const Format = 5

// ManifestFile is the manifest's name in the run directory.
const ManifestFile = "manifest.json"

// maxManifest is the largest manifest that is read, in bytes: that of 500 networks is a tenth of it.
const maxManifest = 16 << 20

// Manifest is the record of a run.
type Manifest struct {
	Format   int             `json:"format"`
	Config   json.RawMessage `json:"config"` // of the run, seeds included
	Versions json.RawMessage `json:"versions,omitempty"`
	Backend  json.RawMessage `json:"backend,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // provenance of each network's data
	From     string          `json:"from,omitempty"` // ID of the optimization that it goes on from
	Stages   []Stage         `json:"stages"`         // in order of completion
	Sum      string          `json:"sha256"`         // of the manifest with "" in its place
}

// Stage is a completed stage.
type Stage struct {
	Name     string            `json:"name"`
	ID       string            `json:"id"`      // hash of everything that decides the result
	Seconds  float64           `json:"seconds"` // of the process that completed it
	Finished time.Time         `json:"finished"`
	Files    map[string]string `json:"files"` // sha256 of each file, path relative to the run
}

// Content is a hash of what the stage made.
func (s Stage) Content() string {
	raw, err := json.Marshal(s.Files) // by name
	if err != nil {
		panic(err) // of texts
	}
	return sum(raw)
}

// Dir is an open run directory.
type Dir struct {
	Path     string
	Manifest Manifest
	root     *os.Root
	lock     *flock.Flock // nil: open for reading
}

// ErrLocked says that another process works in the run directory.
var ErrLocked = errors.New("another process is using this run directory")

// ErrDamaged says that a file of a stage is not what the stage wrote.
var ErrDamaged = errors.New("damaged")

// Open opens a run directory for writing, creating it if it is not there, locks it against other
// processes that write, and removes what interrupted writes left. A directory that is no run's stays as it
// is.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	return open(path, func(d *Dir) error {
		const name = ".lock"
		if info, err := d.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", name)
		}
		lock := flock.New(d.File(name))
		if ok, err := lock.TryLock(); err != nil {
			return err
		} else if !ok {
			return ErrLocked
		}
		d.lock = lock
		if err := d.readManifest(); err != nil { // as the last writer left it
			return err
		}
		return d.sweep()
	})
}

// sweep removes what interrupted writes left in the run and its pilot, but not in runs that lie below it nor
// in its notebooks, which have locks of their own.
func (d *Dir) sweep() error {
	return fs.WalkDir(d.root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if path != "." && path != PilotDir {
			_, err := d.root.Lstat(filepath.Join(path, ManifestFile))
			if path == notebooksDir || err == nil {
				return fs.SkipDir
			}
		}
		return files.Sweep(d.root, path)
	})
}

// Check returns an error for a path where [Open] would find something else than a run or a place for a new
// one. Nothing is written.
func Check(path string) error {
	d, err := OpenRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.Close()
}

// OpenRead opens a run directory for reading, which needs no right to write there.
func OpenRead(path string) (*Dir, error) {
	return open(path, func(*Dir) error { return nil })
}

// open opens a run directory and prepares it once it is known to be one.
func open(path string, prepare func(*Dir) error) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	d := &Dir{Path: path, root: root}
	if err = d.readManifest(); err == nil {
		err = prepare(d)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("run directory %s: %w", path, err)
	}
	return d, nil
}

// Close unlocks the directory.
func (d *Dir) Close() error {
	d.root.Close()
	if d.lock == nil {
		return nil
	}
	return d.lock.Unlock()
}

// ReadOnly says that the directory is open for reading.
func (d *Dir) ReadOnly() bool { return d.lock == nil }

// File is the path of a file of the run.
func (d *Dir) File(elem ...string) string {
	return filepath.Join(append([]string{d.Path}, elem...)...)
}

// Size is the size of a regular file of the run, in bytes.
func (d *Dir) Size(name string) (int64, error) {
	f, size, err := files.Open(d.root, name)
	if err != nil {
		return 0, fmt.Errorf("run directory %s: %w", d.Path, err)
	}
	return size, f.Close()
}

// Stage returns a completed stage.
func (d *Dir) Stage(name string) (s Stage, done bool) {
	i := slices.IndexFunc(d.Manifest.Stages, func(s Stage) bool { return s.Name == name })
	if i < 0 {
		return s, false
	}
	return d.Manifest.Stages[i], true
}

// Read is the content of a file of a completed stage. The error wraps [ErrDamaged] if it is not what
// the stage wrote.
func (d *Dir) Read(stage, file string) ([]byte, error) {
	s, _ := d.Stage(stage)
	want, ok := s.Files[filepath.ToSlash(file)]
	if !ok {
		return nil, fmt.Errorf("run directory %s: stage %s wrote no %s", d.Path, stage, file)
	}
	raw, err := files.Read(d.root, file, files.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("run directory %s: stage %s: %w (%w)", d.Path, stage, ErrDamaged, err)
	}
	if got := sum(raw); got != want {
		return nil, fmt.Errorf("run directory %s: %s is %w: not what stage %s wrote (sha256 %.12s…, "+
			"want %.12s…)",
			d.Path, file, ErrDamaged, stage, got, want)
	}
	return raw, nil
}

// Check reads every file of a completed stage.
func (d *Dir) Check(stage string) error {
	s, _ := d.Stage(stage)
	for file := range s.Files {
		if _, err := d.Read(stage, file); err != nil {
			return err
		}
	}
	return nil
}

// ReadJSON reads a JSON file of a completed stage.
func (d *Dir) ReadJSON(stage, file string, v any) error {
	raw, err := d.Read(stage, file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("run directory: %s: %w", d.File(file), err)
	}
	return nil
}

// Commit makes a stage complete: it hashes its files (paths relative to the run) and writes the
// manifest.
func (d *Dir) Commit(s Stage, names []string) error {
	s.Files = map[string]string{}
	s.Finished = time.Now().UTC().Round(time.Second)
	for _, name := range names {
		raw, err := files.Read(d.root, name, files.MaxSize)
		if err != nil {
			return fmt.Errorf("run directory: stage %s: %w", s.Name, err)
		}
		s.Files[filepath.ToSlash(name)] = sum(raw)
	}
	old := d.Manifest.Stages
	d.Manifest.Stages = append(d.without(s.Name), s)
	if err := d.WriteManifest(); err != nil {
		d.Manifest.Stages = old
		return err
	}
	return nil
}

// Drop forgets stages, whose files are then nobody's, and writes the manifest. It comes before a
// stage's files are overwritten: should that be interrupted, the stage is not done rather than damaged.
func (d *Dir) Drop(names ...string) error {
	kept := d.without(names...)
	if len(kept) == len(d.Manifest.Stages) {
		return nil
	}
	d.Manifest.Stages = kept
	return d.WriteManifest()
}

func (d *Dir) without(names ...string) []Stage {
	return slices.DeleteFunc(slices.Clone(d.Manifest.Stages), func(s Stage) bool {
		return slices.Contains(names, s.Name)
	})
}

// Write writes a file of the run whole or not at all.
func (d *Dir) Write(name string, raw []byte) error {
	err := errors.New("it is open for reading")
	if !d.ReadOnly() {
		if err = d.root.MkdirAll(filepath.Dir(name), 0o755); err == nil {
			err = files.Write(d.root, name, raw)
		}
	}
	if err != nil {
		return fmt.Errorf("run directory %s: write %s: %w", d.Path, name, err)
	}
	return nil
}

// WriteJSON writes a value as indented JSON, whole or not at all.
func (d *Dir) WriteJSON(name string, v any) error {
	raw, err := files.JSON(v)
	if err != nil {
		return fmt.Errorf("run directory: %s: %w", name, err)
	}
	return d.Write(name, raw)
}

// Mkdir makes a directory of the run, for files that are no stage's, and returns its path, on which there is
// no link.
func (d *Dir) Mkdir(name string) (string, error) {
	err := d.noLink(name)
	if err == nil {
		err = d.root.MkdirAll(name, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("run directory %s: %w", d.Path, err)
	}
	return d.File(name), nil
}

// noLink returns an error unless each element of a path that is there is a directory.
func (d *Dir) noLink(name string) error {
	for i, c := range filepath.ToSlash(name) + "/" {
		if c != '/' {
			continue
		}
		info, err := d.root.Lstat(name[:i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a directory", name[:i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Remove removes a file or a tree that is no stage's, if it is there.
func (d *Dir) Remove(name string) error {
	if err := files.Remove(d.root, name); err != nil {
		return fmt.Errorf("run directory %s: %w", d.Path, err)
	}
	return nil
}

// RemoveEmpty removes a directory of the run if nothing is in it.
func (d *Dir) RemoveEmpty(name string) { d.root.Remove(name) }

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}
