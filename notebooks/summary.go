package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// printSummary says what came out of the run in runDir.
func printSummary(runDir string, w io.Writer) error {
	file := filepath.Join(runDir, "summary.json")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil // the run got not that far
	} else if err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "Summary: %s\n", file)
	return err
}
