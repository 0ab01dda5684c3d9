package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/page"
	"weightsep/wslib/rundir"
)

// Names of the stages, in order. Baselines, Fisher information and teachers are a stage for
// each network, so that one more network does not redo the others.
const (
	stageOverlap  = "overlap"
	stageOptimize = "optimize"
	stageEvaluate = "evaluate"
	stageBench    = "bench"

	// Of a pilot:
	stageShown = "shown"
)

func stageBaseline(name string) string { return "baseline " + name }
func stageFisher(name string) string   { return "fisher " + name }
func stageTeacher(name string) string  { return "teacher " + name }

// gradients is the version of the gradients that baselines and Fisher information come
// from: before 2, those of networks with kernels of even size were wrong. What is of
// another version is made anew.
const gradients = 2

// benchmark, evaluated and shownVersion are versions of what is measured and kept of it.
const benchmark, evaluated, shownVersion = 2, 2, 2

// id is a hash of everything that decides the result of a stage: its part of the configuration, and
// the ids of the stages that it builds on. It follows from the configuration as it is now, so the
// result of another one has another id.
func (r *Run) id(stage string) (string, error) {
	c := r.config
	kind, name, _ := strings.Cut(stage, " ")
	var own any
	var on []string
	switch kind {
	case "baseline":
		samples, known, err := r.samples(name)
		if err != nil {
			return "", err
		}
		if !known {
			return "", fmt.Errorf("stage %s: %w: its data are not known", stage, ErrNotDone)
		}
		samples.Note = "" // why they are these samples is not what they are
		for _, n := range r.Networks() {
			if n.Name == name {
				own = []any{gradients, n.Name, n.Architecture(), c.Own[name], samples, c.Data, c.Baseline}
			}
		}
	case "fisher":
		own, on = []any{gradients, c.Pages.FisherSamples}, []string{stageBaseline(name)}
	case "teacher":
		own = c.Optimization.Reference(c.Optimization.TeacherSteps).Of(name)
		on = []string{stageBaseline(name)}
	case stageOverlap:
		from, err := r.fromID()
		if err != nil {
			return "", err
		}
		own = []any{c.Networks, c.Pages, from, c.From != ""}
		for _, name := range c.Networks {
			on = append(on, stageFisher(name))
		}
	case stageOptimize:
		own, on = c.Optimization, []string{stageOverlap}
		if c.taught() {
			for _, name := range c.Networks {
				on = append(on, stageTeacher(name))
			}
		}
	case stageEvaluate:
		own, on = evaluated, []string{stageOptimize}
	case stageBench:
		own, on = []any{benchmark, c.Bench}, []string{stageOptimize}
	case stageShown:
		own, on = []any{shownSamples, shownVersion}, []string{stageOptimize}
	}
	if own == nil && on == nil {
		return "", fmt.Errorf("stage %s is none of this run", stage)
	}
	ids := make([]string, len(on))
	for i, stage := range on {
		id, err := r.id(stage)
		if err != nil {
			return "", err
		}
		if s, _ := r.Dir.Stage(stage); s.ID == id {
			id += s.Content() // what was made, should it be made anew and differ
		}
		ids[i] = id
	}
	raw, err := json.Marshal([]any{kind, c.Seed, own, ids})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// done returns an error that is ErrNotDone unless there is a result of the stage and of the
// configuration as it is now. Its files are checked when they are read.
func (r *Run) done(stage string) error {
	id, err := r.id(stage)
	if err != nil {
		return err
	}
	if s, _ := r.Dir.Stage(stage); s.ID != id {
		return fmt.Errorf("stage %s: %w", stage, ErrNotDone)
	}
	return nil
}

// Verify reads every file of every stage, also of the pilot, and returns an error for each that is not what
// its stage wrote.
func (r *Run) Verify(ctx context.Context) error { return r.verify(ctx, r.Dir) }

func (r *Run) verify(ctx context.Context, d *rundir.Dir) error {
	var damaged []error
	for i, s := range d.Manifest.Stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		damaged = append(damaged, d.Check(s.Name))
		r.options.Progress("verify", i+1, len(d.Manifest.Stages), s.Name)
	}
	pilot, err := rundir.OpenRead(d.File(rundir.PilotDir))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(damaged...)
	}
	if err == nil {
		defer pilot.Close()
		err = r.verify(ctx, pilot)
	}
	return errors.Join(append(damaged, err)...)
}

// owned are the files that stages write; N is a network.
var owned = map[string][]string{
	"baseline":    {"N/weights.npy", "N/weights-state.npy", "N/baseline.json", "N/model.json", "N/model.onnx"},
	"fisher":      {"N/fisher.npy"},
	"teacher":     {"N/teacher.npy", "N/teacher-state.npy"},
	stageOverlap:  {overlapDir + "/" + overlapFile, overlapDir + "/" + pagesFile},
	stageOptimize: {overlapFile, pagesFile, historyFile},
	stageEvaluate: {"evaluation.json"},
	stageBench:    {"bench.json"},
	stageShown:    {shownFile},
}

// owns says that a stage of a manifest is one that runs have, and wrote nothing but its own files.
func owns(s rundir.Stage) bool {
	kind, name, _ := strings.Cut(s.Name, " ")
	for file := range s.Files {
		dir, base := path.Split(file)
		if n := path.Base(dir); name == n || name == "" && dir != "" && dir != "overlap/" &&
			page.CheckName(n) == nil {
			dir = strings.TrimSuffix(dir, n+"/") + "N/"
		}
		if !slices.Contains(owned[kind], dir+base) {
			return false
		}
	}
	return owned[kind] != nil && (name == "" || page.CheckName(name) == nil)
}

// samples is the provenance of a network's data: what the run was made with, if it got that
// far, or else what there is now, if it has been opened.
func (r *Run) samples(name string) (datasets.Provenance, bool, error) {
	p, known, err := r.provenance(name)
	if d := r.data[name]; !known && d != nil {
		return d.Provenance, true, err
	}
	return p, known, err
}

// fromID is the id of the optimization that this run goes on from, "" if of none. It is noted when it
// is first asked for, so that the run's results outlive the other run.
func (r *Run) fromID() (string, error) {
	m := &r.Dir.Manifest
	if r.config.From == "" || m.From != "" {
		return m.From, nil
	}
	went, err := r.earlier()
	if err != nil {
		return "", err
	}
	if m.From = went.id; r.Dir.ReadOnly() {
		return m.From, nil
	}
	return m.From, r.Dir.WriteManifest()
}
