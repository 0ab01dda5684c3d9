package option

import (
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Flags are command-line flags that replace fields of a recipe which is known only after they are
// read, for example because one of them says which recipe to start from.
type Flags struct{ given map[string]given }

type given struct {
	text string
	tag  reflect.StructTag
}

// Define adds a flag to the set for every field of a recipe that has help, but for those named in
// without. A value is checked when it is read.
func Define(set *flag.FlagSet, recipe any, without ...string) *Flags {
	flags := &Flags{map[string]given{}}
	for _, f := range Fields(recipe) {
		name, help := f.Name, f.Tag.Get("help")
		if help == "" || slices.Contains(without, name) {
			continue
		}
		help = strings.NewReplacer("<", "`", ">", "`").Replace(help)
		if words := f.Tag.Get("oneof"); words != "" {
			help += ": " + strings.Join(strings.Fields(words), ", ")
		}
		if f.Value.Kind() == reflect.Map {
			help += "; for single networks NAME=VALUE,…"
		}
		set.Func(name, help, func(text string) error {
			fresh := Field{f.Name, reflect.New(f.Value.Type()).Elem(), f.Tag}
			if err := fresh.parse(text, true); err != nil {
				return err
			}
			flags.given[name] = given{text, f.Tag}
			return nil
		})
	}
	return flags
}

// Apply sets the fields of the recipe at a pointer whose flags were given.
func (flags *Flags) Apply(recipe any) error {
	for _, f := range Fields(recipe) {
		if g, ok := flags.given[f.Name]; ok && f.Tag.Get("help") != "" {
			if err := f.parse(g.text, false); err != nil {
				return fmt.Errorf("-%s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// Given tells whether a flag was given.
func (flags *Flags) Given(name string) bool { _, ok := flags.given[name]; return ok }

// Other returns a flag that was given and whose tag of that name is neither empty nor value; "" if
// there is none.
func (flags *Flags) Other(tag, value string) string {
	for _, name := range slices.Sorted(maps.Keys(flags.given)) {
		if v := flags.given[name].tag.Get(tag); v != "" && v != value {
			return name
		}
	}
	return ""
}
