package firmware

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

const armCompiler = "arm-none-eabi-gcc"

// needArm skips a test where the compiler for Cortex-M, its libc or another program is missing.
func needArm(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range append(programs, armCompiler) {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("no ", name)
		}
	}
	libc := exec.Command(armCompiler, "--specs=picolibc.specs", "-E", "-x", "c", os.DevNull)
	if err := libc.Run(); err != nil {
		t.Skip("no picolibc: ", err)
	}
}

// firmwareSizes are bytes of a firmware, by what they are for.
type firmwareSizes struct {
	weights, tables, program, rest int // flash: pages and scales; other constants of the pack; code; others
	variables, stack               int // RAM: of the program; stack, libc and padding
	sections                       map[string]int
}

func (s firmwareSizes) flash() int { return s.weights + s.tables + s.program + s.rest }

// weightParts are those constants of a pack that any way of storing weights has.
var weightParts = regexp.MustCompile(`^\.rodata\.(pages|scales\d+|keys\d+|exclusive\d+)$`)

// linkSizes compiles a pack and a program of testdata for Cortex-M7, links them and reads the map.
func linkSizes(t *testing.T, f *pack.File, nets []*network.Network, source string) firmwareSizes {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, f, nets, Options{}); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "firmware")
	flags := append(strings.Fields("-Os -ffunction-sections -fdata-sections -mthumb -mcpu=cortex-m7 "+
		"-mfloat-abi=hard -mfpu=fpv5-d16 --specs=picolibc.specs -I"), dir)
	program, constants := filepath.Join(dir, "main.o"), filepath.Join(dir, "packed.o")
	for object, from := range map[string]string{
		program: filepath.Join("testdata", source), constants: filepath.Join(dir, DefaultPrefix+".c"),
	} {
		output(t, armCompiler, slices.Concat(flags, strict, []string{"-c", from, "-o", object})...)
	}
	output(t, armCompiler, append(flags, "-o", to, program, constants,
		"-Wl,--gc-sections,-Map="+to+".map",
		"-Wl,--defsym=__flash=0x08000000,--defsym=__flash_size=8M",
		"-Wl,--defsym=__ram=0x20000000,--defsym=__ram_size=512K")...)
	raw, err := os.ReadFile(to + ".map")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseMap(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	sameAsELF(t, to, all)
	s := firmwareSizes{sections: map[string]int{}}
	for _, o := range all {
		inRAM := o.memory == "ram"
		for _, in := range o.inputs {
			size := int(in.size)
			if !inRAM || o.loaded {
				switch {
				case in.object == "packed.o" && weightParts.MatchString(in.section):
					s.weights += size
				case in.object == "packed.o":
					s.tables += size
				case in.object == "main.o":
					s.program += size
				default:
					s.rest += size
				}
			}
			switch {
			case inRAM && in.object == "packed.o" && size > 0:
				t.Errorf("%d bytes of the pack's constant %s in RAM, want 0", size, in.section)
			case inRAM && in.object == "main.o":
				s.variables += size
				s.sections[in.section] += size
			case inRAM:
				s.stack += size
			}
		}
	}
	return s
}

// sameAsELF compares the sizes of sections that take memory in a map and in the program.
func sameAsELF(t *testing.T, path string, all []outputSection) {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := map[string]uint64{}
	for _, o := range all {
		in[o.name] += o.size
	}
	for _, s := range file.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Size != in[s.Name] {
			t.Errorf("section %s has %d bytes in the linker's map, want %d as in the program", s.Name,
				in[s.Name], s.Size)
		}
	}
}

// separate are the networks of a pack as separate ones: every page is a network's own, float32 or, with a
// scale a page, int8. The first page of all takes the place of the shared one that every pack has.
func separate(f *pack.File, p page.Precision) *pack.File {
	s := &page.Set{Format: page.Format{Size: f.Set.Size, Shared: 1, Precision: p}}
	if p.Quantized() {
		s.ScaleFormat = f.Set.ScaleFormat
	}
	for i, from := range f.Set.Networks {
		w := page.Form(f.Set.Weights(i), s.Size)
		m := page.Member{Name: from.Name, Weights: from.Weights, Table: page.Table{Shared: 1}}
		for at := 0; at < len(w); at += s.Size {
			if values := w[at : at+s.Size]; p.Quantized() {
				largest := float32(0)
				for _, v := range values {
					largest = max(largest, v, -v)
				}
				scale := s.ScaleFormat.Round(largest / p.Limit())
				m.Scales = append(m.Scales, scale)
				for k := range values {
					values[k] /= max(scale, 1e-30)
				}
			}
			packed := p.Pack(w[at:at+s.Size], s.Size)
			if len(s.Pages) == 0 {
				s.Pages = packed
				m.Table.Entries = append(m.Table.Entries, 0)
				continue
			}
			m.Table.Entries = append(m.Table.Entries, int32(1+len(m.Exclusive)/len(packed)))
			m.Exclusive = append(m.Exclusive, packed...)
		}
		s.Networks = append(s.Networks, m)
	}
	return &pack.File{Set: s, Networks: make([]pack.Network, len(s.Networks))}
}

