package archive

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plant makes the files of a tree, and links where a name has an arrow: "link -> to".
func plant(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		name, to, link := strings.Cut(name, " -> ")
		path := filepath.Join(root, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		switch {
		case err != nil:
		case link:
			if err := os.Symlink(to, path); err != nil {
				t.Skip(err)
			}
		default:
			err = os.WriteFile(path, []byte("x"), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTree(t *testing.T) {
	elsewhere, root := t.TempDir(), t.TempDir()
	plant(t, elsewhere, "x.wav", "deeper/y.wav", "deeper/up -> ..", "back -> "+root)
	plant(t, root, "b/1.wav", "a.wav", "fold -> "+elsewhere,
		"file.wav -> "+filepath.Join(elsewhere, "x.wav"), "b/up -> ..", "b/here -> .", "root -> /",
		"self -> self", "nowhere.wav -> /nowhere/at/all",
		".#lock -> /nowhere", ".hidden/x.wav", "__MACOSX/x.wav", "c/._1.wav", "again -> b")
	var got []string
	err := Tree(root, func(name string, info fs.FileInfo) error {
		size := int64(-1)
		if info != nil {
			size = info.Size()
		}
		got = append(got, fmt.Sprint(name, " ", size))
		return nil
	})
	want := []string{"a.wav 1", "again/1.wav 1", "b/1.wav 1", "file.wav 1", "fold/deeper/y.wav 1",
		"fold/x.wav 1", "nowhere.wav -1", "self -1"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// Folders that link to each other end.
func TestTreeOfLinks(t *testing.T) {
	root, a, b := t.TempDir(), t.TempDir(), t.TempDir()
	plant(t, root, "a -> "+a)
	plant(t, a, "b -> "+b, "1.wav")
	plant(t, b, "a -> "+a, "2.wav")
	var got []string
	err := Tree(root, func(name string, _ fs.FileInfo) error {
		got = append(got, name)
		return nil
	})
	if want := []string{"a/1.wav", "a/b/2.wav"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	deep := t.TempDir()
	for range 2 * maxLinks {
		next := t.TempDir()
		plant(t, next, "x -> "+deep)
		deep = next
	}
	err = Tree(deep, func(string, fs.FileInfo) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "links to folders below one another") {
		t.Errorf("many links: error %v", err)
	}
}
