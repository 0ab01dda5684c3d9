package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// lab runs JupyterLab on the notebooks until the user ends it.
func lab(ctx context.Context, env *environment, opts *options, p *progress, log io.Writer) (err error) {
	if err := os.MkdirAll(opts.runDir, 0o755); err != nil {
		return err
	}
	tmp, err := newScratch()
	if err != nil {
		return err
	}
	defer func() {
		if e := tmp.close(); err == nil {
			err = e
		}
	}()
	args := []string{"-I", "-m", "jupyterlab", "--ServerApp.root_dir=" + opts.notebooks, "--ServerApp.use_redirect_file=False"}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root") // in a container, mostly
	}
	cmd := newCommand(ctx, env.python(), args...)
	cmd.Dir = opts.notebooks
	cmd.Env = append(kernelEnv(env, opts), tmp.env()...)
	cmd.Stdout, cmd.Stderr = log, log
	p.line("Opening JupyterLab; Ctrl-C ends it. Profile %s, run %s", opts.profile, opts.runDir)
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("JupyterLab: %w", err)
	}
	return nil
}
