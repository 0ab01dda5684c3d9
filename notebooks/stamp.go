package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// A stamp says that a step of the set-up was completed. It is a file that is written
// after everything else, at once, and that holds what the step was made from: if the
// file is missing or holds something else, the step was interrupted or is out of date.
type stamp struct {
	file string
	key  string
}

// ok reports whether the step was completed from the same key.
func (s stamp) ok() bool {
	b, err := os.ReadFile(s.file)
	return err == nil && strings.TrimSpace(string(b)) == s.key
}

// make runs build unless the step was completed before, and stamps it afterwards.
// Nothing is taken for complete while build runs or after it failed.
func (s stamp) make(build func() error) error {
	if s.ok() {
		return nil
	}
	if err := os.Remove(s.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	if err := renameio.WriteFile(s.file, []byte(s.key+"\n"), 0o644); err != nil {
		return fmt.Errorf("stamp: %w", err)
	}
	return nil
}

// replaceDir has build fill a new directory, and puts it in the place of dir after that
// succeeded. The new directory is nobody else's: the child of a set-up that was killed
// may still be at work on its own.
func replaceDir(dir string, build func(dir string) error) error {
	removeLeftovers(dir)
	fresh, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := build(fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// removeLeftovers removes what an interrupted replaceDir left, unless something is still
// being written to it; there is a next time.
func removeLeftovers(dir string) {
	leftovers, _ := filepath.Glob(escapeGlob(dir) + ".new*")
	for _, l := range leftovers {
		_ = os.RemoveAll(l)
	}
}
