package main

import (
	"flag"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// usage is a verb's help: ffcli's but for the flags, which are as the flag package prints
// them, for a long default would push ffcli's column of what they mean off the screen.
func usage(c *ffcli.Command) string {
	flags := c.FlagSet
	if len(c.Subcommands) > 0 {
		return ffcli.DefaultUsageFunc(c)
	}
	bare := *c
	bare.FlagSet = flag.NewFlagSet("", flag.ContinueOnError)
	var b strings.Builder
	b.WriteString(strings.TrimRight(ffcli.DefaultUsageFunc(&bare), "\n"))
	b.WriteString("\n\nFLAGS\n")
	out := flags.Output()
	flags.SetOutput(&b)
	flags.PrintDefaults()
	flags.SetOutput(out)
	return b.String()
}
