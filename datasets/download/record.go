package download

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// record is what an earlier check found, in .NAME.sum. It speaks of the file as long
// as that has the size and time of then. A change that leaves both as they were
// goes unseen; that is the price of not reading gigabytes at each start.
type record struct {
	Size    int64 `json:"size"`
	ModTime int64 `json:"modTime"` // in nanoseconds since 1970
	Sums
	Accepted bool `json:"accepted,omitempty"` // although not what is published
}

func newRecord(info fs.FileInfo, sums Sums, accepted bool) record {
	return record{info.Size(), info.ModTime().UnixNano(), sums, accepted}
}

// of reports whether the record is one of this file as it is now.
func (r *record) of(info fs.FileInfo) bool {
	return r.Size == info.Size() && r.ModTime == info.ModTime().UnixNano()
}

// recordPath is hidden, so that it is none of a dataset's files.
func recordPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".sum")
}

// readRecord returns nil if there is no record. One that cannot be read is none: the
// file is then hashed again.
func readRecord(path string) *record {
	var r record
	if !readJSON(recordPath(path), &r) || r.SHA256 == "" {
		return nil
	}
	return &r
}

func writeRecord(path string, r record) error { return writeJSON(recordPath(path), r) }

func readJSON(path string, v any) bool {
	text, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(text, v) == nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
