// Package option reads and checks the fields of recipes, which are structs with tags:
//
//	Mixup Each `json:"mixup" min:"0" max:"1" help:"largest <share> of another sample"`
//
// The tags min and max are bounds that are allowed, over and under bounds that are not. They hold for
// the nearest float32 as well, which networks compute with. whole asks for integers; these and those of
// type int are below 2^31. oneof lists the words or integers that are allowed. A field with help has a
// command-line flag of its name in JSON; the word in angle brackets stands for the flag's value. A
// type's method Validate is called as well. A map of numbers holds the default of all networks under
// the key "", and other values under names. A new option is one field: nothing else lists it.
package option

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Field is one field of a recipe, or of a struct within it.
type Field struct {
	Name  string // in JSON
	Value reflect.Value
	Tag   reflect.StructTag
}

// Fields are the fields of a struct in their order, those of structs within it in their place. They
// can be set if recipe is a pointer.
func Fields(recipe any) []Field { return fields(reflect.Indirect(reflect.ValueOf(recipe))) }

func fields(v reflect.Value) (all []Field) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type.Kind() == reflect.Struct {
			all = append(all, fields(v.Field(i))...)
			continue
		}
		if f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() != reflect.Float64 {
			continue // no numbers: not an option
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, Field{name, v.Field(i), f.Tag})
	}
	return all
}

// Check returns an error for the first field that is out of its range.
func Check(recipe any) error {
	for _, f := range Fields(recipe) {
		if err := f.check(false); err != nil {
			return fmt.Errorf("%s %w", f.Name, err)
		}
	}
	return nil
}

// check returns an error without the field's name. A map that is partial may lack the value for
// every network.
func (f Field) check(partial bool) (err error) {
	switch f.Value.Kind() {
	case reflect.Map:
		values := f.numbers()
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if err := f.inRange(values[name]); err != nil && name != "" {
				return fmt.Errorf("%w, for network %s", err, name)
			} else if err != nil {
				return err
			}
		}
		if _, ok := values[""]; !ok && !partial && f.inRange(0) != nil {
			return fmt.Errorf("%v has no value for every network", values)
		}
	case reflect.String:
		err = f.oneOf(f.Value.String())
	case reflect.Float64:
		err = f.inRange(f.Value.Float())
	case reflect.Int:
		v := f.Value.Int()
		err = cmp.Or(f.inRange(float64(v)), f.oneOf(strconv.FormatInt(v, 10)))
	}
	if err != nil {
		return err
	}
	if v, ok := f.Value.Interface().(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// oneOf returns an error for a word that the tag does not list.
func (f Field) oneOf(word string) error {
	words, has := f.Tag.Lookup("oneof")
	if all := strings.Fields(words); has && !slices.Contains(all, word) {
		return fmt.Errorf("%q, want one of %s", word, strings.Join(all, ", "))
	}
	return nil
}

// numbers are the values of a map.
func (f Field) numbers() map[string]float64 {
	return f.Value.Convert(reflect.TypeFor[map[string]float64]()).Interface().(map[string]float64)
}

// inRange returns an error for a number that the tags do not allow.
func (f Field) inRange(v float64) error {
	single := float64(float32(v))
	ok, want := true, []string{}
	if math.IsNaN(single) || math.IsInf(single, 0) {
		ok, want = false, []string{"a finite float32"}
	}
	for _, bound := range []struct {
		tag, text string
		holds     func(v, bound float64) bool
	}{
		{"min", "%s or more", func(v, b float64) bool { return v >= b }},
		{"over", "more than %s", func(v, b float64) bool { return v > b }},
		{"max", "at most %s", func(v, b float64) bool { return v <= b }},
		{"under", "less than %s", func(v, b float64) bool { return v < b }},
	} {
		if text, has := f.Tag.Lookup(bound.tag); has {
			limit, err := strconv.ParseFloat(text, 64)
			ok = ok && err == nil && bound.holds(v, limit) && bound.holds(single, limit)
			want = append(want, fmt.Sprintf(bound.text, text))
		}
	}
	if f.Tag.Get("whole") != "" || f.Value.Kind() == reflect.Int {
		if v > math.MaxInt32 {
			ok, want = false, append(want, "at most 2147483647")
		}
		if v != math.Trunc(v) {
			ok, want = false, append(want, "a whole number")
		}
	}
	if ok {
		return nil
	}
	return fmt.Errorf("%v, want %s", v, strings.Join(want, " and "))
}

// parse sets the field from the text of a flag. A map is read from NUMBER,NAME=NUMBER,…: names that
// it had are forgotten, and the value for every network stays where the text has none.
func (f Field) parse(text string, partial bool) error {
	var err error
	switch f.Value.Kind() {
	case reflect.Map:
		var values map[string]float64
		if values, err = f.parseEach(text); err == nil {
			f.Value.Set(reflect.ValueOf(values).Convert(f.Value.Type()))
		}
	case reflect.String:
		f.Value.SetString(text)
	case reflect.Float64:
		var v float64
		v, err = strconv.ParseFloat(text, 64)
		f.Value.SetFloat(v)
	case reflect.Int:
		var v int
		v, err = strconv.Atoi(text)
		f.Value.SetInt(int64(v))
	case reflect.Uint64:
		var v uint64
		v, err = strconv.ParseUint(text, 10, 64)
		f.Value.SetUint(v)
	default:
		return fmt.Errorf("%v cannot be read from a flag", f.Value.Type())
	}
	if err != nil {
		want := map[reflect.Kind]string{reflect.Map: "list NUMBER,NAME=NUMBER,…", reflect.Float64: "number"}
		return fmt.Errorf("%q is no %s", text, cmp.Or(want[f.Value.Kind()], "whole number"))
	}
	return f.check(partial)
}

func (f Field) parseEach(text string) (map[string]float64, error) {
	values := map[string]float64{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, number, found := strings.Cut(part, "=")
		if !found {
			name, number = "", part
		}
		v, err := strconv.ParseFloat(number, 64)
		if _, twice := values[name]; err != nil || twice || found && name == "" {
			return nil, fmt.Errorf("%q", part)
		}
		values[name] = v
	}
	if _, given := values[""]; !given {
		if every, ok := f.numbers()[""]; ok {
			values[""] = every
		}
	}
	if every, ok := values[""]; ok { // one spelling of what is the same
		maps.DeleteFunc(values, func(name string, v float64) bool { return name != "" && v == every })
	}
	return values, nil
}

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
