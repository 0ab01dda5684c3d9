package datasets

import (
	"os"
	"slices"
	"testing"
)

// The tests have a cache of their own.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "datasets-test-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// loadFolder returns the samples in a folder as the files have them, not held out.
func loadFolder(t testing.TB, e entry, folder string) (*Dataset, error) {
	t.Helper()
	f, err := e.find(folder)
	if err != nil {
		return nil, err
	}
	return e.real(t.Context(), Options{}, f)
}

// outcome returns an error, or else the provenance of the samples.
func outcome(d *Dataset, err error) string {
	if err != nil {
		return err.Error()
	}
	return d.Provenance.String()
}

// entryOf returns what the package knows of a dataset.
func entryOf(name string) entry {
	all := catalog()
	return all[slices.IndexFunc(all, func(e entry) bool { return e.Name == name })]
}
