//go:build !linux && !darwin

package download

// FreeSpace does not know how to ask.
func FreeSpace(dir string) (int64, bool) { return 0, false }
