package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

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
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s: not a directory", folder)
	}
	return folder, nil
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
