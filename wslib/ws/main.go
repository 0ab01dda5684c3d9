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
	"strings"
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
			a.runCommand(), a.listCommand(), a.costCommand(), a.evalCommand(), a.benchCommand(),
			a.figuresCommand(), a.verifyCommand(), a.exportCommand(), a.importCommand(), a.overlapCommand(),
			a.trainCommand(), a.dataCommand(), a.gridCommand(), a.claimsCommand(),
		},
		Exec: func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("unknown verb %q", args[0])
			}
			return flag.ErrHelp
		},
	}
	var help bytes.Buffer // what the flag package prints of its own
	see := "ws"
	root.FlagSet.SetOutput(&help)
	for _, c := range root.Subcommands {
		c.FlagSet.SetOutput(&help)
		if len(args) > 0 && c.Name == args[0] {
			see = c.FlagSet.Name()
		}
	}
	err := root.Parse(args)
	if err == nil {
		if err = root.Run(ctx); err == nil {
			err = out.err
		}
	} else if !errors.Is(err, flag.ErrHelp) {
		for within := err; within != nil; within = errors.Unwrap(within) {
			err = within
		}
		err = wrong(err)
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		io.Copy(stderr, &help)
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "ws: %v; see %s -h\n", usage, see) // without the list of all flags
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

// checked remembers the first error of writing: that a result is not printed is the command's error.
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
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// wrong makes an error, if there is one, one of the command line.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return usageError(err.Error())
}

// verb is a command with these flags. usage is its flags, or several forms of them with " | " between
// them; help is a line for the list of verbs, and below it what else there is to say.
func (f *flags) verb(usage, help string, exec func(context.Context) error) *ffcli.Command {
	name := f.set.Name()
	short, long, _ := strings.Cut(help, "\n")
	return &ffcli.Command{
		Name: strings.TrimPrefix(name, "ws "), FlagSet: f.set, ShortHelp: short, LongHelp: long,
		ShortUsage: name + " " + strings.ReplaceAll(usage, " | ", " | "+name+" "), UsageFunc: printUsage,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("%s takes flags only, got %q", name, args[0])
			}
			return exec(ctx)
		},
	}
}

// printUsage prints a verb's help: ffcli's but for the flags, which are as the flag package prints
// them, for a long default would push ffcli's column of what they mean off the screen.
func printUsage(c *ffcli.Command) string {
	bare := *c
	bare.FlagSet = flag.NewFlagSet("", flag.ContinueOnError)
	fmt.Fprintf(c.FlagSet.Output(), "%s\n\nFLAGS\n", strings.TrimRight(ffcli.DefaultUsageFunc(&bare), "\n"))
	c.FlagSet.PrintDefaults()
	return ""
}
