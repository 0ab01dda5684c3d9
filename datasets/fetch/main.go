// Command fetch downloads the files that the datasets are read from, some 11 GB in
// all, into a folder per dataset.
//
//	go run ./datasets/fetch                  all of them
//	go run ./datasets/fetch cifar10 fmnist   two
//	go run ./datasets/fetch -list            what there is and what is missing
//	go run ./datasets/fetch -h               the flags
//
// What is there and right is not downloaded again, what was interrupted is resumed.
// The files are checked against the published sums; mnist, which comes with a Go
// module, is for those who want the original files.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
	"golang.org/x/term"

	"weightsep/datasets"
	"weightsep/datasets/download"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	a := &app{
		in:       os.Stdin,
		terminal: term.IsTerminal(int(os.Stdin.Fd())),
		out:      &checked{w: os.Stdout},
		err:      os.Stderr,
		client:   &download.Client{Free: download.FreeSpace},
		sources:  datasets.Sources,
	}
	os.Exit(a.run(ctx, os.Args[1:]))
}

// app is what the command works with.
type app struct {
	in       io.Reader
	terminal bool // a person is at in
	out      *checked
	err      io.Writer
	client   *download.Client
	sources  func(name string) ([]datasets.Source, error)
	options
}

// options are the command line; the flag -timeout is in the client.
type options struct {
	names   []string // of datasets, in the order given
	all     bool     // no names were given
	data    string
	yes     bool
	list    bool
	mirrors []string // bases, without a slash at the end
}

// run returns the exit code: 2 is a wrong command line, 130 an interruption, 1 any
// other error.
func (a *app) run(ctx context.Context, args []string) int {
	set := flag.NewFlagSet("fetch", flag.ContinueOnError)
	set.SetOutput(a.err)
	a.setFlags(set)
	root := &ffcli.Command{
		Name:       "fetch",
		ShortUsage: "fetch [flags] [names]",
		ShortHelp:  "Download the files of the datasets.",
		LongHelp:   "Without names, all datasets are fetched: " + list(datasets.Names()) + ".",
		FlagSet:    set,
		Exec: func(ctx context.Context, names []string) error {
			if err := a.check(names); err != nil {
				return err
			}
			return a.fetch(ctx)
		},
	}
	if err := root.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2 // the flag package has printed what is wrong
	}
	err := root.Run(ctx)
	if err == nil {
		err = a.out.err
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(a.err, "fetch: %v\nSee fetch -h.\n", err)
		return 2
	case ctx.Err() != nil:
		fmt.Fprintln(a.err, "\nfetch: interrupted. What has come is kept; the same command resumes.")
		return 130
	}
	fmt.Fprintln(a.err, "fetch:", err)
	return 1
}

func (a *app) setFlags(set *flag.FlagSet) {
	a.options = options{}
	set.StringVar(&a.data, "data", cmp.Or(os.Getenv(datasets.DirEnv), "data"),
		"`directory` for a folder per dataset; default from the environment variable "+
			datasets.DirEnv+" or else data")
	set.BoolVar(&a.yes, "yes", false, "download more than 1 GB without asking")
	set.BoolVar(&a.list, "list", false, "download nothing, list the files")
	set.DurationVar(&a.client.Stall, "timeout", 30*time.Second,
		"give up an attempt that brings no byte for so long")
	set.Func("mirror", "`address` to look at first, as ADDRESS/DATASET/FILE; may be repeated",
		func(s string) error {
			u, err := url.Parse(s)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				return errors.New("want an address that starts with http:// or https://")
			}
			a.mirrors = append(a.mirrors, strings.TrimRight(s, "/"))
			return nil
		})
}

// check takes the names and looks for what is wrong in the flags.
func (a *app) check(names []string) error {
	for _, n := range names {
		if strings.HasPrefix(n, "-") {
			return usagef("%s after a name: flags come first", n)
		}
		if !slices.Contains(datasets.Names(), n) {
			return usagef("unknown dataset %q: want some of %s", n, list(datasets.Names()))
		}
		if !slices.Contains(a.names, n) {
			a.names = append(a.names, n)
		}
	}
	if len(names) == 0 {
		a.names, a.all = datasets.Names(), true
	}
	if a.client.Stall <= 0 {
		return usagef("-timeout %v: want more than 0", a.client.Stall)
	}
	if a.data == "" {
		return usagef("-data: want a directory")
	}
	return nil
}

func list(names []string) string { return strings.Join(names, ", ") }

// checked remembers the first error of writing, so that a result that could not be
// printed is an error of the command.
type checked struct {
	w   io.Writer
	err error
}

func (c *checked) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("write results: %w", err)
	}
	return n, err
}

// usageError is a wrong command line.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }
