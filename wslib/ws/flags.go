package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
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
	ratio float64
	bytes int
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

// onTen reports that networks of the user's are given to what knows the ten alone.
func (f *flags) onTen(what string) error {
	return f.refuse(what+" is of the ten networks: leave out -%s", "nets")
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

type doRun func(context.Context, *pipeline.Run, []*network.Network) error

// reading does something with the run of -run, which must exist, and the networks of it that -net names,
// default all. Others may do so at the same time, and nothing is written into the run.
func (f *flags) reading(do doRun) func(context.Context) error {
	return func(ctx context.Context) error {
		o, err := f.options(ctx)
		if err != nil {
			return err
		}
		o.ReadOnly = true
		r, err := pipeline.Reopen(f.run, f.data, o)
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

// progress shows how far a stage is: a bar on a terminal, now and then a line elsewhere.
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

func (f *flags) budgetFlags() {
	f.set.Float64Var(&f.ratio, "ratio", 0,
		"budget: packing `ratio` in bytes, everything counted; instead of pages and precision")
	f.set.Func("bytes", "budget: `bytes` in all, as in 80KB; instead of -ratio", parseBytes(&f.bytes))
}

// parseBytes reads a number of bytes, as in 80000, 80KB or 0.08MB.
func parseBytes(to *int) func(text string) error {
	return func(text string) error {
		number, unit := text, 1.0
		for suffix, n := range map[string]float64{"KB": 1e3, "MB": 1e6} {
			if cut, ok := strings.CutSuffix(text, suffix); ok {
				number, unit = cut, n
			}
		}
		v, err := strconv.ParseFloat(number, 64)
		whole := math.Round(v * unit) // 64.1 times 1000 is not 64100
		if err != nil || !(whole >= 1 && whole <= math.MaxInt32) || math.Abs(v*unit-whole) > 1e-6 {
			return errors.New("want a number of bytes, as in 80000 or 80KB")
		}
		*to = int(whole)
		return nil
	}
}

// apply sets the networks and values that were given, and what follows from them. It reports flags
// that contradict each other.
func (f *flags) apply(c *pipeline.Config) error {
	if nets := f.nets(); nets != nil {
		c.Networks = nets
	}
	if err := f.config.Apply(c); err != nil {
		return wrong(err)
	}
	if other := f.config.Other("only", c.Optimization.Method); other != "" {
		return usagef("%s optimization has no -%s", c.Optimization.Method, other)
	}
	p := &c.Pages
	alternating := c.Optimization.Method == optimization.AlternatingMethod
	if alternating && f.isSet("method") && !f.isSet("placement") {
		p.Placement = pipeline.GreedyPlacement
	}
	balanced := p.Placement == pipeline.BalancedPlacement
	if balanced && f.isSet("placement") {
		p.Doubling = true
	}
	if !balanced && alternating {
		p.Doubling = false // of a profile that places otherwise
	}
	if c.From != "" || balanced { // networks that join are placed by load
		return nil
	}
	if f.isSet("load") || f.isSet("spread") {
		return usagef("-load and -spread need -placement %s", pipeline.BalancedPlacement)
	}
	p.Load, p.LoadSpread = optimization.Each{"": 1}, 0
	return nil
}

// ofProfile makes the profile's packing ratio the budget of the ten networks where neither a budget nor
// pages are given.
func (f *flags) ofProfile(profile string) {
	chosen := []string{"ratio", "bytes", "net", "nets", "from", "method", "placement", "keys"}
	if !slices.ContainsFunc(append(chosen, ofBudget...), f.isSet) && pipeline.Ratio(profile) > 0 {
		f.set.Set("ratio", fmt.Sprint(pipeline.Ratio(profile)))
	}
}

// ofBudget are the flags of what a budget chooses.
var ofBudget = []string{"shared", "exclusive", "margin", "tpr", "exclusive-precision"}

// applyBudget takes pages and precision from the budget, if one is given, and says which.
func (f *flags) applyBudget(ctx context.Context, c *pipeline.Config, o pipeline.Options) error {
	total, err := f.budget(*c, o.Own)
	if err != nil {
		return err
	}
	var limit budget.Budget
	if total == 0 && c.Untrained() {
		total, limit.Precision = math.MaxInt32, page.Int8
	}
	if total == 0 {
		_, err := pipeline.Allot(ctx, f.run, c, limit, o)
		return err
	}
	if err := f.refuse("a budget chooses pages by itself: leave out -%s", ofBudget...); err != nil {
		return err
	}
	limit.Total = total
	if f.isSet("precision") {
		limit.Precision = c.Pages.Precision
	}
	if f.isSet("scales") {
		limit.ScaleFormat = c.Pages.ScaleFormat
	}
	if f.isSet("keys") {
		limit.Keys = budget.NoKeys // unless the configuration has them
	}
	looked := *c
	plan, err := looked.ApplyBudget(o.Own, limit)
	if err == nil {
		err = looked.Validate()
	}
	if err != nil {
		return wrong(err)
	}
	f.announce(min(total, plan.Bytes), plan)
	_, err = pipeline.Allot(ctx, f.run, c, limit, o)
	return err
}

// budget is the budget in bytes for the networks of a configuration, 0 if none is given.
func (f *flags) budget(c pipeline.Config, own []pipeline.Own) (int, error) {
	if !f.isSet("ratio") {
		return f.bytes, nil
	}
	if f.bytes != 0 {
		return 0, usagef("-ratio and -bytes are two ways to say the same: give one")
	}
	total, err := c.Budget(own, f.ratio)
	return total, wrong(err)
}

func (f *flags) announce(total int, plan budget.Plan) {
	fmt.Fprintf(f.err, "budget of %d bytes: %d shared pages of %v, at most %s exclusive ones a network of "+
		"%v, scales as %s%s: %d bytes, %d of them in device memory\n",
		total, plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat,
		plan.KeysText(), plan.Bytes, plan.Level1)
}
