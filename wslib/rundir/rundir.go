// Package rundir keeps what the stages of a run made: a directory of files and a
// manifest that says which stage made which file, with its hash.
//
// A stage writes its files and then commits; only the commit, one atomic
// replacement of the manifest, makes it complete. One process at a time.
package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// Format is the version of the layout of a run directory.
const Format = 2

// ManifestFile is the manifest's name in the run directory.
const ManifestFile = "manifest.json"

// Manifest is the record of a run.
type Manifest struct {
	Format   int             `json:"format"`
	Config   json.RawMessage `json:"config"` // of the run, seeds included
	Versions json.RawMessage `json:"versions,omitempty"`
	Backend  json.RawMessage `json:"backend,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // provenance of each network's data
	From     string          `json:"from,omitempty"` // ID of the optimization that it goes on from
	Stages   []Stage         `json:"stages"`         // in order of completion
}

// Stage is a completed stage.
type Stage struct {
	Name     string            `json:"name"`
	ID       string            `json:"id"`      // hash of everything that decides the result
	Seconds  float64           `json:"seconds"` // of the process that completed it
	Finished time.Time         `json:"finished"`
	Files    map[string]string `json:"files"` // sha256 of each file, path relative to the run
}

// Dir is an open run directory.
type Dir struct {
	Path     string
	Manifest Manifest
	lock     *flock.Flock
}

// ErrLocked says that another process works in the run directory.
var ErrLocked = errors.New("another process is using this run directory")

// Open opens a run directory for writing, creating it if it is not there, and
// locks it against other processes. Files of completed stages that are missing or
// changed are an error when their stage is looked up, not here.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	lock := flock.New(filepath.Join(path, ".lock"))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("run directory %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("run directory %s: %w", path, ErrLocked)
	}
	d := &Dir{Path: path, lock: lock}
	if err := d.read(); err != nil {
		lock.Unlock()
		return nil, err
	}
	return d, nil
}

func (d *Dir) read() error {
	d.Manifest = Manifest{Format: Format}
	path := filepath.Join(d.Path, ManifestFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d.checkForeign()
	}
	if err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	if err := json.Unmarshal(data, &d.Manifest); err != nil {
		return fmt.Errorf("run directory: %s: %w", path, err)
	}
	if d.Manifest.Format != Format {
		return fmt.Errorf("run directory: %s is of another version (format %d, not %d): "+
			"run it anew in another directory", path, d.Manifest.Format, Format)
	}
	return nil
}

// checkForeign refuses to make a run out of a directory that holds other things.
func (d *Dir) checkForeign() error {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name != ".lock" && name != "notebooks" {
			return fmt.Errorf("run directory %s has no %s but other files (%s): "+
				"want a new, empty or earlier run directory", d.Path, ManifestFile, name)
		}
	}
	return nil
}

// Close unlocks the directory.
func (d *Dir) Close() error { return d.lock.Unlock() }

// File is the path of a file of the run.
func (d *Dir) File(elem ...string) string {
	return filepath.Join(append([]string{d.Path}, elem...)...)
}

// find returns a completed stage.
func (d *Dir) find(name string) (Stage, bool) {
	for _, s := range d.Manifest.Stages {
		if s.Name == name {
			return s, true
		}
	}
	return Stage{}, false
}

// ID is that of a completed stage, "" if it is not complete.
func (d *Dir) ID(name string) string {
	s, _ := d.find(name)
	return s.ID
}

// Stage returns a completed stage. It is an error if one of its files is missing
// or is not what the stage wrote.
func (d *Dir) Stage(name string) (Stage, bool, error) {
	s, ok := d.find(name)
	for file, want := range s.Files {
		got, err := hashFile(d.File(file))
		if err != nil {
			return s, false, fmt.Errorf("run directory: stage %s: %w", name, err)
		}
		if got != want {
			return s, false, fmt.Errorf("run directory: %s is not what stage %s wrote (sha256 %.12s…, "+
				"want %.12s…): "+
				"remove the run directory or restore the file", d.File(file), name, got, want)
		}
	}
	return s, ok, nil
}

// Commit makes a stage complete: it hashes its files (paths relative to the run)
// and writes the manifest.
func (d *Dir) Commit(s Stage, files []string) error {
	s.Files = map[string]string{}
	s.Finished = time.Now().UTC().Round(time.Second)
	for _, f := range files {
		sum, err := hashFile(d.File(f))
		if err != nil {
			return fmt.Errorf("run directory: stage %s: %w", s.Name, err)
		}
		s.Files[filepath.ToSlash(f)] = sum
	}
	old := d.Manifest.Stages
	d.Manifest.Stages = append(d.without(s.Name), s)
	if err := d.WriteManifest(); err != nil {
		d.Manifest.Stages = old
		return err
	}
	return nil
}

// Drop forgets stages, whose files are then nobody's, and writes the manifest. It
// comes before a stage's files are overwritten: should that be interrupted, the
// stage is not done rather than damaged.
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

// WriteManifest writes the manifest.
func (d *Dir) WriteManifest() error { return d.WriteJSON(ManifestFile, d.Manifest) }

// WriteFile writes a file of the run whole or not at all.
func (d *Dir) WriteFile(name string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(d.File(name)), 0o755); err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	if err := renameio.WriteFile(d.File(name), raw, 0o644); err != nil {
		return fmt.Errorf("run directory: write %s: %w", d.File(name), err)
	}
	return nil
}

// WriteJSON writes a value as indented JSON, whole or not at all.
func (d *Dir) WriteJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("run directory: %s: %w", name, err)
	}
	return d.WriteFile(name, append(data, '\n'))
}

// ReadJSON reads a JSON file of the run.
func (d *Dir) ReadJSON(name string, v any) error {
	data, err := os.ReadFile(d.File(name))
	if err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("run directory: %s: %w", d.File(name), err)
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
