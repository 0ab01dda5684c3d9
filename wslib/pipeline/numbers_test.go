package pipeline

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weightsep/wslib/internal/memory"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/xla/xlatest"
)

// A number that cannot work is refused before there is a run directory, on the command line and in a
// configuration, whichever option it is of.
func TestEveryNumberIsChecked(t *testing.T) {
	c, err := Profile("packing")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range option.Fields(&c) {
		var wrong []any
		switch f.Value.Kind() {
		case reflect.Float64:
			wrong = []any{math.NaN(), math.Inf(1), math.Inf(-1), -1.0, 1e39}
		case reflect.Map:
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e39} {
				wrong = append(wrong, optimization.Each{"": v}, optimization.Each{"": 1, "mnist": v})
			}
		case reflect.Int:
			wrong = []any{-1, 1 << 31, math.MaxInt}
		default:
			continue
		}
		names = append(names, f.Name)
		for _, v := range wrong {
			was := reflect.ValueOf(f.Value.Interface())
			f.Value.Set(reflect.ValueOf(v).Convert(f.Value.Type()))
			if err := c.Validate(); err == nil {
				t.Errorf("%s of %v is no error", f.Name, v)
			}
			f.Value.Set(was)
			set := flag.NewFlagSet("", flag.ContinueOnError)
			set.SetOutput(io.Discard)
			option.Define(set, Config{})
			text := fmt.Sprint(v)
			if each, ok := v.(optimization.Each); ok {
				text = fmt.Sprint(each[""], ",mnist=", each["mnist"])
			}
			if set.Lookup(f.Name) != nil && set.Parse([]string{"-" + f.Name, text}) == nil {
				t.Errorf("-%s %s is no error", f.Name, text)
			}
		}
	}
	if err := c.Validate(); err != nil || len(names) < 30 {
		t.Errorf("%v; numbers: %v", err, names)
	}
}

// What does not fit into memory leaves no directory, whose configuration would be in the way of another.
func TestTooLargeABatchLeavesNoDirectory(t *testing.T) {
	if _, known := memory.Available(); !known {
		t.Skip("the memory is not known here")
	}
	c, err := Profile("smoke")
	if err != nil {
		t.Fatal(err)
	}
	c.Networks, c.Optimization.Batch = []string{"fmnist"}, optimization.Each{"": 1e9}
	dir := filepath.Join(t.TempDir(), "run")
	r, err := Open(dir, c, Options{Opened: &Opened{Backend: xlatest.Backend(t)}})
	if err == nil {
		r.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "GB are available: want a smaller batch") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a run directory")
	}
}
