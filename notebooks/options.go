package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/wslib/pipeline"
)

// options are what the command line asks for.
type options struct {
	profile   string
	data      string // directory with the data sets, or empty
	runDir    string // directory of the run
	lab       bool
	setupOnly bool
}

// A usageError is a mistake on the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

const usageText = `Usage: go run ./notebooks [flags]

Sets up Jupyter and the Go kernel (once), runs the notebooks in order, and writes
executed copies and HTML to RUN/notebooks, where RUN is the run directory.

  go run ./notebooks                  run all of them, in the quick profile
  go run ./notebooks -profile smoke   only see that everything works
  go run ./notebooks -lab             open them in JupyterLab instead
  go run ./notebooks -setup           set up, run nothing

What set-up makes is in the user's cache directory, in weightsep/notebooks-*; it can
be deleted at any time.

Cells see these environment variables: WEIGHTSEP_ROOT (the checkout), WEIGHTSEP_PROFILE,
WEIGHTSEP_RUN (the run directory) and, with -data, WEIGHTSEP_DATA.

Flags:
`

// parseOptions reads the command line. It touches no files: see resolve.
func parseOptions(args []string, stderr io.Writer) (*options, error) {
	opts, profiles := new(options), strings.Join(pipeline.Profiles(), ", ")
	fs := flag.NewFlagSet("notebooks", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&opts.profile, "profile", "quick", "size of the run: "+profiles)
	fs.StringVar(&opts.data, "data", "", "`directory` that holds the data sets")
	fs.StringVar(&opts.runDir, "run", "", "`directory` of the run (default results/runs/PROFILE)")
	fs.BoolVar(&opts.lab, "lab", false, "open JupyterLab")
	fs.BoolVar(&opts.setupOnly, "setup", false, "set up and stop")
	fs.Usage = func() {}
	if err := fs.Parse(args); err != nil {
		if err == flag.ErrHelp {
			fmt.Fprint(stderr, usageText)
			fs.SetOutput(stderr)
			fs.PrintDefaults()
			return nil, err
		}
		return nil, usagef("%v", err)
	}
	switch {
	case fs.NArg() > 0:
		return nil, usagef("unexpected argument %q", fs.Arg(0))
	case !slices.Contains(pipeline.Profiles(), opts.profile):
		return nil, usagef("unknown profile %q: want one of %s", opts.profile, profiles)
	case opts.lab && opts.setupOnly:
		return nil, usagef("-lab and -setup do not go together")
	}
	return opts, nil
}

// resolve makes the paths absolute and fills in those that the flags left open.
func (o *options) resolve(root string) error {
	if o.runDir == "" {
		o.runDir = filepath.Join(root, "results", "runs", o.profile)
	}
	var err error
	if o.runDir, err = filepath.Abs(o.runDir); err != nil {
		return err
	}
	if o.data == "" {
		return nil
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
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), "[0-9]*.ipynb"))
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no notebooks (NN_name.ipynb) in %s", dir)
	}
	return all, err
}

// escapeGlob quotes what filepath.Glob would take for a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
