// Command notebooks sets up what the walkthrough needs and runs it.
//
// Usage:
//
//	go run ./notebooks [flags]
//
// The first run makes a Python environment with JupyterLab, builds the GoNB kernel
// and fetches the XLA plugin, all in the user's cache directory; later runs find them
// there. Then the notebooks run in order, and their executed copies are written, with
// HTML beside them, to the run directory. The notebooks themselves stay as they are.
//
// The command exits with 0 when every notebook ran, 1 when one failed, 2 for wrong
// flags and 130 when it was interrupted. (go run reports its own status, 1, for the
// last two.)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
)

// Exit codes.
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
	var usage *usageError
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
