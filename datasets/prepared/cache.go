package prepared

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// temporary begins the names of sets being written.
const temporary = ".making-"

// abandoned is the age at which a set being written is taken for the remains of a
// process that was killed.
const abandoned = 24 * time.Hour

// Touch notes that a set was used, for Prune.
func Touch(dir string) {
	now := time.Now()
	os.Chtimes(dir, now, now) // a cache that is read-only is used all the same
}

// Prune removes all but the given number of the most recently used sets in a
// directory, and what killed processes left there. A set that is in use by another
// process may be among them: it stays readable for that process where the system
// keeps open files. Errors are passed over: what cannot be removed stays.
func Prune(parent string, keep int) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	type set struct {
		path string
		used time.Time
	}
	var sets []set
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(parent, e.Name())
		if strings.HasPrefix(e.Name(), temporary) {
			if time.Since(info.ModTime()) > abandoned {
				os.RemoveAll(path)
			}
			continue
		}
		sets = append(sets, set{path, info.ModTime()})
	}
	slices.SortFunc(sets, func(a, b set) int { return b.used.Compare(a.used) })
	for _, s := range sets[min(keep, len(sets)):] {
		os.RemoveAll(s.path)
	}
}
