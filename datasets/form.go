package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"weightsep/datasets/archive"
	"weightsep/datasets/prepared"
)

// form is one way in which the files of a dataset can lie in its folder: as archives,
// unpacked, or as the finished arrays of the original system.
type form struct {
	name       string     // of the form, for the cache
	version    int        // of what is made of the files; raised when that changes
	files      []string   // files and directories that are read
	provenance Provenance // of the samples, as far as it is known without loading them
	note       string     // what is to be said of where the files are, beside that

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

// find returns the form in which the files of a dataset are in its folder, or in a folder in it.
func (e entry) find(folder string) (form, error) {
	var none error
	for _, files := range []func(string) (form, error){e.files, e.arrays} {
		for place := range folders(folder) {
			f, err := files(place)
			if !errors.Is(err, errNoFiles) {
				return f, err
			}
			if none == nil {
				none = err
			}
		}
	}
	return form{}, none
}

// folders gives a folder and those in it, the outer ones first, so deep as people put a dataset's files.
func folders(root string) iter.Seq[string] {
	return func(yield func(string) bool) {
		const depth = 3
		level := []string{root}
		for range depth + 1 {
			var inner []string
			for _, folder := range level {
				if !yield(folder) {
					return
				}
			}
			for _, folder := range level {
				entries, _ := os.ReadDir(folder)
				for _, e := range entries {
					path := filepath.Join(folder, e.Name())
					if !archive.Hidden(e.Name()) && !e.Type().IsRegular() && isDir(path) {
						inner = append(inner, path)
					}
				}
			}
			level = inner
		}
	}
}

// plain is what is compared of names: letters and digits, in lower case. Programs that copy or unpack files
// change the rest.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// lookup returns the path of what has a name in a folder, "" if nothing has. An error other than absence
// counts as there: opening it then reports the error.
func lookup(folder, name string) string {
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if archive.Hidden(e.Name()) || plain(e.Name()) != plain(name) {
			continue
		}
		path := filepath.Join(folder, e.Name())
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return ""
}

// lookupFile is [lookup] of a file. It may be in a folder of its own name.
func lookupFile(folder, name string) string {
	path := lookup(folder, name)
	if path != "" && isDir(path) {
		path = lookup(path, name)
	}
	if isDir(path) {
		return ""
	}
	return path
}

// findRoot returns the first of the archives that is in a folder or, if there is none, the folder if it has
// one of the marks, and how to call it in a provenance. A mark that ends in a slash is itself the folder to
// read. It is an error that wraps errNoFiles, and names what was expected, if there is neither.
func findRoot(folder, expected string, archives []string, marks ...string) (root, source string, err error) {
	for _, name := range archives {
		if p := lookupFile(folder, name); p != "" {
			return p, name, nil
		}
	}
	for _, mark := range marks {
		name, isRoot := strings.CutSuffix(mark, "/")
		switch p := lookup(folder, name); {
		case p == "":
		case !isRoot:
			return folder, "unpacked files", nil
		case isDir(p):
			return p, "unpacked files", nil
		}
	}
	return "", "", fmt.Errorf("%s: expected %s: %w", folder, expected, errNoFiles)
}

// findAll returns the paths of files that a folder has all of, each under its name with one of the suffixes.
// The error wraps errNoFiles if the folder has none of them.
func findAll(folder string, names []string, suffixes ...string) (paths []string, err error) {
	var missing []string
	for _, name := range names {
		path := ""
		for _, suffix := range suffixes {
			path = cmp.Or(path, lookupFile(folder, name+suffix))
		}
		if path == "" {
			missing = append(missing, name)
		} else {
			paths = append(paths, path)
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

	seen map[string]string // files of media by the names of their samples
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
	if slices.ContainsFunc(Names(), func(name string) bool { return isDir(lookup(dir, name)) }) {
		return nil
	}
	return fmt.Errorf("data directory %s: no folder of a dataset in it: want at least one of %s",
		dir, strings.Join(Names(), ", "))
}

// findFolder returns the folder of the named dataset or, if there is none, why. One without files is none:
// a download that failed leaves no more than files named .part.
func findFolder(dir, name string) (folder, none string, err error) {
	if err := CheckDir(dir); err != nil {
		return "", "", err
	}
	if folder = lookup(dir, name); folder == "" {
		if to, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			return "", "", fmt.Errorf("%s: a link to %s, which is not there", filepath.Join(dir, name), to)
		}
		return "", "no folder " + name + " in the data directory", nil
	}
	if info, err := os.Stat(folder); err != nil {
		return "", "", err
	} else if !info.IsDir() {
		return "", "", fmt.Errorf("%s: not a directory", folder)
	}
	err = archive.Tree(folder, func(name string, _ fs.FileInfo) error {
		if strings.HasSuffix(name, ".part") {
			return nil
		}
		return fs.SkipAll
	})
	if errors.Is(err, fs.SkipAll) {
		return folder, "", nil
	}
	return "", "the folder " + name + " of the data directory has no files", err
}

// isDir reports whether path is a directory.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
