package option

import (
	"flag"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

type word string

func (w word) Validate() error {
	if w == "bad" {
		return io.ErrUnexpectedEOF
	}
	return nil
}

type each map[string]float64

type inner struct {
	Rate float64 `json:"rate" over:"0" help:"learning <rate>"`
	Kind string  `json:"kind" oneof:"a b"`
}

type recipe struct {
	Steps int  `json:"steps" min:"1" only:"joint" help:"<steps>"`
	Bits  int  `json:"bits" oneof:"0 2" help:"<bits>"`
	Batch each `json:"batch" min:"1" whole:"yes" help:"<samples>"`
	Share each `json:"share" min:"0" under:"1"`
	inner
	Word word   `json:"word"`
	Seed uint64 `json:"seed" help:"<seed>"`
}

func good() recipe {
	return recipe{Steps: 1, Batch: each{"": 8, "x": 2}, inner: inner{Rate: 1e-9, Kind: "b"},
		Seed: math.MaxUint64}
}

func TestCheck(t *testing.T) {
	if err := Check(good()); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(r *recipe){
		"steps 0, want 1 or more":    func(r *recipe) { r.Steps = 0 },
		`bits "1", want one of 0, 2`: func(r *recipe) { r.Bits = 1 },
		"batch 2.5, want 1 or more and a whole number, for " +
			"network x": func(r *recipe) { r.Batch["x"] = 2.5 },
		"batch map[x:2] has no value for every network": func(r *recipe) { delete(r.Batch, "") },
		"share 1, want 0 or more and less than 1":       func(r *recipe) { r.Share = each{"": 1} },
		"share NaN, want a finite float32 and 0 or more and less than 1, for " +
			"network y": func(r *recipe) { r.Share = each{"y": math.NaN()} },
		"share 0.9999999999, want 0 or more and":            func(r *recipe) { r.Share = each{"": 1 - 1e-10} },
		"rate 1e-60, want more than 0":                      func(r *recipe) { r.Rate = 1e-60 },
		"rate 1e+40, want a finite float32":                 func(r *recipe) { r.Rate = 1e40 },
		"batch 1e+15, want 1 or more and at most":           func(r *recipe) { r.Batch[""] = 1e15 },
		"steps 2.147483648e+09, want 1 or more and at most": func(r *recipe) { r.Steps = 1 << 31 },
		"rate 0, want more than 0":                          func(r *recipe) { r.Rate = 0 },
		"rate +Inf":                                         func(r *recipe) { r.Rate = math.Inf(1) },
		`kind "c", want one of a, b`:                        func(r *recipe) { r.Kind = "c" },
		"word unexpected EOF":                               func(r *recipe) { r.Word = "bad" },
	} {
		r := good()
		change(&r)
		if err := Check(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestFlags(t *testing.T) {
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	flags := Define(set, recipe{}, "seed")
	if err := set.Parse([]string{"-steps", "7", "-batch", "x=3,y=8", "-rate", "0.5"}); err != nil {
		t.Fatal(err)
	}
	got := good()
	want := good()
	want.Steps, want.Batch, want.Rate = 7, each{"": 8, "x": 3}, 0.5 // y has what every network has
	if err := flags.Apply(&got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	if flags.Other("only", "joint") != "" ||
		flags.Other("only", "other") != "steps" {
		t.Error("which flags were given is not known")
	}
	if f := set.Lookup("rate"); f == nil || f.Usage != "learning `rate`" ||
		set.Lookup("bits").Usage != "`bits`: 0, 2" || set.Lookup("seed") != nil {
		t.Error("help of -rate, or a flag that was left out")
	}
	for _, args := range []string{"-steps=x", "-steps=0", "-bits=1", "-batch=x", "-batch=x=1,x=2",
		"-batch==3", "-batch=x=0", "-rate=-1"} {
		if err := set.Parse([]string{args}); err == nil ||
			!strings.Contains(err.Error(), args[:strings.Index(args, "=")]) {
			t.Errorf("%s: error %v", args, err)
		}
	}
}
