package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// modulePath is the module that the notebooks walk through.
const modulePath = "weightsep"

// moduleRoot returns the directory of the checkout that dir lies in: the nearest one
// upwards whose go.mod declares modulePath.
func moduleRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := start; ; d = filepath.Dir(d) {
		mod, err := readGoMod(filepath.Join(d, "go.mod"))
		switch {
		case err == nil && mod.path == modulePath:
			return d, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is in no checkout of module %s: want a go.mod of it there or above", start, modulePath)
		}
	}
}

// goMod is what the set-up wants to know of a go.mod file.
type goMod struct {
	path     string            // the module's path
	versions map[string]string // required module to version
}

// readGoMod reads as much of the go.mod format as goMod holds.
func readGoMod(file string) (*goMod, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mod := &goMod{versions: make(map[string]string)}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "//")
		fields := strings.Fields(text)
		if len(fields) > 0 && fields[0] == "require" {
			fields = fields[1:]
		}
		switch {
		case len(fields) == 2 && fields[0] == "module":
			mod.path = strings.Trim(fields[1], `"`)
		case len(fields) == 2 && strings.HasPrefix(fields[1], "v"):
			mod.versions[fields[0]] = fields[1]
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return mod, nil
}
