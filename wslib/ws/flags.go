package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"weightsep/datasets"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/rundir"
	"weightsep/xla"
)

// flags are those of a verb that works on a run directory.
type flags struct {
	*app
	set     *flag.FlagSet
	run     string
	data    string
	backend string
	net     string
	own     string // directory of the user's networks
	quiet   bool

	config *option.Flags // those that replace values of a configuration; nil: the verb has none

	// what may be stored, instead of how
	ratio         float64
	bytes, level1 int
}

// flags are the flags that such verbs have in common. net is what -net means; "": there is none.
func (a *app) flags(verb, net string) *flags {
	f := &flags{app: a, set: flag.NewFlagSet("ws "+verb, flag.ContinueOnError)}
	f.set.StringVar(&f.run, "run", filepath.Join("results", "runs", "ws"), "run `directory`")
	f.set.StringVar(&f.data, "data", os.Getenv(datasets.DirEnv),
		"`directory` of the original dataset files; default from the environment variable "+datasets.DirEnv)
	f.set.StringVar(&f.own, "nets", "", "`directory` of networks of one's own: NAME.onnx or NAME.json, "+
		"with NAME_train_data.npy and so on")
	f.set.StringVar(&f.backend, "backend", "auto",
		"compute backend: auto, cuda, cpu, go, or the path of a PJRT plugin")
	f.set.BoolVar(&f.quiet, "quiet", false, "no progress")
	if net != "" {
		f.set.StringVar(&f.net, "net", "", net)
	}
	return f
}

// nets are the networks named by -net, separated by commas.
func (f *flags) nets() []string { return splitNames(f.net) }

func splitNames(s string) []string {
	var names []string
	for n := range strings.SplitSeq(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}

// ten are those of the ten networks that -net names, default all.
func (f *flags) ten() ([]*network.Network, error) {
	nets, err := network.Select(network.Ten(), f.nets()...)
	return nets, wrong(err)
}

func (f *flags) isSet(name string) bool {
	found := false
	f.set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// refuse reports the first of the named flags that is given. format has a verb for its name.
func (f *flags) refuse(format string, names ...string) error {
	if i := slices.IndexFunc(names, f.isSet); i >= 0 {
		return usagef(format, names[i])
	}
	return nil
}

// onlyThese reports a flag that is given and is none of names.
func (f *flags) onlyThese(what string, names ...string) (err error) {
	f.set.Visit(func(f *flag.Flag) {
		if err == nil && !slices.Contains(names, f.Name) {
			err = usagef("%s does not know -%s", what, f.Name)
		}
	})
	return err
}

// open opens the backend.
func (f *flags) open(ctx context.Context) (*pipeline.Opened, error) {
	b, info, err := xla.Open(ctx, xla.Options{Name: f.backend, Log: f.err})
	return &pipeline.Opened{Backend: b, Info: info}, err
}

// dataset opens the dataset of a network.
func (f *flags) dataset(ctx context.Context, name string, o datasets.Options) (*datasets.Dataset, error) {
	report := f.progress()
	o.Dir = f.data
	o.Progress = func(stage string, done, total int64) { report(stage+" "+name, int(done), int(total), "") }
	return datasets.Open(ctx, name, o)
}

// options are those of a run, with the user's networks.
func (f *flags) options(ctx context.Context) (o pipeline.Options, err error) {
	o = pipeline.Options{Backend: f.backend, Log: f.err, Progress: f.progress()}
	if f.own == "" {
		return o, nil
	}
	if o.Opened, err = f.open(ctx); err != nil {
		return o, err
	}
	o.Own, err = pipeline.ReadOwn(ctx, o.Opened.Backend, f.own, 0)
	return o, err
}

// exists tells whether -run is a run already. That it cannot be read is an error of reopen.
func (f *flags) exists() bool {
	_, err := os.Stat(filepath.Join(f.run, rundir.ManifestFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// reopen opens the run of -run, which must exist.
func (f *flags) reopen(ctx context.Context) (*pipeline.Run, error) {
	o, err := f.options(ctx)
	if err != nil {
		return nil, err
	}
	return pipeline.Reopen(f.run, f.data, o)
}

// onRun does something with the run of -run, which must exist, and the networks of it that -net names
// (default all).
func (f *flags) onRun(
	do func(context.Context, *pipeline.Run, []*network.Network) error,
) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := f.reopen(ctx)
		if err != nil {
			return err
		}
		defer r.Close()
		nets, err := network.Select(r.Networks(), f.nets()...)
		if err != nil {
			return wrong(err)
		}
		return do(ctx, r, nets)
	}
}

// progress tells how far a stage is, unless -quiet.
func (f *flags) progress() func(stage string, done, of int, note string) {
	if f.quiet {
		return func(string, int, int, string) {}
	}
	file, ok := f.err.(*os.File)
	p := &progress{w: f.err, bars: ok && term.IsTerminal(int(file.Fd()))}
	return p.report
}

// progress shows how far a stage is: a bar on a terminal, now and then a line
// elsewhere.
type progress struct {
	w     io.Writer
	bars  bool
	stage string
	bar   *progressbar.ProgressBar
	last  time.Time
}

func (p *progress) report(stage string, done, of int, note string) {
	if !p.bars {
		if done == of || note != "" && of > 20 || time.Since(p.last) > 10*time.Second {
			p.last = time.Now()
			fmt.Fprintf(p.w, "%-18s %d/%d %s\n", stage, done, of, note)
		}
		return
	}
	if p.bar == nil || stage != p.stage || p.bar.GetMax() != of {
		if p.bar != nil {
			p.bar.Exit()
			fmt.Fprintln(p.w)
		}
		p.stage = stage
		p.bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30))
	}
	if note != "" {
		note = " " + note
	}
	p.bar.Describe(fmt.Sprintf("%-16s%s", stage, note))
	p.bar.Set(done)
}
