package pipeline

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
)

func TestConfigErrors(t *testing.T) {
	if _, err := Profile("fast"); err == nil ||
		!strings.Contains(err.Error(), "quick, smoke, packing, paper") {
		t.Errorf("unknown profile: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"unknown network": func(c *Config) { c.Networks = []string{"imagenet"} },
		"method":          func(c *Config) { c.Optimization.Method = "magic" },
		"no networks":     func(c *Config) { c.Networks = nil },
		"batch 0":         func(c *Config) { c.Optimization.Batch = optimization.Each{"": 0} },
		"keys":            func(c *Config) { c.Pages.KeyPrecision = 3 },
		"margin 7":        func(c *Config) { c.Pages.Margin = 7 },
		"dropout 1":       func(c *Config) { c.Optimization.Dropout = optimization.Each{"": 1} },
		"spread NaN":      func(c *Config) { c.Pages.LoadSpread = math.NaN() },
		"round-by 2":      func(c *Config) { c.Optimization.RoundBy = 2 },
		"mixup 1.5":       func(c *Config) { c.Optimization.Mixup = optimization.Each{"mnist": 1.5} },
		"lenet":           func(c *Config) { c.Pages.Load["lenet"] = 2 },
		"float32 pages only": func(c *Config) {
			c.Optimization.Method,
				c.Pages.Precision = optimization.AlternatingMethod, page.Int4
		},
		"no/such/dir": func(c *Config) { c.Data.Dir = "no/such/dir" },
	} {
		c := tiny(t)
		change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := Open(dir, c, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a refused configuration left a directory", want)
		}
	}
	if _, err := Reopen(filepath.Join(t.TempDir(), "none"), "", Options{}); err == nil ||
		!strings.Contains(err.Error(), "no run") {
		t.Errorf("missing run: %v", err)
	}
}

// Whatever is done to the configurations that go in and come out, the run's is what was set.
func TestConfigIsTheRunsOwn(t *testing.T) {
	c := tiny(t)
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, change := range []Config{c, r.Config()} {
		change.Networks[0] = "svhn"
		change.Optimization.Batch[""] = 99
		change.Seed = 7
	}
	if got := r.Config(); got.Networks[0] != "mnist" || got.Optimization.Batch.Of("mnist") != 8 ||
		got.Seed != 1 {
		t.Errorf("configuration %+v was changed from outside", got)
	}
}

// Every field of a configuration that says what is computed is part of the id of some stage: with
// another value there is no result. A new field that is not fails here.
func TestIDsHeedTheWholeConfig(t *testing.T) {
	c := tiny(t)
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, name := range c.Networks {
		if _, err := r.Data(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	before, err := r.id(stageBench)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range option.Fields(c) {
		r.config = c.clone()
		v := option.Fields(&r.config)[i].Value
		switch v.Kind() {
		case reflect.Map:
			v.SetMapIndex(reflect.ValueOf("mnist"), reflect.ValueOf(0.123))
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Float64:
			v.SetFloat(v.Float() + 0.123)
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint64:
			v.SetUint(v.Uint() + 1)
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"fmnist", "mnist"}))
		}
		if f.Name == "from" {
			r.Dir.Manifest.From = "id" // of the run there
		}
		now, err := r.id(stageBench)
		r.Dir.Manifest.From = ""
		if err != nil {
			t.Fatal(err)
		}
		// a name, what other fields follow from, and where the files lie
		decides := f.Name != "profile" && f.Name != "pilot" && f.Name != "-"
		if (now != before) != decides {
			t.Errorf("field %s changes the id: %v, want %v", f.Name, now != before, decides)
		}
	}
}
