// Command ws does weight separation from the command line: many small networks
// packed into shared and exclusive pages, trained, executed, measured.
//
//	go run ./wslib/ws run           the whole pipeline on the ten networks
//	go run ./wslib/ws <verb> -h     what a verb does and its flags
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/peterbourgon/ff/v3/ffcli"

	_ "weightsep/xla/keepmemory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with everything given: it returns the exit code. 2 is a wrong
// command line, 130 an interruption, 1 any other error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &checked{w: stdout}
	a := &app{out: out, err: stderr}
	root := &ffcli.Command{
		Name:       "ws",
		ShortUsage: "ws <verb> [flags]",
		ShortHelp:  "Weight separation: many small networks in one small memory.",
		FlagSet:    flag.NewFlagSet("ws", flag.ContinueOnError),
		Subcommands: []*ffcli.Command{
			a.runCommand(), a.listCommand(), a.addCommand(), a.removeCommand(), a.trainCommand(),
			a.fisherCommand(), a.costCommand(), a.evalCommand(), a.benchCommand(), a.figuresCommand(),
			a.overlapCommand(), a.importCommand(), a.exportCommand(), a.dataCommand(), a.gridCommand(),
		},
		Exec: func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("unknown verb %q", args[0])
			}
			return flag.ErrHelp
		},
	}
	var help bytes.Buffer // what the flag package prints of its own
	for _, c := range append([]*ffcli.Command{root}, root.Subcommands...) {
		c.FlagSet.SetOutput(&help)
		c.UsageFunc = usage
		if exec := c.Exec; c != root {
			c.Exec = func(ctx context.Context, args []string) error {
				if len(args) > 0 {
					return usagef("ws %s takes flags only, got %q", c.Name, args[0])
				}
				return exec(ctx, args)
			}
		}
	}
	see := "ws"
	if len(args) > 0 && slices.ContainsFunc(root.Subcommands,
		func(c *ffcli.Command) bool { return c.Name == args[0] }) {
		see = "ws " + args[0]
	}
	if err := root.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			io.Copy(stderr, &help)
			return 0
		}
		for within := err; within != nil; within = errors.Unwrap(within) {
			err = within
		}
		fmt.Fprintf(stderr, "ws: %v; see %s -h\n", err, see) // without the list of all flags
		return 2
	}
	err := root.Run(ctx)
	if err == nil {
		err = out.err
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		io.Copy(stderr, &help)
		return 0
	case errors.As(err, &usage):
		for within := err; within != nil; within = errors.Unwrap(within) {
			err = within
		}
		fmt.Fprintf(stderr, "ws: %v; see %s -h\n", err, see)
		return 2
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "\nws: interrupted. What is complete is kept; the same command goes on "+
			"from there.")
		return 130
	}
	fmt.Fprintln(stderr, "ws:", err)
	return 1
}

// app is where the verbs write.
type app struct{ out, err io.Writer }

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
