package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/prepared"
)

// form is one way in which the files of a dataset can lie in its folder: as archives,
// unpacked, or as the finished arrays of the original system.
type form struct {
	name       string     // of the form, for the cache
	version    int        // of what is made of the files; raised when that changes
	files      []string   // files and directories that are read
	provenance Provenance // of the samples, as far as it is known without loading them

	// bytes tells how samples are stored, period how they are standardised: value i
	// by the statistics of number i % period over the training samples, 0 for not at
	// all.
	bytes  bool
	period int

	// sorted tells that the order of the names puts classes one after another: the
	// test samples are then shuffled, so that the first n are a fair subset.
	sorted bool

	load func(r *recorder) error
}

// errNoFiles says that a folder has none of a dataset's files.
var errNoFiles = errors.New("none of the dataset's files found")

// find returns the form in which the files of a dataset are in its folder.
func (e entry) find(folder string) (form, error) {
	f, err := e.files(folder)
	if !errors.Is(err, errNoFiles) {
		return f, err
	}
	arrays, arraysErr := e.arrays(folder)
	if errors.Is(arraysErr, errNoFiles) {
		return form{}, err
	}
	return arrays, arraysErr
}

// findRoot returns the first of the archives that is in a folder or, if there is none,
// the first of the trees below it that holds one of the marks, and how to call it in a
// provenance. It is an error that wraps errNoFiles, and names what was expected, if there
// is neither.
func findRoot(folder, expected string, archives, trees []string, marks ...string) (root, source string,
	err error) {
	for _, name := range archives {
		if p := filepath.Join(folder, name); isFile(p) {
			return p, name, nil
		}
	}
	for _, tree := range trees {
		for _, mark := range marks {
			if p := filepath.Join(folder, tree, mark); isFile(p) || isDir(p) {
				return filepath.Join(folder, tree), "unpacked files", nil
			}
		}
	}
	return "", "", fmt.Errorf("%s: expected %s: %w", folder, expected, errNoFiles)
}

// findAll returns the paths of files that a folder has all of, each under its name with one of the suffixes.
// The error wraps errNoFiles if the folder has none of them.
func findAll(folder string, names []string, suffixes ...string) (paths []string, err error) {
	var missing []string
	for _, name := range names {
		there := func(suffix string) bool { return isFile(filepath.Join(folder, name+suffix)) }
		if i := slices.IndexFunc(suffixes, there); i >= 0 {
			paths = append(paths, filepath.Join(folder, name+suffixes[i]))
		} else {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	or := ""
	if suffixes[0] != "" {
		or = " (or " + suffixes[0] + ")"
	}
	err = fmt.Errorf("%s: expected %s%s, not found", folder, strings.Join(missing, ", "), or)
	if len(paths) == 0 {
		err = fmt.Errorf("%w: %w", err, errNoFiles)
	}
	return nil, err
}

// loadHalves returns a loader of files of which the first half, read by add, has the
// training samples, the second half the test samples.
func loadHalves(files []string, add func(*recorder, []string, prepared.Part) error) func(*recorder) error {
	return func(r *recorder) error {
		half := len(files) / 2
		if err := add(r, files[:half], prepared.Train); err != nil {
			return err
		}
		return add(r, files[half:], prepared.Test)
	}
}

// recorder takes the samples that a form's loader finds.
type recorder struct {
	*prepared.Writer
	entry
	ctx        context.Context
	read       func(n int64) // is told the bytes read from disk; never nil
	provenance Provenance    // of the form; a loader adds what it learns
}

// finished is a sample with its values, []byte or []float32.
type finished struct {
	prepared.Sample
	values any
}

// add adds samples. It refuses a label that the dataset does not have.
func (r *recorder) add(all []finished) error {
	for _, s := range all {
		if s.Label < 0 || int(s.Label) >= r.Classes {
			return fmt.Errorf("sample %s: label: expected 0 to %d, found %d", s.Name, r.Classes-1, s.Label)
		}
		if err := r.Add(s.Sample, s.values); err != nil {
			return err
		}
	}
	return nil
}

// addAt adds sample i of a part whose samples have the order of their numbers.
func (r *recorder) addAt(part prepared.Part, i int, label int32, values any) error {
	s := prepared.Sample{Name: fmt.Sprintf("%d-%08d", part, i), Label: label, Part: part}
	return r.add([]finished{{s, values}})
}

// DirEnv is the environment variable in which programs look for the data directory
// by default. Open does not read it.
const DirEnv = "WEIGHTSEP_DATA"

// CheckDir reports whether dir can be a data directory: it must exist, be a
// directory and hold a folder of at least one of the datasets in [Names]. It does
// not look into the folders.
func CheckDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("data directory %s: not a directory", dir)
	}
	if slices.ContainsFunc(Names(), func(name string) bool { return isDir(filepath.Join(dir, name)) }) {
		return nil
	}
	return fmt.Errorf("data directory %s: no folder of a dataset in it: want at least one of %s",
		dir, strings.Join(Names(), ", "))
}

// findFolder returns the folder of the named dataset, "" if dir has none.
func findFolder(dir, name string) (string, error) {
	if err := CheckDir(dir); err != nil {
		return "", err
	}
	folder := filepath.Join(dir, name)
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: not a directory", folder)
	}
	return folder, err
}

// isFile reports whether path is there and no directory. An error other than
// absence counts as there: opening the file then reports it.
func isFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return !info.IsDir()
}

// isDir reports whether path is a directory.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
