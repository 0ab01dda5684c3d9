package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"weightsep/wslib/pipeline"
)

// runAll executes the notebooks in order, up to the first that fails, and tells where
// the results are.
func runAll(ctx context.Context, env *environment, opts *options, progress *log.Logger) error {
	sources, err := findNotebooks(env.notebooks())
	if err != nil {
		return err
	}
	outDir := filepath.Join(opts.runDir, "notebooks")
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return err
	}
	l := flock.New(filepath.Join(outDir, ".lock"))
	if ok, err := l.TryLock(); err != nil {
		return fmt.Errorf("lock of the run: %w", err)
	} else if !ok {
		return fmt.Errorf("another run is writing to %s: wait for it, or take another with -run",
			opts.runDir)
	}
	defer l.Unlock()

	// Copies of an earlier run would pass for this one's if it failed.
	for _, source := range sources {
		ipynb, html := outputFiles(outDir, source)
		for _, f := range []string{ipynb, html} {
			if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	start := time.Now()
	progress.Printf("Profile %s, run %s", opts.profile, opts.runDir)
	for i, source := range sources {
		progress.Printf("%s (%d of %d)", filepath.Base(source), i+1, len(sources))
		if err := runOne(ctx, env, kernelEnv(env, opts), source, outDir, progress); err != nil {
			return err
		}
	}
	progress.Printf("\nAll notebooks ran, in %s.", round(time.Since(start)))
	if err := printSummary(opts.runDir, progress.Writer()); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	progress.Printf("Read them at")
	for _, source := range sources {
		_, html := outputFiles(outDir, source)
		progress.Printf("  %s", html)
	}
	return nil
}

// runOne executes one notebook and puts its copies in outDir, also if it fails.
func runOne(
	ctx context.Context, env *environment, vars []string, source, outDir string, progress *log.Logger,
) error {
	start := time.Now()
	ipynb, html := outputFiles(outDir, source)
	j := job{source: source, executed: ipynb + ".tmp", html: html + ".tmp", env: vars}
	err := execute(ctx, env, j, progress)
	for tmp, file := range map[string]string{j.executed: ipynb, j.html: html} {
		if e := os.Rename(tmp, file); e != nil && (err == nil || !errors.Is(e, fs.ErrNotExist)) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		if _, e := os.Stat(html); e == nil {
			progress.Printf("  not completed; as far as it got: %s", html)
		}
		return err
	}
	progress.Printf("  done (%s)", round(time.Since(start)))
	return nil
}

// outputFiles returns the names of a notebook's executed copies.
func outputFiles(outDir, source string) (ipynb, html string) {
	base := filepath.Join(outDir, filepath.Base(source))
	return base, strings.TrimSuffix(base, ".ipynb") + ".html"
}

// kernelEnv returns the environment variables of Jupyter, and with it of the kernels and
// the cells.
func kernelEnv(env *environment, opts *options) []string {
	// Each kernel makes its own GOWORK; kernels of JUPYTER_PATH would come before ours.
	vars := append(pythonEnv("GOWORK", "JUPYTER_PATH"),
		"JUPYTER_PREFER_ENV_PATH=1",
		// Also the answer to a -mod=mod of the user's: workspaces refuse it.
		"GOFLAGS="+strings.TrimSpace(env.goes.flags+" -mod=readonly"),
		"WEIGHTSEP_ROOT="+env.root,
		"WEIGHTSEP_PROFILE="+opts.profile,
		"WEIGHTSEP_RUN="+opts.runDir,
	)
	if opts.data != "" {
		vars = append(vars, "WEIGHTSEP_DATA="+opts.data)
	}
	return vars
}

// lab runs JupyterLab on the notebooks until the user ends it.
func lab(ctx context.Context, env *environment, opts *options, stderr io.Writer) (err error) {
	if err := os.MkdirAll(opts.runDir, 0o755); err != nil {
		return err
	}
	tmp, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tmp.close()) }()
	args := []string{"-I", "-m", "jupyterlab", "--ServerApp.root_dir=" + env.notebooks(),
		"--ServerApp.use_redirect_file=False"}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root") // in a container, mostly
	}
	cmd := newCommand(ctx, env.python(), args...)
	cmd.Dir = env.notebooks()
	cmd.Env = append(kernelEnv(env, opts), tmp.env()...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	fmt.Fprintf(stderr, "Opening JupyterLab; Ctrl-C ends it. Profile %s, run %s\n", opts.profile,
		opts.runDir)
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("JupyterLab: %w", err)
	}
	return nil
}

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
