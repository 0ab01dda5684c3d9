package prepared

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hashOf returns the hash of files, not remembered.
func hashOf(t testing.TB, paths ...string) string {
	t.Helper()
	h, err := Hash(t.Context(), filepath.Join(t.TempDir(), "memo"), paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(h) < 32 {
		t.Errorf("hash %q is short", h)
	}
	return h
}

// tree makes a directory of files, given as names and contents in turn.
func tree(t testing.TB, files ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for i := 0; i < len(files); i += 2 {
		put(t, files[i+1], dir, files[i])
	}
	return dir
}

func TestHash(t *testing.T) {
	base := []string{"a", "one", "b/c", "two", "b/d", ""}
	want := hashOf(t, tree(t, base...))
	for _, c := range []struct {
		name  string
		files []string
		same  bool
	}{
		{"elsewhere", base, true},
		{"a hidden file", append(base, ".DS_Store", "x", "b/._c", "x"), true},
		{"a hidden directory", append(base, ".git/config", "x"), true},
		{"other content", []string{"a", "One", "b/c", "two", "b/d", ""}, false},
		{"more content", []string{"a", "one", "b/c", "two", "b/d", "x"}, false},
		{"other name", []string{"A", "one", "b/c", "two", "b/d", ""}, false},
		{"other directory", []string{"a", "one", "B/c", "two", "B/d", ""}, false},
		{"contents exchanged", []string{"a", "two", "b/c", "one", "b/d", ""}, false},
		{"content moved to the next", []string{"a", "onet", "b/c", "wo", "b/d", ""}, false},
		{"one less", base[:4], false},
		{"an empty one more", append(base, "e", ""), false},
	} {
		if got := hashOf(t, tree(t, c.files...)); (got == want) != c.same {
			t.Errorf("%s: the same hash is %v, want %v", c.name, got == want, c.same)
		}
	}
}

// What lies behind links belongs to a tree; a link that leads nowhere does not.
func TestHashLinkedFolders(t *testing.T) {
	dir, elsewhere := tree(t, "a", "one"), tree(t, "x", "1")
	for name, to := range map[string]string{"b": elsewhere, "c": "nothing", "d": dir} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	if hashOf(t, dir) != hashOf(t, tree(t, "a", "one", "b/x", "1")) {
		t.Error("another hash than without links")
	}
	before := hashOf(t, dir)
	put(t, "2", elsewhere, "x")
	if hashOf(t, dir) == before {
		t.Error("the same hash after a change behind a link")
	}
}

func TestHashFiles(t *testing.T) {
	a, b := put(t, "one", t.TempDir(), "a"), put(t, "two", t.TempDir(), "b")
	want := hashOf(t, a, b)
	if got := hashOf(t, put(t, "one", t.TempDir(), "a"), put(t, "two", t.TempDir(), "b")); got != want {
		t.Error("moving the files changes the hash")
	}
	if got := hashOf(t, put(t, "one", t.TempDir(), "A"), b); got == want {
		t.Error("renaming a file does not change the hash")
	}
	if got := hashOf(t, a); got == want {
		t.Error("a file less does not change the hash")
	}
	// A file that is asked for by name counts, whatever its name.
	if got := hashOf(t, put(t, "one", t.TempDir(), ".a"), b); got == hashOf(t,
		put(t, "1", t.TempDir(), ".a"), b) {
		t.Error("a hidden file's content does not count")
	}
}

// More than one reading of a file is needed.
func TestHashLarge(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	want := hashOf(t, put(t, big, t.TempDir(), "big"))
	for _, at := range []int{0, 1 << 18, len(big) - 1} {
		changed := big[:at] + "x" + big[at+1:]
		if hashOf(t, put(t, changed, t.TempDir(), "big")) == want {
			t.Errorf("changing byte %d does not change the hash", at)
		}
	}
}

func TestHashLinks(t *testing.T) {
	dir := tree(t, "a", "one", "b/c", "two")
	want := hashOf(t, dir)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	if hashOf(t, link) != want {
		t.Error("a link to the directory has another hash")
	}
	other := tree(t, "b/c", "two")
	if err := os.Symlink(put(t, "one", t.TempDir(), "elsewhere"), filepath.Join(other, "a")); err != nil {
		t.Fatal(err)
	}
	if hashOf(t, other) != want {
		t.Error("a directory with a link to a file has another hash")
	}
}

func TestHashMissing(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	if _, err := Hash(t.Context(), none+"-memo", []string{none}, nil); err == nil ||
		!strings.Contains(err.Error(), none) {
		t.Errorf("error %v", err)
	}
}
