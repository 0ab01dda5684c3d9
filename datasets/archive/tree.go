package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is how many links to folders may lie below one another.
const maxLinks = 4

// Tree visits what is below the directory root and is neither hidden nor a directory, in the order of
// the names, each by its slash-separated name relative to root. If root is a file, it is visited as ".".
//
// Links are followed: the tree is the user's own. A link to a folder that it lies in is passed over. Of a
// link that leads nowhere info is nil.
func Tree(root string, visit func(name string, info fs.FileInfo) error) error {
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return visit(".", info)
	}
	return tree(root, ".", nil, visit)
}

// tree visits what is below a folder of root. Above are the true paths of the folders that followed links
// lie in.
func tree(root, folder string, above []string, visit func(string, fs.FileInfo) error) error {
	here := filepath.Join(root, filepath.FromSlash(folder))
	entries, err := os.ReadDir(here)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if Hidden(e.Name()) {
			continue
		}
		name, link := path.Join(folder, e.Name()), e.Type()&fs.ModeSymlink != 0
		info, err := os.Stat(filepath.Join(here, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist), link && errors.Is(err, syscall.ELOOP):
			info = nil
		case err != nil:
			return err
		}
		if info == nil || !info.IsDir() {
			if err := visit(name, info); err != nil {
				return err
			}
			continue
		}
		below := above
		if link {
			var loop bool
			if below, loop, err = follow(here, e.Name(), above); err != nil {
				return err
			}
			if loop {
				continue
			}
		}
		if err := tree(root, name, below, visit); err != nil {
			return err
		}
	}
	return nil
}

// follow adds the true path of a folder to those above a link in it, and tells whether the link leads to
// one of them or above.
func follow(folder, link string, above []string) (below []string, loop bool, err error) {
	here, err := filepath.EvalSymlinks(folder)
	if err == nil {
		here, err = filepath.Abs(here)
	}
	if err != nil {
		return nil, false, err
	}
	to, err := filepath.EvalSymlinks(filepath.Join(here, link))
	if err != nil {
		return nil, false, err
	}
	below = append(slices.Clone(above), here)
	separator := string(filepath.Separator)
	inside := strings.TrimSuffix(to, separator) + separator
	loop = slices.ContainsFunc(below, func(p string) bool { return strings.HasPrefix(p+separator, inside) })
	if !loop && len(below) > maxLinks {
		err = fmt.Errorf("%s: more than %d links to folders below one another", filepath.Join(folder, link),
			maxLinks)
	}
	return below, loop, err
}

// Hidden tells a name that no walk visits: of a hidden file or folder, which begins with a dot, or of the
// folder in which macOS puts its own files.
func Hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "__MACOSX" }
