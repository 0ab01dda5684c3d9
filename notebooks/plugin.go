package main

import (
	"context"
	"os"
	"path/filepath"

	"weightsep/xla"
)

// ensurePlugin makes sure that the cells find XLA's CPU plugin.
func (e *environment) ensurePlugin(ctx context.Context, p *progress) error {
	// The plugin is installed through pip. The environment has one, also where the
	// system has none.
	path := os.Getenv("PATH")
	inside := filepath.Join(e.venv(), "bin") + string(filepath.ListSeparator) + path
	if err := os.Setenv("PATH", inside); err != nil {
		return err
	}
	defer os.Setenv("PATH", path)
	_, err := xla.EnsureCPUPlugin(ctx, "", p)
	return err
}
