package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"weightsep/wslib/pipeline"
)

// printSummary prints the table of the run in runDir, if it got that far.
func printSummary(runDir string, w io.Writer) error {
	file := filepath.Join(runDir, pipeline.SummaryFile)
	s, err := pipeline.ReadSummary(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := s.Write(w); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Summary: %s\n", file)
	return err
}
