package prepared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ask hashes files and tells how many bytes were read for it.
func ask(t testing.TB, memo string, paths ...string) (hash string, read int64) {
	t.Helper()
	hash, err := Hash(t.Context(), memo, paths, func(n int64) { read += n })
	if err != nil {
		t.Fatal(err)
	}
	return hash, read
}

func TestRemembered(t *testing.T) {
	dir := tree(t, "a", "one", "b/c", strings.Repeat("x", 1<<19))
	for _, file := range []string{"a", "b/c"} {
		aged(t, time.Hour, dir, file)
	}
	memo := filepath.Join(t.TempDir(), "made", "of", "need", "hashes.json")
	want, read := ask(t, memo, dir)
	if read != 3+1<<19 {
		t.Errorf("the first time %d bytes were read, want all", read)
	}
	got, read := ask(t, memo, dir)
	if got != want || read != 0 {
		t.Errorf("the second time: hash %s, want %s, and %d bytes were read", got, want, read)
	}
	t.Chdir(filepath.Dir(dir))
	if got, read := ask(t, memo, "tree"); got != want || read != 0 {
		t.Errorf("by a relative path: hash %s, want %s, and %d bytes were read", got, want, read)
	}

	// A file of the same size and a later time is another one.
	put(t, "two", dir, "a")
	aged(t, time.Minute, dir, "a")
	if got, read := ask(t, memo, dir); got == want || read == 0 {
		t.Errorf("changed content: the same hash: %v, %d bytes were read", got == want, read)
	}
	put(t, "three", dir, "a")
	aged(t, time.Minute, dir, "a")
	if got, read := ask(t, memo, dir); got == want || read == 0 {
		t.Errorf("changed size: the same hash: %v, %d bytes were read", got == want, read)
	}

	// Back as it was, with its old time: still known.
	put(t, "one", dir, "a")
	aged(t, time.Hour, dir, "a")
	if got, _ := ask(t, memo, dir); got != want {
		t.Errorf("the old content: hash %s, want %s", got, want)
	}
}

// What was changed a moment ago can change again without showing it.
func TestYoungFilesAreNotRemembered(t *testing.T) {
	dir := tree(t, "old", "one", "new", "two")
	aged(t, time.Hour, dir, "old")
	memo := filepath.Join(t.TempDir(), "hashes.json")
	for range 2 {
		if _, read := ask(t, memo, dir); read != 6 {
			t.Errorf("%d bytes were read, want all", read)
		}
	}
	if _, err := os.Stat(memo); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a memo was written (%v)", err)
	}
	aged(t, settled+time.Second, dir, "new")
	ask(t, memo, dir)
	if _, read := ask(t, memo, dir); read != 0 {
		t.Errorf("of settled files %d bytes were read", read)
	}
}

// A memo holds several hashes, but not any number.
func TestMemoIsBounded(t *testing.T) {
	parent, memo := t.TempDir(), filepath.Join(t.TempDir(), "hashes.json")
	var files []string
	for i := range memory + 3 {
		files = append(files, put(t, "content", parent, fmt.Sprint(i)))
		aged(t, time.Hour, files[i])
		ask(t, memo, files[i])
	}
	var known []hashed
	text, err := os.ReadFile(memo)
	if err := errors.Join(err, json.Unmarshal(text, &known)); err != nil {
		t.Fatal(err)
	}
	if n := len(known); n != memory {
		t.Errorf("%d hashes are remembered, want %d", n, memory)
	}
	for i, path := range files {
		if _, err := Hash(cancelled(t), memo, []string{path}, nil); (err == nil) != (i >= 3) {
			t.Errorf("file %d: error %v: want the last %d to be known", i, err, memory)
		}
	}
}

// cancelled returns a context that has ended: with it only what is remembered is had.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A memo that is damaged or cannot be written only costs time.
func TestBadMemo(t *testing.T) {
	path := put(t, "content", t.TempDir(), "file")
	aged(t, time.Hour, path)
	want := hashOf(t, path)
	for _, text := range []string{"", "{", "null", `{"Look":"a"}`, `[{"Look":1}]`, "[]"} {
		memo := put(t, text, t.TempDir(), "hashes.json")
		if got, read := ask(t, memo, path); got != want || read != 7 {
			t.Errorf("memo %q: hash %s, want %s, %d bytes were read", text, got, want, read)
		}
		if _, read := ask(t, memo, path); read != 0 {
			t.Errorf("memo %q was not replaced", text)
		}
	}
	if got, _ := ask(t, filepath.Join(path, "below", "a", "file"), path); got != want {
		t.Errorf("no place for the memo: hash %s, want %s", got, want)
	}
}

func TestHashCancelled(t *testing.T) {
	path := put(t, strings.Repeat("x", 1<<20), t.TempDir(), "big")
	aged(t, time.Hour, path)
	memo := filepath.Join(t.TempDir(), "hashes.json")
	if _, err := Hash(cancelled(t), memo, []string{path}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var read int64
	_, err := Hash(ctx, memo, []string{path}, func(n int64) { read += n; cancel() })
	if !errors.Is(err, context.Canceled) || read == 1<<20 {
		t.Errorf("cancelled at the first bytes: error %v after %d", err, read)
	}
	if _, err := os.Stat(memo); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a hash is remembered (%v)", err)
	}
}
