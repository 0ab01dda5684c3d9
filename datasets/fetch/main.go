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
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

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
		client:   &download.Client{},
		sources:  datasets.Sources,
		free:     freeSpace,
	}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// app is what the command works with.
type app struct {
	in       io.Reader
	terminal bool // a person is at in
	out      *checked
	err      io.Writer
	client   *download.Client
	sources  func(name string) ([]datasets.Source, error)
	free     func(dir string) (int64, bool)
}

// run returns the exit code: 2 is a wrong command line, 130 an interruption, 1 any
// other error.
func (a *app) run(ctx context.Context, args []string) int {
	o := newOptions()
	o.set.SetOutput(a.err)
	root := &ffcli.Command{
		Name:       "fetch",
		ShortUsage: "fetch [flags] [names]",
		ShortHelp:  "Download the files of the datasets.",
		LongHelp:   "Without names, all datasets are fetched: " + list(datasets.Names()) + ".",
		FlagSet:    o.set,
		Exec: func(ctx context.Context, names []string) error {
			if err := o.check(names); err != nil {
				return err
			}
			a.client.Stall = o.timeout
			if o.list {
				return a.list(o)
			}
			return a.fetch(ctx, o)
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
