package prepared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// settled is how long a file must have been unchanged before its hash is remembered:
// a later change must show in its time, which may be coarse.
const settled = 2 * time.Second

// memory is how many hashes a memo holds.
const memory = 16

// Hash returns a hash of the contents and names of files, and of all regular files
// in those that are directories, hidden ones left out. Names are taken relative to
// the file or directory given, so that moving it changes nothing.
//
// Reading everything takes long, so the result is remembered in the file memo, and
// given again as long as names, sizes and times of the files are the same. Read, if
// not nil, is told the number of bytes as they are read.
func Hash(ctx context.Context, memo string, paths []string, read func(n int64)) (string, error) {
	list, err := listing(paths)
	if err != nil {
		return "", err
	}
	look := sha256.New()
	var youngest time.Time
	for _, f := range list {
		t := f.info.ModTime()
		fmt.Fprintf(look, "%q %d %d\n", f.path, f.info.Size(), t.UnixNano())
		if t.After(youngest) {
			youngest = t
		}
	}
	key := hex.EncodeToString(look.Sum(nil))
	known := remembered(memo)
	for _, k := range known {
		if k.Look == key {
			return k.Hash, nil
		}
	}
	h := sha256.New()
	for _, f := range list {
		sum, err := f.sum(ctx, read)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %x\n", f.name, sum)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if time.Since(youngest) > settled {
		known = append([]hashed{{key, sum}}, known[:min(len(known), memory-1)]...)
		text, _ := json.MarshalIndent(known, "", "\t")
		if err := os.MkdirAll(filepath.Dir(memo), 0o755); err == nil {
			renameio.WriteFile(memo, text, 0o644) // unremembered, it is hashed again
		}
	}
	return sum, nil
}

// hashed is one remembered hash: of files that look so.
type hashed struct{ Look, Hash string }

// remembered reads a memo; one that cannot be read remembers nothing.
func remembered(memo string) (known []hashed) {
	text, err := os.ReadFile(memo)
	if err != nil || json.Unmarshal(text, &known) != nil {
		return nil
	}
	return known
}

// listed is a file to hash: its path, and its name in the hash.
type listed struct {
	path, name string
	info       fs.FileInfo
}

// listing returns the regular files of paths in a fixed order.
func listing(paths []string) (list []listed, err error) {
	for _, given := range paths {
		root, err := filepath.EvalSymlinks(given)
		if err == nil {
			root, err = filepath.Abs(root)
		}
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			hidden := path != root && strings.HasPrefix(d.Name(), ".")
			switch {
			case d.IsDir() && hidden:
				return fs.SkipDir
			case d.IsDir() || hidden:
				return nil
			}
			info, err := os.Stat(path) // follows links
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			name := filepath.Base(given)
			if path != root {
				if name, err = filepath.Rel(root, path); err != nil {
					return err
				}
			}
			list = append(list, listed{path, filepath.ToSlash(name), info})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sum hashes the file's content until ctx ends.
func (l listed) sum(ctx context.Context, read func(n int64)) ([]byte, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	b := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := f.Read(b)
		h.Write(b[:n])
		if read != nil {
			read(int64(n))
		}
		if err == io.EOF {
			return h.Sum(nil), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
