package firmware

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// branch is one way that a line of the engine goes on, or a line that has no choice: of is 0 then.
type branch struct {
	file     string
	line     int
	function string
	index    int
	of       int
}

// coverage says how often branches and lines were taken, in all compiled units together: each has its own
// functions of a header, and its own counts.
type coverage map[branch]int64

// merge adds what gcov prints as JSON of any number of units, for files that match a pattern.
func (c coverage) merge(printed []byte, pattern string) error {
	for d := json.NewDecoder(bytes.NewReader(printed)); d.More(); {
		var unit struct {
			Files []struct {
				File  string
				Lines []struct {
					Line     int    `json:"line_number"`
					Function string `json:"function_name"`
					Count    int64
					Branches []struct{ Count int64 }
				}
			}
		}
		if err := d.Decode(&unit); err != nil {
			return fmt.Errorf("gcov's counts: %w", err)
		}
		for _, f := range unit.Files {
			name := filepath.Base(f.File)
			if ok, err := filepath.Match(pattern, name); err != nil {
				return err
			} else if !ok {
				continue
			}
			for _, l := range f.Lines {
				c[branch{name, l.Line, l.Function, 0, 0}] += l.Count
				for i, b := range l.Branches {
					c[branch{name, l.Line, l.Function, i + 1, len(l.Branches)}] += b.Count
				}
			}
		}
	}
	return nil
}

// missing are the branches and lines that were never taken, in the order of the source.
func (c coverage) missing() []branch {
	var all []branch
	for b, n := range c {
		if n == 0 {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b branch) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line),
			cmp.Compare(a.function, b.function), cmp.Compare(a.index, b.index))
	})
	return all
}

// counted are the numbers of branches and of lines.
func (c coverage) counted() (branches, lines int) {
	for b := range c {
		if b.of > 0 {
			branches++
		} else {
			lines++
		}
	}
	return branches, lines
}

func TestMergedCoverage(t *testing.T) {
	c := coverage{}
	err := c.merge([]byte(`{"files":[{"file":"a/weightsep.h","lines":[
		{"line_number":7,"function_name":"f","count":2,"branches":[{"count":2},{"count":0}]},
		{"line_number":9,"function_name":"g","count":0,"branches":[]}]},
		{"file":"show.c","lines":[{"line_number":1,"function_name":"main","count":0,"branches":[]}]}]}
		{"files":[{"file":"weightsep.h","lines":[
		{"line_number":7,"function_name":"f","count":1,"branches":[{"count":0},{"count":0}]},
		{"line_number":9,"function_name":"g","count":4,"branches":[]}]}]}`), "weightsep*.h")
	want := coverage{{"weightsep.h", 7, "f", 0, 0}: 3, {"weightsep.h", 7, "f", 1, 2}: 2,
		{"weightsep.h", 7, "f", 2, 2}: 0, {"weightsep.h", 9, "g", 0, 0}: 4}
	if err != nil || !maps.Equal(c, want) {
		t.Errorf("%v, %v, want %v", c, err, want)
	}
	if got := c.missing(); !slices.Equal(got, []branch{{"weightsep.h", 7, "f", 2, 2}}) {
		t.Errorf("missing %v", got)
	}
	if branches, lines := c.counted(); branches != 2 || lines != 2 {
		t.Errorf("%d branches, %d lines, want 2 and 2", branches, lines)
	}
	if err := c.merge([]byte(`{"files":[`), "*"); err == nil {
		t.Error("half of a text gave no error")
	}
}

// measure compiles programs of testdata for coverage, runs them and adds their counts.
func (c coverage) measure(t *testing.T, gcov string, p *program, sources ...string) {
	t.Helper()
	p.precompile(t, host(t))
	for _, source := range sources {
		// Functions that nobody calls are kept, to be counted.
		output(t, p.compile(t, host(t), source, "-O0", "--coverage", "-fkeep-inline-functions", "-lm"))
		counts, err := filepath.Glob(filepath.Join(p.dir, "*.gcda"))
		if err != nil || len(counts) == 0 {
			t.Fatalf("%s: no counts of gcc --coverage in %s: %v", source, p.dir, err)
		}
		args := append([]string{"--json-format", "--stdout", "-b", "-c"}, counts...)
		if err := c.merge([]byte(output(t, gcov, args...)), "weightsep*.h"); err != nil {
			t.Fatal(err)
		}
	}
}

// precompile makes objects of the packs' sources, which have nothing to count.
func (p *program) precompile(t *testing.T, compiler string) {
	t.Helper()
	for i, source := range p.sources {
		p.sources[i] = strings.TrimSuffix(source, ".c") + ".o"
		flags := append([]string{"-O0", "-c", source, "-o", p.sources[i], "-I", p.dir}, strict...)
		output(t, compiler, flags...)
	}
}

// Every branch of the engine is taken by some program of testdata with some pack of the tests.
func TestBranches(t *testing.T) {
	compiler := host(t)
	gcov, err := exec.LookPath("gcov")
	if err != nil {
		t.Skip("no gcov: ", err)
	}
	for _, name := range []string{compiler, gcov} { // clang has the names, but not this output
		if said := output(t, name, "--version"); !strings.Contains(said, "Free Software Foundation") {
			t.Skipf("%s is not GNU's: %s", name, said)
		}
	}
	c := coverage{}

	p, rng := everyFormat(t), rand.New(rand.NewPCG(5, 5))
	for i, format := range formats() {
		if i%4 == 0 {
			f, nets := random(rng, format)
			p.add(t, fmt.Sprint("r", i), f, nets)
		}
	}
	c.measure(t, gcov, p, "show.c", "show8.c")

	c.measure(t, gcov, operators(t), "show.c", "show8.c")

	p = newProgram(t)
	for i, format := range formats() {
		if i%7 == 0 {
			f, nets := small(format)
			p.add(t, fmt.Sprint("p", i), f, nets)
		}
	}
	c.measure(t, gcov, p, "flip.c")

	p = newProgram(t)
	f, nets := trained(t, "joint-32")
	p.add(t, DefaultPrefix, f, nets)
	c.measure(t, gcov, p, "main.c")

	p = newProgram(t)
	f, nets = keep(t, f, nets, "mnist")
	p.add(t, "packed", f, nets)
	writeImages(t, p, [][]byte{make([]byte, nets[0].Samples())})
	c.measure(t, gcov, p, "images.c")

	p = newProgram(t)
	p.headersOnly(t)
	c.measure(t, gcov, p, "sigmoid.c", "round.c")

	branches, lines := c.counted()
	missing := c.missing()
	t.Logf("%d branches and %d lines of the engine, %d of them never taken", branches, lines, len(missing))
	if branches == 0 {
		t.Fatal("gcov counts no branches of the engine, want some")
	}
	for _, b := range missing {
		what := "this line"
		if b.of > 0 {
			what = fmt.Sprintf("branch %d of %d", b.index, b.of)
		}
		t.Errorf("%s:%d, %s: never takes %s: %s", b.file, b.line, b.function, what,
			sourceLine(b.file, b.line))
	}
}

// sourceLine is a line of a file of the engine.
func sourceLine(file string, line int) string {
	raw, err := os.ReadFile(file)
	lines := strings.Split(string(raw), "\n")
	if err != nil || line > len(lines) {
		return fmt.Sprint(errors.Join(err, errors.New("its text is not here")))
	}
	return strings.TrimSpace(lines[line-1])
}
