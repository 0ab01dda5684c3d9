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
	out       string // directory that holds the runs
	name      string // this run's name in out
	notebooks string // directory with the notebooks
	only      string
	lab       bool
	setupOnly bool

	runDir  string   // out and name, absolute; set by resolve
	sources []string // the notebooks to run, in order; set by resolve
}

// A usageError is a mistake on the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

const usageText = `Usage: go run ./notebooks [flags]

Sets up Jupyter and the Go kernel (once), runs the notebooks in order, and writes
executed copies and HTML to RUN/notebooks, where RUN is the run directory
(results/runs/PROFILE unless -out and -run say otherwise).

  go run ./notebooks                  run all of them, in the quick profile
  go run ./notebooks -profile smoke   only see that everything works
  go run ./notebooks -only 01,03      run two of them; 03 reads what an earlier run left
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
	opts := new(options)
	fs := flag.NewFlagSet("notebooks", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&opts.profile, "profile", "quick", "size of the run: "+strings.Join(pipeline.Profiles(), ", "))
	fs.StringVar(&opts.data, "data", "", "`directory` that holds the data sets")
	fs.StringVar(&opts.out, "out", "", "`directory` that holds the runs (default results/runs in the checkout)")
	fs.StringVar(&opts.name, "run", "", "`name` of the run's directory (default the profile's name)")
	fs.StringVar(&opts.notebooks, "notebooks", "", "`directory` with the notebooks (default notebooks in the checkout)")
	fs.StringVar(&opts.only, "only", "", "`numbers` of the notebooks to run, such as 01,03 (default all)")
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
		return nil, usagef("unknown profile %q: want one of %s", opts.profile, strings.Join(pipeline.Profiles(), ", "))
	case opts.lab && opts.setupOnly:
		return nil, usagef("-lab and -setup do not go together")
	case opts.lab && opts.only != "":
		return nil, usagef("-lab and -only do not go together")
	}
	if opts.name == "" {
		opts.name = opts.profile
	}
	if opts.name != filepath.Base(opts.name) || strings.HasPrefix(opts.name, ".") {
		return nil, usagef("-run %q: want a plain name; -out gives the directory", opts.name)
	}
	return opts, nil
}

// resolve makes the paths absolute, fills in those that the flags left open, and finds
// the notebooks.
func (o *options) resolve(root string) error {
	if o.out == "" {
		o.out = filepath.Join(root, "results", "runs")
	}
	if o.notebooks == "" {
		o.notebooks = filepath.Join(root, "notebooks")
	}
	for _, p := range []*string{&o.data, &o.out, &o.notebooks} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	o.runDir = filepath.Join(o.out, o.name)
	if o.data != "" && !isDir(o.data) {
		return usagef("-data %s: no such directory", o.data)
	}
	if !isDir(o.notebooks) {
		return usagef("-notebooks %s: no such directory", o.notebooks)
	}
	if o.lab || o.setupOnly {
		return nil
	}
	var err error
	o.sources, err = findNotebooks(o.notebooks, o.only)
	return err
}

// findNotebooks returns the notebooks of dir whose names start with a number, in order.
// If only is not empty, it lists the numbers to take, with commas between them.
func findNotebooks(dir, only string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), "[0-9]*.ipynb"))
	if err != nil {
		return nil, err
	}
	slices.Sort(all)
	if len(all) == 0 {
		return nil, fmt.Errorf("no notebooks (NN_name.ipynb) in %s", dir)
	}
	if only == "" {
		return all, nil
	}
	wanted := make(map[string]bool) // number to whether it was found
	for n := range strings.SplitSeq(only, ",") {
		wanted[trimNumber(strings.TrimSpace(n))] = false
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(path string) bool {
		n := number(path)
		_, ok := wanted[n]
		if ok {
			wanted[n] = true
		}
		return !ok
	})
	for n, found := range wanted {
		if !found {
			return nil, usagef("-only %s: no notebook %q in %s", only, n, dir)
		}
	}
	return chosen, nil
}

// number returns the number that a notebook's file name starts with, without zeros in
// front.
func number(path string) string {
	base := filepath.Base(path)
	return trimNumber(base[:len(base)-len(strings.TrimLeft(base, "0123456789"))])
}

func trimNumber(s string) string {
	if t := strings.TrimLeft(s, "0"); t != "" || s == "" {
		return t
	}
	return "0"
}

// escapeGlob quotes what filepath.Glob would take for a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
