// Package rundir keeps what the stages of a run made: a directory of files and a manifest that says which
// stage made which file, with its hash.
//
// A stage writes its files and then commits; only the commit, one atomic replacement of the manifest,
// makes it complete. One process at a time writes; any number reads. A run of somebody else's is only
// data: nothing outside the directory is read or written, whatever the names and links in it.
package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"weightsep/datasets/files"
)

func (d *Dir) readManifest() error {
	if err := d.noLink(PilotDir); err != nil {
		return err
	}
	d.Manifest = Manifest{Format: Format}
	raw, err := files.Read(d.root, ManifestFile, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return d.checkForeign()
	}
	if err == nil {
		d.Manifest, err = parse(raw)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	return nil
}

func parse(raw []byte) (m Manifest, err error) {
	var version struct{ Format int }
	if err := json.Unmarshal(raw, &version); err != nil {
		return m, fmt.Errorf("not a manifest: %w", err)
	}
	if version.Format != Format {
		return m, fmt.Errorf("of another version (format %d, not %d): run it anew in another directory",
			version.Format, Format)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("not a manifest: %w", err)
	}
	if got := sum(bytes.Replace(raw, []byte(`"`+m.Sum+`"`), []byte(`""`), 1)); got != m.Sum {
		return m, fmt.Errorf("%w: its sha256 is %.12s…, it says %.12s…", ErrDamaged, got, m.Sum)
	}
	seen := map[string]bool{}
	for _, s := range m.Stages {
		if seen[s.Name] {
			return m, fmt.Errorf("two stages %s", s.Name)
		}
		seen[s.Name] = true
		for file := range s.Files {
			if !filepath.IsLocal(file) {
				return m, fmt.Errorf("stage %s: file %q is outside the run", s.Name, file)
			}
		}
	}
	return m, nil
}

// PilotDir is the directory of a run's pilot, a run of its own that comes first.
const PilotDir = "pilot"

// notebooksDir is the directory of the notebooks that were executed on the run.
const notebooksDir = "notebooks"

// checkForeign refuses to make a run out of a directory that holds other things.
func (d *Dir) checkForeign() error {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != ".lock" && name != notebooksDir && name != PilotDir &&
			!files.IsTemporary(name) {
			return fmt.Errorf("no %s in it but other files (%s): want a new, empty or earlier run directory",
				ManifestFile, name)
		}
	}
	return nil
}

// WriteManifest writes the manifest.
func (d *Dir) WriteManifest() error {
	m := d.Manifest
	m.Sum = ""
	raw, err := files.JSON(m)
	if err != nil {
		return fmt.Errorf("run directory: %s: %w", ManifestFile, err)
	}
	m.Sum = sum(raw)
	if raw, err = files.JSON(m); err != nil {
		return fmt.Errorf("run directory: %s: %w", ManifestFile, err)
	}
	return d.Write(ManifestFile, raw)
}
