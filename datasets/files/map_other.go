//go:build !unix

package files

// Map reads a file: see the version of other systems, which maps it.
func Map(path string, max int64) (raw []byte, close func() error, err error) {
	raw, err = ReadPath(path, max)
	return raw, func() error { return nil }, err
}