// Ten networks in one firmware for Cortex-M7: packed 32 and 50 times, and separate with the same engine.
func TestSizes(t *testing.T) {
	needArm(t)
	f32, nets := trained(t, "joint-32")
	f50, nets50 := trained(t, "joint-50")
	rows := []struct {
		name string
		f    *pack.File
		nets []*network.Network
	}{
		{"packed 32 times", f32, nets}, {"packed 50 times", f50, nets50},
		{"separate, float32", separate(f32, page.Float32), nets},
		{"separate, int8", separate(f32, page.Int8), nets},
	}
	t.Logf("%-18s %9s %8s %7s %6s %9s | %9s %6s %8s", "bytes", "weights", "tables", "program", "rest",
		"flash", "variables", "stack", "RAM")
	var all []firmwareSizes
	for _, r := range rows {
		s := linkSizes(t, r.f, r.nets, "main.c")
		all = append(all, s)
		t.Logf("%-18s %9d %8d %7d %6d %9d | %9d %6d %8d", r.name, s.weights, s.tables, s.program, s.rest,
			s.flash(), s.variables, s.stack, s.variables+s.stack)
		if want := weightBytes(r.f.Set); s.weights != want {
			t.Errorf("%s: pages and scales take %d bytes of flash, want %d", r.name, s.weights, want)
		}
		if s.program > 4<<10 || s.rest > 1<<10 || s.stack > 4<<10 {
			t.Errorf("%s: program %d, start-up and libc %d, stack and RAM of libc %d bytes, want at most "+
				"4 K, 1 K and 4 K", r.name, s.program, s.rest, s.stack)
		}
		// Variables are those that the macros name, and what the example keeps for a debugger.
		plans, err := plan(r.f, r.nets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{".bss.classes": 4 * len(plans), ".bss.damaged": 4}
		for variable, size := range map[string]string{
			"layer": "LAYER", "scratch": "SCRATCH", "sample": "INPUT", "outputs": "OUTPUT",
		} {
			most := 0
			for _, p := range plans {
				for i, v := range p.sizes() {
					if sizes[i] == size {
						most = max(most, v)
					}
				}
			}
			want[".bss."+variable] = 4 * most
		}
		if fmt.Sprint(s.sections) != fmt.Sprint(want) {
			t.Errorf("%s: variables of the program take %v bytes, want %v", r.name, s.sections, want)
		}
	}
	// Separate networks are counted without tables and checksums, which they could do without.
	packed := all[0]
	for i, less := range map[int]int{2: 25, 3: 6} {
		if s := all[i]; packed.flash()*less > s.flash()-s.tables {
			t.Errorf("%s: %d bytes of flash, want less than 1/%d of %d of %s", rows[0].name, packed.flash(),
				less, s.flash()-s.tables, rows[i].name)
		}
	}
	if all[1].flash() >= packed.flash()*3/4 {
		t.Errorf("%s: %d bytes of flash, want less than 3/4 of %d of %s", rows[1].name, all[1].flash(),
			packed.flash(), rows[0].name)
	}
	for i, s := range all[1:] {
		if s.variables != packed.variables {
			t.Errorf("%s: variables of %d bytes, want %d as %s", rows[1+i].name, s.variables,
				packed.variables, rows[0].name)
		}
	}
}

// weightBytes are those of the pages, scales and keys of a set.
func weightBytes(s *page.Set) int {
	n := len(s.Pages)
	for _, m := range s.Networks {
		n += len(m.Exclusive) + len(m.Keys) + len(m.Scales)*s.ScaleFormat.Bytes()
	}
	return n
}

// Separate networks in float32 have the same weights, and in int8 nearly.
func TestSeparate(t *testing.T) {
	f, nets := trained(t, "joint-32")
	for _, p := range []page.Precision{page.Float32, page.Int8} {
		s := separate(f, p)
		if err := Check(s, nets, Options{}); err != nil {
			t.Fatal(err)
		}
		worst := float32(0)
		for i := range f.Set.Networks {
			w, got := f.Set.Weights(i), s.Set.Weights(i)
			for at := 0; at < len(w); at += s.Set.Size {
				end := min(at+s.Set.Size, len(w))
				largest := float32(1e-30)
				for _, v := range w[at:end] {
					largest = max(largest, v, -v)
				}
				for k := at; k < end; k++ {
					worst = max(worst, max(got[k]-w[k], w[k]-got[k])/largest)
				}
			}
		}
		// A scale of 8 bits may be 1/23 too small, and clips the largest then.
		if limit := map[page.Precision]float32{page.Float32: 0, page.Int8: 0.05}[p]; worst > limit {
			t.Errorf("%v: weights are off by %g of the largest of a page, want %g at most", p, worst, limit)
		}
	}
}
