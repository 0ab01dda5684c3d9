package main

import (
	"flag"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"weightsep/datasets"
)

// options are the command line.
type options struct {
	set     *flag.FlagSet
	names   []string // of datasets, in the order given
	all     bool     // no names were given
	data    string
	yes     bool
	list    bool
	timeout time.Duration
	mirrors []string // bases, without a slash at the end
	accept  []string // names of datasets
}

func newOptions() *options {
	o := &options{set: flag.NewFlagSet("fetch", flag.ContinueOnError)}
	dir := os.Getenv(datasets.DirEnv)
	if dir == "" {
		dir = "data"
	}
	o.set.StringVar(&o.data, "data", dir, "`directory` for a folder per dataset; default from the environment variable "+datasets.DirEnv+" or else data")
	o.set.BoolVar(&o.yes, "yes", false, "download more than 1 GB without asking")
	o.set.BoolVar(&o.list, "list", false, "download nothing, list the files")
	o.set.DurationVar(&o.timeout, "timeout", 30*time.Second, "give an attempt up when no byte comes for so long")
	o.set.Func("mirror", "`address` to look at first, as ADDRESS/DATASET/FILE; may be repeated", func(s string) error {
		o.mirrors = append(o.mirrors, s)
		return nil
	})
	o.set.Func("accept", "`names` of datasets whose files are kept although they are not the published ones; their own sums are recorded", func(s string) error {
		o.accept = append(o.accept, split(s)...)
		return nil
	})
	return o
}

// check takes the names and looks for what is wrong in the flags.
func (o *options) check(names []string) error {
	for _, n := range names {
		if strings.HasPrefix(n, "-") {
			return usagef("%s after a name: flags come first", n)
		}
		if !slices.Contains(datasets.Names(), n) {
			return usagef("unknown dataset %q: want some of %s", n, list(datasets.Names()))
		}
		if !slices.Contains(o.names, n) {
			o.names = append(o.names, n)
		}
	}
	if len(names) == 0 {
		o.names, o.all = datasets.Names(), true
	}
	for _, n := range o.accept {
		if !slices.Contains(o.names, n) {
			return usagef("-accept %s: not one of the datasets to fetch: %s", n, list(o.names))
		}
	}
	for i, m := range o.mirrors {
		u, err := url.Parse(m)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usagef("-mirror %s: want an address that starts with http:// or https://", m)
		}
		o.mirrors[i] = strings.TrimRight(m, "/")
	}
	if o.timeout <= 0 {
		return usagef("-timeout %v: want more than 0", o.timeout)
	}
	if o.data == "" {
		return usagef("-data: want a directory")
	}
	return nil
}

// split takes names apart that are separated by commas.
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func list(names []string) string { return strings.Join(names, ", ") }
