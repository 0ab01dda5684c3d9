package firmware

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// The least RAM works and a byte less is refused, in float32 and in 8 bits; what macros name takes no more.
func TestLeastRAM(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for i, bits8 := range []bool{false, true, false, true} {
		f, nets := small(page.Format{Precision: page.Int8})
		if i > 1 {
			f, nets = random(rng, formats()[7*i])
		}
		o, bytes := Options{}, 4
		if bits8 {
			o.Samples, bytes = samplesOf(nets), 1
		}
		takes := func(ram int) (most int) {
			o.RAM = ram
			plans, err := plan(f, nets, o)
			if err != nil {
				if want := fmt.Sprintf("want %d at most", ram); !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
				return -1
			}
			for _, p := range plans {
				layer := p.layer
				if bits8 {
					layer = p.quantized.layer
				}
				most = max(most, bytes*(layer+p.memory+p.net.Samples()+p.net.Outputs()))
			}
			return most
		}
		least := sort.Search(1<<16, func(ram int) bool { return ram > 0 && takes(ram) >= 0 })
		if got := takes(least); got > least || got <= least-bytes && bits8 {
			t.Errorf("%d bytes of RAM of %d, the least", got, least)
		}
		dir := filepath.Join(t.TempDir(), "out")
		if o.RAM = least - 1; Write(dir, f, nets, o) == nil {
			t.Error("a byte less is not refused")
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("something is written")
		}
		for ram := least; ram < 3*least; ram += 1 + rng.IntN(99) {
			if got := takes(ram); got < 0 || got > ram {
				t.Errorf("%d bytes of RAM, want %d at most", got, ram)
			}
		}
		p := newProgram(t)
		p.ram, p.floats = least, !bits8
		p.add(t, "p", f, nets)
		if bits8 {
			p.agrees8(t, output(t, p.compile(t, host(t), "show8.c", sanitized...)))
		} else {
			p.agrees(t, output(t, p.compile(t, host(t), "show.c", sanitized...)))
		}
	}
}

// The headers are C++, too.
func TestCPlusPlus(t *testing.T) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("no g++: ", err)
	}
	p := newProgram(t)
	f, nets := small(page.Format{})
	p.add(t, "p", f, nets)
	source := filepath.Join(p.dir, "main.cpp")
	if err := os.WriteFile(source, []byte("#include \"p.h\"\nint main() {\n"+
		"    return weightsep_check(&p_a) + weightsep_switch8(&p_a_8, nullptr, 1);\n}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	output(t, compiler, append(strings.Fields("-std=c++11 -pedantic -Wall -Wextra -Wconversion -Wshadow "+
		"-Werror -fsyntax-only"), source)...)
}
