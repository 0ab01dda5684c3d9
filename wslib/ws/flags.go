package main

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/rundir"
	"weightsep/xla"
)

// runFlags are the flags of every verb that works on a run directory.
type runFlags struct {
	set     *flag.FlagSet
	run     string
	data    string
	backend string
	net     string
	own     string // directory of the user's networks
	quiet   bool
}

func newRunFlags(verb string) *runFlags {
	f := &runFlags{set: flag.NewFlagSet("ws "+verb, flag.ContinueOnError)}
	f.set.StringVar(&f.run, "run", filepath.Join("results", "runs", "ws"), "run `directory`")
	f.set.StringVar(&f.data, "data", os.Getenv(datasets.DirEnv),
		"`directory` of the original dataset files; default from the environment variable "+datasets.DirEnv)
	f.set.StringVar(&f.own, "nets", "", "`directory` of networks of one's own: NAME.onnx or NAME.json, "+
		"with NAME_train_data.npy and so on")
	f.set.StringVar(&f.backend, "backend", "auto",
		"compute backend: auto, cuda, cpu, go, or the path of a PJRT plugin")
	f.set.BoolVar(&f.quiet, "quiet", false, "no progress")
	return f
}

// withNet adds the flag that names networks.
func (f *runFlags) withNet(usage string) *runFlags {
	f.set.StringVar(&f.net, "net", "", usage)
	return f
}

// nets are the networks named by -net, separated by commas.
func (f *runFlags) nets() []string { return splitNames(f.net) }

func splitNames(s string) []string {
	var names []string
	for _, n := range strings.Split(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}

func (f *runFlags) options(a *app) pipeline.Options {
	o := pipeline.Options{Backend: f.backend, Log: a.err}
	if !f.quiet {
		o.Progress = newProgress(a.err).report
	}
	return o
}

// withOwn are the options with the user's networks: the named ones of -nets, all if none is.
func (f *runFlags) withOwn(ctx context.Context, a *app, names ...string) (pipeline.Options, error) {
	o := f.options(a)
	if f.own == "" {
		return o, nil
	}
	b, info, err := xla.Open(ctx, xla.Options{Name: f.backend, Log: a.err})
	if err != nil {
		return o, err
	}
	o.Opened = &pipeline.Opened{Backend: b, Info: info}
	o.Own, err = pipeline.ReadOwn(ctx, b, f.own, 0, names...)
	return o, err
}

// minTrainFlag adds the flag that says from how many training samples on a real dataset
// is used.
func (f *runFlags) minTrainFlag() *int {
	return f.set.Int("min", pipeline.DefaultMinTrain,
		"use the stand-in of a dataset of which fewer real training `samples` are found")
}

// dataProgress reports how far the preparing of a dataset is.
func (f *runFlags) dataProgress(a *app, name string) func(stage string, done, total int64) {
	report := f.options(a).Progress
	if report == nil {
		return nil
	}
	return func(stage string, done, total int64) { report(stage+" "+name, int(done), int(total), "") }
}

// reopen opens the run of -run, which must exist.
func (f *runFlags) reopen(ctx context.Context, a *app) (*pipeline.Run, error) {
	o, err := f.withOwn(ctx, a)
	if err != nil {
		return nil, err
	}
	return pipeline.Reopen(f.run, f.data, o)
}

// withRun opens the run of -run, which must exist, and the networks of it that -net
// names (default all), for do.
func (f *runFlags) withRun(ctx context.Context, a *app,
	do func(*pipeline.Run, []*network.Network) error) error {
	r, err := f.reopen(ctx, a)
	if err != nil {
		return err
	}
	defer r.Close()
	nets, err := network.Select(r.Networks(), f.nets()...)
	if err != nil {
		return usageError{err.Error()}
	}
	return do(r, nets)
}

// exists tells whether -run is a run already.
func (f *runFlags) exists() (bool, error) {
	_, err := os.Stat(filepath.Join(f.run, rundir.ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
