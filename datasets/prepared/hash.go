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
	"slices"
	"time"

	"weightsep/datasets/archive"
	"weightsep/datasets/files"
)

// settled is how long a file must have been unchanged before its hash is remembered:
// a later change must show in its time, which may be coarse.
const settled = 2 * time.Second

// memory is how many hashes a memo holds.
const memory = 16

// Hash returns a hash of the contents and names of files, and of all regular files
// in those that are directories, as [archive.Tree] visits them. Names are taken relative to
// the file or directory given, so that moving it changes nothing.
//
// Reading everything takes long, so the result is remembered in the file memo, and
// given again as long as names, sizes and times of the files are the same; an empty memo remembers
// nothing. Read, if not nil, is told the number of bytes as they are read.
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
	var known []hashed // a memo that cannot be read remembers nothing
	if text, err := os.ReadFile(memo); err != nil || json.Unmarshal(text, &known) != nil {
		known = nil
	}
	if i := slices.IndexFunc(known, func(k hashed) bool { return k.Look == key }); i >= 0 {
		return known[i].Hash, nil
	}
	h := sha256.New()
	for _, f := range list {
		content, err := archive.Open(ctx, f.path, read)
		if err != nil {
			return "", err
		}
		sum := sha256.New()
		_, err = io.CopyBuffer(sum, content, make([]byte, 1<<18))
		content.Close()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %x\n", f.name, sum.Sum(nil))
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if memo != "" && time.Since(youngest) > settled {
		known = append([]hashed{{key, sum}}, known[:min(len(known), memory-1)]...)
		text, _ := json.MarshalIndent(known, "", "\t")
		if err := os.MkdirAll(filepath.Dir(memo), 0o755); err == nil {
			files.WritePath(memo, text) // unremembered, it is hashed again
		}
	}
	return sum, nil
}

// hashed is one remembered hash: of files that look so.
type hashed struct{ Look, Hash string }

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
		err = archive.Tree(root, func(name string, info fs.FileInfo) error {
			if info == nil || !info.Mode().IsRegular() {
				return nil
			}
			path := filepath.Join(root, filepath.FromSlash(name))
			if name == "." {
				name = filepath.Base(given)
			}
			list = append(list, listed{path, name, info})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
