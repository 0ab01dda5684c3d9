package pipeline

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"weightsep/wslib/rundir"
)

// adopt copies a stage's files from the run that this one goes on from, or from that of
// Options.Adopt, where it was made from the very same things, and returns their names;
// none if it was not. So networks that stay need not be trained or looked into again.
func (r *Run) adopt(name, id string) (files []string, err error) {
	for _, dir := range []string{r.config.From, r.options.Adopt} {
		if files == nil && err == nil && dir != "" {
			files, err = r.adoptFrom(dir, name, id)
		}
	}
	return files, err
}

func (r *Run) adoptFrom(dir, name, id string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, rundir.ManifestFile)); err != nil {
		return nil, nil // what is wrong with it is said when it is needed
	}
	from, err := rundir.Open(dir)
	if err != nil {
		return nil, nil
	}
	defer from.Close()
	if from.ID(name) != id {
		return nil, nil
	}
	stage, done, err := from.Stage(name)
	if err != nil || !done {
		return nil, nil // a documented run without the file: made anew
	}
	var files []string
	for file := range stage.Files {
		raw, err := os.ReadFile(from.File(file))
		if err != nil {
			return nil, fmt.Errorf("stage %s of run %s: %w", name, dir, err)
		}
		if err := os.MkdirAll(filepath.Dir(r.Dir.File(file)), 0o755); err != nil {
			return nil, err
		}
		if err := renameio.WriteFile(r.Dir.File(file), raw, 0o644); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
