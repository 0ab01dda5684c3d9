package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/rundir"
	"weightsep/wslib/score"
	"weightsep/xla"
)

// Options of [Open].
type Options struct {
	Backend string    // as in xla.Options.Name
	Opened  *Opened   // a backend that is open already; nil: Backend is opened when it is needed
	Log     io.Writer // lines for a person; nil discards
	// Baselines is a directory that trained baselines are kept in for other runs of the
	// same configuration of them; "" keeps none.
	Baselines string
	// Teachers is the same for the networks to distil from.
	Teachers string
	// Adopt is the directory of a run whose finished stages are copied where this one would make the
	// same; "": of none.
	Adopt string
	// Own are networks of the caller's that Config.Own names.
	Own []Own
	// ReadOnly opens a run that exists, without a lock: nothing is written.
	ReadOnly bool
	// Progress is told how far a stage is; nil: nothing is.
	Progress func(stage string, done, of int, note string)
}

// Opened is an open compute backend.
type Opened struct {
	Backend compute.Backend
	Info    xla.Info
}

// Run is a run directory open for work.
type Run struct {
	config  Config
	Dir     *rundir.Dir
	options Options

	backend compute.Backend
	info    xla.Info
	data    map[string]*datasets.Dataset
	scorers map[string]*score.Scorer
	went    *earlier // the run of Config.From, when read
}

// Open opens the run in directory path, or makes a new one there. A run that
// exists must have been made with the same configuration; use [Reopen] to take
// whatever configuration it has. Close it when done.
func Open(path string, config Config, o Options) (*Run, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	nets, err := config.Select(o.Own)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, rundir.ManifestFile)); err != nil && o.Opened != nil {
		if err := config.checkMemory(o.Opened.Backend, nets); err != nil {
			return nil, err
		}
	}
	return open(path, config.Data.Dir, o, func(r *Run) error {
		if r.Dir.Manifest.Config == nil {
			return r.setConfig(config)
		}
		have, want := r.config.json(), config.json()
		if d := difference(have, want); d != "" {
			return fmt.Errorf("run directory %s was made with another configuration: choose another "+
				"directory or remove it (%s)", path, d)
		}
		return nil
	})
}

// checkMemory returns an error if training the pages would take more memory than there is. Each
// training looks again, with the networks that it trains; here is no directory yet.
func (c Config) checkMemory(backend compute.Backend, nets []*network.Network) error {
	if c.From != "" || c.Untrained() {
		return nil
	}
	var tasks []optimization.Task
	for _, n := range nets {
		tasks = append(tasks, optimization.Task{Network: n})
	}
	return optimization.CheckMemory(backend, tasks, c.Optimization, 0)
}

// Reopen opens an existing run with the configuration that it has. dataDir is the
// directory of the originals' files, "" for none.
func Reopen(path, dataDir string, o Options) (*Run, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no run: %w", err)
	}
	return open(path, dataDir, o, func(r *Run) error {
		if r.Dir.Manifest.Config == nil {
			return fmt.Errorf("no run in %s: it has no %s", path, rundir.ManifestFile)
		}
		return nil
	})
}

// open opens the run in a directory, with the configuration that it has, if it has one and ready agrees.
func open(path, dataDir string, o Options, ready func(r *Run) error) (r *Run, err error) {
	if dataDir != "" {
		if err := datasets.CheckDir(dataDir); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, string) {}
	}
	openDir := rundir.Open
	if o.ReadOnly {
		openDir = rundir.OpenRead
	}
	dir, err := openDir(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			dir.Close()
			r = nil
		}
	}()
	r = &Run{Dir: dir, options: o, data: map[string]*datasets.Dataset{}, scorers: map[string]*score.Scorer{}}
	if raw := dir.Manifest.Config; raw != nil {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&r.config); err != nil {
			return nil, fmt.Errorf("%s: config: %w", dir.File(rundir.ManifestFile), err)
		}
		r.config.Data.Dir = dataDir
		if err := r.config.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", dir.File(rundir.ManifestFile), err)
		}
		if err := r.checkOwn(); err != nil {
			return nil, err
		}
		for _, s := range dir.Manifest.Stages {
			if !owns(s) {
				return nil, fmt.Errorf("%s: stage %q with %d files is none of the run's stages",
					dir.File(rundir.ManifestFile), s.Name, len(s.Files))
			}
		}
		if err := r.readModels(); err != nil {
			return nil, err
		}
	}
	return r, ready(r)
}

// Close ends the work on the run, frees its executables and unlocks its directory.
func (r *Run) Close() error {
	for _, s := range r.scorers {
		s.Close()
	}
	clear(r.scorers)
	return r.Dir.Close()
}

