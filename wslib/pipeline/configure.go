package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Config is a copy of the run's configuration.
func (r *Run) Config() Config { return r.config.clone() }

// setConfig gives the run a configuration. Results of another one count as not done; they count again when the
// configuration is as it was, until they are overwritten.
func (r *Run) setConfig(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if same(c.From, r.Dir.Path) {
		return fmt.Errorf("run directory %s cannot go on from itself: choose another directory", r.Dir.Path)
	}
	c = c.clone()
	versions, err := json.Marshal(versions())
	if err != nil {
		return err
	}
	r.Dir.Manifest.Config, r.Dir.Manifest.Versions = c.json(), versions
	r.config, r.went = c, nil
	return r.Dir.WriteManifest()
}

// same tells whether two paths are of one place; "" is of none.
func same(a, b string) bool {
	x, err := filepath.Abs(a)
	y, err2 := filepath.Abs(b)
	return a != "" && err == nil && err2 == nil && x == y
}

// difference lists the fields in which two configurations differ.
func difference(have, want []byte) string {
	names, there, asked := differing(have, want)
	for i, name := range names {
		names[i] = fmt.Sprintf("%s: %s there, %s asked for", name, there[name], asked[name])
	}
	return strings.Join(names, "; ")
}

// Changes are the fields in which a configuration differs from another, each as OBJECT.FIELD=VALUE.
func (c Config) Changes(from Config) []string {
	names, _, now := differing(from.json(), c.json())
	for i, name := range names {
		names[i] += "=" + now[name]
	}
	return names
}

// differing are the names of the fields in which two configurations differ, rising, and all values.
func differing(have, want []byte) (names []string, there, asked map[string]string) {
	there, asked = map[string]string{}, map[string]string{}
	flatten(there, "", have)
	flatten(asked, "", want)
	all := maps.Clone(there)
	maps.Copy(all, asked)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if there[name] != asked[name] {
			names = append(names, name)
		}
	}
	return names, there, asked
}

// flatten writes the fields of JSON objects into to, those of objects within it as OBJECT.FIELD.
func flatten(to map[string]string, name string, raw []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		to[strings.TrimSuffix(name, ".")] = string(raw)
		return
	}
	for field, value := range fields {
		flatten(to, name+field+".", value)
	}
}

// versions of Go and of the modules that decide results.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains([]string{"github.com/gomlx/gomlx", "github.com/gomlx/go-xla",
				"github.com/gomlx/compute"}, m.Path) {
				v[m.Path] = m.Version
			}
		}
	}
	return v
}
