package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/claims"
)

func (a *app) claimsCommand() *ffcli.Command {
	f := &flags{app: a, set: flag.NewFlagSet("ws claims", flag.ContinueOnError)}
	dir := f.set.String("results", "results", "`directory` of the documented runs")
	return f.verb("[-results DIR]",
		"every claim of the paper and of this project, with what came out and a verdict\n"+
			"results/claims.md is what it prints.",
		func(context.Context) error {
			paper, ours, err := claims.Documented(os.DirFS(*dir))
			if err == nil {
				fmt.Fprint(f.out, claims.Markdown(paper, ours))
			}
			return err
		})
}
