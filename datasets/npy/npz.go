package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets/files"
)

// Entry is an array of an .npz file.
type Entry struct {
	Name string
	Raw  []byte // the content of an .npy file
}

// SaveArchive writes an .npz file, whole or not at all.
func SaveArchive(path string, entries []Entry) error {
	f, err := files.CreatePath(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer f.Cleanup()
	z := zip.NewWriter(f)
	for _, e := range entries {
		w, err := z.Create(e.Name + ".npy")
		if err == nil {
			_, err = w.Write(e.Raw)
		}
		if err != nil {
			return fmt.Errorf("write %s: %s: %w", path, e.Name, err)
		}
	}
	if err = z.Close(); err == nil {
		err = f.Commit()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// ReadArchive reads what [SaveArchive] wrote, by name, of at most max bytes when unpacked. Every entry has a
// checksum, which is compared. A link at path is not followed: [SaveArchive] makes none.
func ReadArchive(path string, max int64) (map[string][]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer root.Close()
	f, size, err := files.Open(root, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	arrays, left := map[string][]byte{}, max
	for _, entry := range z.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if _, twice := arrays[name]; !ok || twice {
			return nil, fmt.Errorf("read %s: entry %.100q, want NAME.npy once", path, entry.Name)
		}
		r, err := entry.Open()
		if err != nil {
			return nil, fmt.Errorf("read %s: %s: %w", path, name, err)
		}
		// To the end, where the checksum is compared.
		raw, err := io.ReadAll(io.LimitReader(r, left+1))
		r.Close()
		if left -= int64(len(raw)); err == nil && left < 0 {
			err = fmt.Errorf("more than %d bytes when unpacked", max)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %s: %w", path, name, err)
		}
		arrays[name] = raw
	}
	return arrays, nil
}
