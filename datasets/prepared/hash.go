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
	list, youngest, err := listing(paths)
	if err != nil {
		return "", err
	}
	look := sha256.New()
	for _, f := range list {
		fmt.Fprintf(look, "%q %d %d\n", f.path, f.info.Size(), f.info.ModTime().UnixNano())
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
		content := sha256.New()
		if err := copyFile(ctx, content, f.path, read); err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %x\n", f.name, content.Sum(nil))
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

// listing returns the files in a fixed order and the latest time of change.
func listing(paths []string) (list []listed, youngest time.Time, err error) {
	add := func(path, name string) error {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		if t := info.ModTime(); t.After(youngest) {
			youngest = t
		}
		list = append(list, listed{path, name, info})
		return nil
	}
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, youngest, err
		}
		if !info.IsDir() {
			if err := add(root, filepath.Base(root)); err != nil {
				return nil, youngest, err
			}
			continue
		}
		if root, err = filepath.EvalSymlinks(root); err != nil {
			return nil, youngest, err
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if path != root && strings.HasPrefix(d.Name(), ".") {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if d.IsDir() {
				return nil
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return add(path, filepath.ToSlash(name))
		})
		if err != nil {
			return nil, youngest, err
		}
	}
	return list, youngest, nil
}

// copyFile copies a file to w until ctx ends.
func copyFile(ctx context.Context, w io.Writer, path string, read func(n int64)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(b)
		w.Write(b[:n])
		if read != nil {
			read(int64(n))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
