package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// SetConfig changes the run's configuration. Stages whose result depends on what
// changed are forgotten, and done again when they are next asked for.
func (r *Run) SetConfig(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if r.Dir.Manifest.Config != nil {
		if err := r.checkEarlier(c); err != nil {
			return err // while nothing is dropped
		}
		if err := r.drop(r.outdated(c)...); err != nil {
			return err
		}
		if r.Config.Data != c.Data {
			clear(r.data)
			dir := r.Config.Data.Dir
			if r.Config.Data.Dir = c.Data.Dir; r.Config.Data != c.Data {
				r.Dir.Manifest.Data = nil // of other samples
			}
			r.Config.Data.Dir = dir
		}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	versions, err := json.Marshal(versions())
	if err != nil {
		return err
	}
	r.Config, r.went = c, nil
	r.Dir.Manifest.Config, r.Dir.Manifest.Versions = raw, versions
	return r.Dir.WriteManifest()
}

// checkEarlier reports an earlier run that this one, with configuration c, cannot go on from.
func (r *Run) checkEarlier(c Config) error {
	as := *r
	as.Config, as.went = c, nil
	_, err := as.earlier()
	return err
}

// CheckData reports an error if the data at hand are not those that the run was
// made with. Whoever changes a run calls it first: a change drops results, which a
// forgotten data directory must not do.
func (r *Run) CheckData(ctx context.Context) error {
	for _, name := range r.Config.Networks {
		if _, err := r.Data(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets stages, and the summary if it was of them.
func (r *Run) drop(stages ...string) error {
	if err := r.Dir.Drop(stages...); err != nil {
		return err
	}
	if !slices.Contains(stages, stageEvaluate) {
		return nil
	}
	if err := os.Remove(r.Dir.File(SummaryFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// outdated lists the stages that a change of the run's configuration to c outdates.
func (r *Run) outdated(c Config) []string {
	old := r.Config
	last := []string{stageOptimize, stageEvaluate, stageBench}
	var stages []string
	same := func(a, b any) bool { return reflect.DeepEqual(a, b) }
	if !same(old.Bench, c.Bench) {
		stages = append(stages, stageBench)
	}
	if !same(old.Optimization, c.Optimization) {
		stages = append(stages, last...)
	}
	overlap := func(c Config) []any {
		return []any{c.Networks, c.PageSize, c.Shared, c.TPR, c.Margin, c.MaxExclusive, c.MaxExclusives,
			c.Doubling, c.Placement, c.Loads, c.LoadSpread, c.From, c.Hold}
	}
	if !same(overlap(old), overlap(c)) {
		stages = append(append(stages, stageOverlap), last...)
	}
	baselines := func(c Config) []any {
		d := c.Data
		return []any{c.Seed, c.BaselineSeed, c.Formation, c.BaselineSteps, d.Seed, d.MinTrain, d.MaxTrain, d.MaxTest}
	}
	everything := !same(baselines(old), baselines(c))
	if everything || old.FisherSamples != c.FisherSamples {
		stages = append(append(stages, stageOverlap), last...)
		for _, n := range old.Networks {
			stages = append(stages, stageFisher(n))
			if everything {
				stages = append(stages, stageBaseline(n))
			}
		}
		if everything {
			for _, s := range r.Dir.Manifest.Stages {
				if isTeacher(s.Name) { // also of earlier numbers of them
					stages = append(stages, s.Name)
				}
			}
		}
	}
	return stages
}

// difference lists the fields in which two configurations differ.
func difference(have, want []byte) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want, &b) != nil {
		return "unreadable"
	}
	var fields []string
	for name := range a {
		if _, ok := b[name]; !ok {
			b[name] = json.RawMessage("none")
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			a[name] = json.RawMessage("none")
		}
		if string(a[name]) != string(b[name]) {
			fields = append(fields, fmt.Sprintf("%s: %s there, %s asked for", name, a[name], b[name]))
		}
	}
	slices.Sort(fields)
	return strings.Join(fields, "; ")
}

// versions of Go and of the modules that decide results.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains([]string{"github.com/gomlx/gomlx", "github.com/gomlx/go-xla", "github.com/gomlx/compute"}, m.Path) {
				v[m.Path] = m.Version
			}
		}
	}
	return v
}
