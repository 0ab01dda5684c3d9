package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"weightsep/wslib/claims"
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

	var jobs []job
	page := filepath.Join(outDir, pageFile)
	stale := os.RemoveAll(page)
	for _, source := range sources {
		j := job{source: source, executed: filepath.Join(outDir, filepath.Base(source)), env: kernelEnv(env, opts)}
		jobs = append(jobs, j)
		// Copies of an earlier run would pass for this one's if it failed.
		stale = errors.Join(stale, os.RemoveAll(j.executed))
	}
	if stale != nil {
		return stale
	}
	if err := os.RemoveAll(claims.Dir(opts.runDir)); err != nil { // likewise
		return err
	}
	start := time.Now()
	progress.Printf("Profile %s, run %s", opts.profile, opts.runDir)
	for i, j := range jobs {
		progress.Printf("%s (%d of %d)", filepath.Base(j.source), i+1, len(jobs))
		if err := runOne(ctx, env, j, progress); err != nil {
			if _, e := os.Stat(j.executed); e == nil && writePage(ctx, env, opts, page, jobs) == nil {
				progress.Printf("  not completed; as far as it got: %s", fileURL(page))
			}
			return err
		}
	}
	progress.Printf("\nAll notebooks ran, in %s.", round(time.Since(start)))
	for _, print := range []func(string, io.Writer) error{printSummary, printVerdicts} {
		if err := print(opts.runDir, progress.Writer()); err != nil {
			return fmt.Errorf("summary: %w", err)
		}
	}
	documents := filepath.Join(env.root, "results")
	paper, ours, err := claims.Documented(os.DirFS(documents))
	if err != nil {
		return err
	}
	progress.Printf("\nAll claims, by documented runs: the paper's %s; ours %s: %s", claims.Count(paper...),
		claims.Count(ours...), filepath.Join(documents, "claims.md"))
	if err := writePage(ctx, env, opts, page, jobs); err != nil {
		return err
	}
	if opts.keep {
		if err := keep(env.root, opts, jobs, progress); err != nil {
			return err
		}
	}
	progress.Printf("\nRead it: %s\n"+
		"Change and run cells: go run ./notebooks -lab -profile %s\n"+
		"Pack your own networks: go run ./wslib/ws run -nets DIR (README.md says what is in DIR)",
		fileURL(page), opts.profile)
	return nil
}

// runOne executes one notebook and puts its copy in place at once, also if it fails.
func runOne(ctx context.Context, env *environment, j job, progress *log.Logger) error {
	start := time.Now()
	draft := j
	draft.executed = j.executed + ".tmp"
	err := execute(ctx, env, draft, progress)
	if e := os.Rename(draft.executed, j.executed); e != nil && (err == nil || !errors.Is(e, fs.ErrNotExist)) {
		err = errors.Join(err, e)
	}
	if err == nil {
		progress.Printf("  done (%s)", round(time.Since(start)))
	}
	return err
}

// pageFile is the walkthrough to read: all executed notebooks on one page.
const pageFile = "walkthrough.html"

//go:embed walkthrough.py
var pageScript []byte

// writePage writes the page of those of the jobs that were executed, also after an interrupt.
func writePage(ctx context.Context, env *environment, opts *options, page string, jobs []job) error {
	args := []string{"-I", "-", page + ".tmp", env.notebooks(), opts.profile}
	for _, j := range jobs {
		args = append(args, j.executed)
	}
	ctx = context.WithoutCancel(ctx)
	cmd := newCommand(ctx, env.python(), args...)
	cmd.Stdin = bytes.NewReader(pageScript)
	if err := runQuietly(ctx, cmd); err != nil {
		return fmt.Errorf("%s: %w", pageFile, err)
	}
	return os.Rename(page+".tmp", page)
}

// fileURL is a file's address for a browser, in one word whatever the path.
func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// kernelEnv returns the environment variables of Jupyter, and with it of the kernels and
// the cells.
func kernelEnv(env *environment, opts *options) []string {
	// Kernels of JUPYTER_PATH would come before ours.
	vars := append(pythonEnv("JUPYTER_PATH"),
		"JUPYTER_PREFER_ENV_PATH=1",
		"WEIGHTSEP_ROOT="+env.root,
		"WEIGHTSEP_PROFILE="+opts.profile,
		"WEIGHTSEP_RUN="+opts.runDir,
	)
	if opts.data != "" {
		vars = append(vars, "WEIGHTSEP_DATA="+opts.data)
	}
	return vars
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

// printVerdicts prints what became of the notebooks' claims. One that is missed is no error.
func printVerdicts(runDir string, w io.Writer) error {
	verdicts, err := claims.Outcomes(runDir)
	if err != nil || len(verdicts) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nClaims")
	for _, v := range verdicts {
		fmt.Fprintln(w, v)
	}
	return nil
}
