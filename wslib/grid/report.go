package grid

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Report makes table.csv, table.md and the charts of what is finished, and returns
// the names of the files.
func (g *Grid) Report(ctx context.Context) ([]string, error) {
	rows, err := g.Table(ctx)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, f := range []struct {
		name  string
		write func(*bytes.Buffer) error
	}{
		{"table.csv", func(b *bytes.Buffer) error { return WriteCSV(b, rows) }},
		{"table.md", func(b *bytes.Buffer) error { return WriteMarkdown(b, rows) }},
	} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return files, fmt.Errorf("grid: %s: %w", f.name, err)
		}
		if err := renameio.WriteFile(filepath.Join(g.Dir, f.name), b.Bytes(), 0o644); err != nil {
			return files, fmt.Errorf("grid: %w", err)
		}
		files = append(files, f.name)
	}
	return files, nil
}
