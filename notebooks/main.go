// Command notebooks sets up what the walkthrough needs and runs it.
//
// Usage:
//
//	go run ./notebooks [flags]
//
// The first run makes a Python environment with JupyterLab, builds the GoNB kernel
// and fetches the XLA plugin, all in the user's cache directory; later runs find them
// there. Then the notebooks run in order; their executed copies, and one page of all of
// them to read, are written to the run directory. The notebooks themselves stay as they are.
//
// The command exits with 0 when every notebook ran, 1 when one failed, 2 for wrong
// flags and 130 when it was interrupted. (go run reports its own status, 1, for the
// last two.)
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/wslib/pipeline"
)

const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := interruptible(context.Background())
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdout, stderr)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "\nnotebooks: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "notebooks:", err)
		fmt.Fprintln(stderr, "notebooks: see go run ./notebooks -h")
		return exitUsage
	default:
		fmt.Fprintln(stderr, "notebooks:", err)
		return exitFailed
	}
}

// command parses args and does what they ask for.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	root, err := moduleRoot(".")
	if err != nil {
		return err
	}
	if err := opts.resolve(root); err != nil {
		return err
	}
	progress := log.New(stdout, "", 0)
	env, err := setUp(ctx, root, progress)
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	switch {
	case opts.setupOnly:
		progress.Printf("Ready: %s", env.dir)
		return nil
	case opts.lab:
		return lab(ctx, env, opts, stderr)
	default:
		return runAll(ctx, env, opts, progress)
	}
}

// options are what the command line asks for.
type options struct {
	profile   string
	data      string // directory with the data sets, or empty
	runDir    string // directory of the run
	lab       bool
	setupOnly bool
	keep      bool // copies of the executed notebooks in the checkout
}

// A usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

const usageText = `Usage: go run ./notebooks [flags]

Sets up Jupyter and the Go kernel (once), runs the notebooks in order, and writes
executed copies and walkthrough.html, all of them on one page, to RUN/notebooks, where
RUN is the run directory.

  go run ./notebooks                  run all of them, in the quick profile
  go run ./notebooks -profile smoke   only see that everything works
  go run ./notebooks -lab             open copies of them in JupyterLab instead
  go run ./notebooks -setup           set up, run nothing

What set-up makes is in the user's cache directory, in weightsep/notebooks-*; it can
be deleted at any time.

Cells see these environment variables: WEIGHTSEP_ROOT (the checkout), WEIGHTSEP_PROFILE,
WEIGHTSEP_RUN (the run directory), WEIGHTSEP_PYTHON (that of Jupyter) and, with -data,
WEIGHTSEP_DATA.

Flags:
`

// parseOptions reads the command line. It touches no files: see resolve.
func parseOptions(args []string, stderr io.Writer) (*options, error) {
	opts, profiles := new(options), strings.Join(pipeline.Profiles(), ", ")
	set := flag.NewFlagSet("notebooks", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&opts.profile, "profile", "quick", "size of the run: "+profiles)
	set.StringVar(&opts.data, "data", "", "`directory` that holds the data sets")
	set.StringVar(&opts.runDir, "run", "", "`directory` of the run (default results/runs/PROFILE)")
	set.BoolVar(&opts.lab, "lab", false, "open JupyterLab on copies, in RUN/notebooks/lab")
	set.BoolVar(&opts.setupOnly, "setup", false, "set up and stop")
	set.BoolVar(&opts.keep, "keep", false, "write copies with outputs to results/walkthrough, to commit")
	switch err := set.Parse(args); {
	case err == flag.ErrHelp:
		fmt.Fprint(stderr, usageText)
		set.SetOutput(stderr)
		set.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, usagef("%v", err)
	case set.NArg() > 0:
		return nil, usagef("unexpected argument %q", set.Arg(0))
	case !slices.Contains(pipeline.Profiles(), opts.profile):
		return nil, usagef("unknown profile %q: want one of %s", opts.profile, profiles)
	case opts.lab && opts.setupOnly, opts.keep && (opts.lab || opts.setupOnly):
		return nil, usagef("only one of -lab, -setup and -keep at a time")
	}
	return opts, nil
}

// resolve makes the paths absolute and fills in those that the flags left open.
func (o *options) resolve(root string) (err error) {
	o.runDir = cmp.Or(o.runDir, filepath.Join(root, "results", "runs", o.profile))
	if o.runDir, err = filepath.Abs(o.runDir); err != nil || o.data == "" {
		return err
	}
	if o.data, err = filepath.Abs(o.data); err != nil {
		return err
	}
	if info, err := os.Stat(o.data); err != nil || !info.IsDir() {
		return usagef("-data %s: no such directory", o.data)
	}
	return nil
}

// findNotebooks returns the notebooks of dir whose names start with a digit, in order.
func findNotebooks(dir string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), "[0-9]*.ipynb")
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no notebooks (NN_name.ipynb) in %s", dir)
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names, err
}