// scorer is a network compiled for inference, once in the life of the run.
func (r *Run) scorer(ctx context.Context, n *network.Network) (*score.Scorer, error) {
	if s := r.scorers[n.Name]; s != nil {
		return s, nil
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	s, err := score.New(backend, n, 100)
	if err != nil {
		return nil, err
	}
	r.scorers[n.Name] = s
	return s, nil
}

// Networks are the descriptions of the run's networks, in order of formation. Their
// weights are in the configuration's order, in the run directory too.
func (r *Run) Networks() []*network.Network {
	nets, err := r.config.Select(r.options.Own)
	if err != nil {
		panic(err) // the configuration was validated, own models were read
	}
	return nets
}

// Backend is the run's compute backend, opened on first use.
func (r *Run) Backend(ctx context.Context) (compute.Backend, error) {
	if r.backend == nil {
		var err error
		if o := r.options.Opened; o != nil {
			r.backend, r.info = o.Backend, o.Info
		} else if r.backend, r.info, err = xla.Open(ctx,
			xla.Options{Name: r.options.Backend, Log: r.options.Log}); err != nil {
			return nil, err
		}
		if r.Dir.Manifest.Backend, err = json.Marshal(r.info); err != nil {
			return nil, err
		}
	}
	return r.backend, nil
}

// Data is a network's dataset, opened on first use. It is an error if the run was
// made with other data, for example with real files that are not given now: what
// is in the run says nothing about these samples.
func (r *Run) Data(ctx context.Context, name string) (*datasets.Dataset, error) {
	if d := r.data[name]; d != nil {
		return d, nil
	}
	if own := r.own(name); own != nil {
		return r.keepData(name, own.data())
	}
	o := r.config.Data.Options()
	o.Progress = func(stage string, done, total int64) {
		r.options.Progress(stage+" "+name, int(done), int(total), "")
	}
	d, err := datasets.Open(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return r.keepData(name, d)
}

// data are the samples of a caller's network; what is missing is empty.
func (o *Own) data() *datasets.Dataset {
	d := datasets.Dataset{Provenance: datasets.Provenance{Kind: datasets.OwnData, Source: "no samples"}}
	if o.Data != nil {
		d = o.Data.Dataset
	}
	d.Name, d.Shape, d.Classes = o.Network.Name, o.Network.Input(), o.Network.Outputs()
	for _, s := range []**datasets.Split{&d.Train, &d.Validation, &d.Test} {
		if *s == nil {
			*s = &datasets.Split{}
		}
	}
	return &d
}

// keepData checks that data are those that the run was made with, and keeps them open.
func (r *Run) keepData(name string, d *datasets.Dataset) (*datasets.Dataset, error) {
	have, known, err := r.provenance(name)
	if err != nil {
		return nil, err
	}
	if now := d.Provenance; known && (!have.SameFiles(now) || have.Train != now.Train ||
		have.Test != now.Test) {
		return nil, fmt.Errorf("run directory %s was made with other %s data: %s; now there is %s: give "+
			"the same data directory (-nets, -data or %s) or another run directory",
			r.Dir.Path, name, have, now, datasets.DirEnv)
	}
	r.data[name] = d
	return d, nil
}

// provenance is what the run was made with, if it got that far.
func (r *Run) provenance(name string) (p datasets.Provenance, known bool, err error) {
	all, err := r.allProvenance()
	p, known = all[name]
	return p, known, err
}

func (r *Run) allProvenance() (all map[string]datasets.Provenance, err error) {
	if r.Dir.Manifest.Data == nil {
		return map[string]datasets.Provenance{}, nil
	}
	if err = json.Unmarshal(r.Dir.Manifest.Data, &all); err != nil {
		err = fmt.Errorf("%s: data: %w", r.Dir.File(rundir.ManifestFile), err)
	}
	return all, err
}

// complete tells whether a stage is done and undamaged. What is damaged is said, and made anew.
func (r *Run) complete(stage string) (bool, error) {
	err := r.done(stage)
	if err == nil {
		if err = r.Dir.Check(stage); errors.Is(err, rundir.ErrDamaged) && !r.Dir.ReadOnly() {
			fmt.Fprintf(r.options.Log, "%v: stage %s is made anew\n", err, stage)
			return false, nil
		}
	}
	if errors.Is(err, ErrNotDone) {
		return false, nil
	}
	return err == nil, err
}

// stage runs one stage unless its result is there already, here or in the run that this one goes on
// from. work returns the files that it wrote, relative to the run.
func (r *Run) stage(name string, work func() ([]string, error)) error {
	if complete, err := r.complete(name); complete || err != nil {
		return err
	}
	if r.Dir.ReadOnly() {
		return fmt.Errorf("stage %s: %w, and the run is open for reading", name, ErrNotDone)
	}
	id, err := r.id(name)
	if err != nil {
		return err
	}
	// Before its files are overwritten: should that be interrupted, the stage is not done, not damaged.
	if err := r.Dir.Drop(name); err != nil {
		return err
	}
	start := time.Now()
	files, err := r.adopt(name, id)
	if err == nil && files == nil {
		files, err = work()
	}
	if err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	if err := r.Dir.Commit(rundir.Stage{Name: name, ID: id, Seconds: seconds}, files); err != nil {
		return err
	}
	r.options.Progress(name, 1, 1, fmt.Sprintf("done in %.1f s", seconds))
	return nil
}

// ErrNotDone says that a stage's result was asked for before the stage was run.
var ErrNotDone = errors.New("not done yet in this run")

// All runs every stage that is not complete.
func (r *Run) All(ctx context.Context) error {
	for _, stage := range []func(context.Context) error{
		r.Baselines, r.Fisher, r.Overlap, r.Teachers, r.Optimize, r.Evaluate, r.Bench,
	} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}
