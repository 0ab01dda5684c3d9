package pipeline

import (
	"encoding/json"
	"fmt"
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
		if err := r.Dir.Drop(r.outdated(c)...); err != nil {
			return err
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
	r.Config = c
	r.Dir.Manifest.Config, r.Dir.Manifest.Versions = raw, versions
	return r.Dir.WriteManifest()
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
	if !same(old.Networks, c.Networks) || old.PageSize != c.PageSize || old.Shared != c.Shared || old.TPR != c.TPR ||
		old.Margin != c.Margin || old.MaxExclusive != c.MaxExclusive {
		stages = append(append(stages, stageOverlap), last...)
	}
	everything := old.Seed != c.Seed || old.BaselineSteps != c.BaselineSteps || old.Data.Seed != c.Data.Seed ||
		old.Data.MaxTrain != c.Data.MaxTrain || old.Data.MaxTest != c.Data.MaxTest
	if everything || old.FisherSamples != c.FisherSamples {
		stages = append(append(stages, stageOverlap), last...)
		for _, n := range old.Networks {
			stages = append(stages, stageFisher(n))
			if everything {
				stages = append(stages, stageBaseline(n))
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
	for name := range b {
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
