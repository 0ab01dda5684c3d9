// Package firmware writes packs as C for devices: constants for flash, and an engine of one header, which
// needs C99 and string.h. See [Write]; weightsep.h says how a program uses them.
package firmware

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"weightsep/datasets/files"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
)

// Header and Header8 are the names of the engine's files.
const (
	Header  = "weightsep.h"
	Header8 = "weightsep8.h" // in 8 bits
)

// DefaultPrefix is that of files and of all names in C.
const DefaultPrefix = "packed"

//go:embed weightsep.h
var header []byte

//go:embed weightsep8.h
var header8 []byte

// Options of [Write]. The zero value will do.
type Options struct {
	Prefix string // "": [DefaultPrefix]
	// RAM is what every network has to run in, some weights at a time, in bytes, with Samples in 8 bits;
	// 0: no bound.
	RAM int
	// Samples are some of each network, one after another. With them C can run networks with activations
	// and weights of 8 bits, which hold what values these samples give. nil: in float32 only.
	Samples map[string][]float32
}

// Write writes the engine and, as PREFIX.h and PREFIX.c, a pack into a directory, which it makes. nets are
// the pack's networks in its order of weights, as pipeline.InPack gives them: described ones, or ONNX files of
// the operators that the engine has. Nothing is written after an error of these.
func Write(dir string, f *pack.File, nets []*network.Network, o Options) error {
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	plans, err := plan(f, nets, o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("export as C: %w", err)
	}
	type output struct {
		name string
		raw  []byte
	}
	all := []output{{Header, header}, {o.Prefix + ".h", declarations(o.Prefix, plans)},
		{o.Prefix + ".c", constants(o.Prefix, f.Set, plans)}}
	if o.Samples != nil {
		all = append(all, output{Header8, header8})
	}
	for _, file := range all {
		path := filepath.Join(dir, file.name)
		if err := files.WritePath(path, file.raw); err != nil {
			return fmt.Errorf("export as C: write %s: %w", path, err)
		}
	}
	return nil
}

// Check returns the error that [Write] returns before it writes anything.
func Check(f *pack.File, nets []*network.Network, o Options) error {
	_, err := plan(f, nets, o)
	return err
}

// plan checks all that [Write] is given and says what each network needs.
func plan(f *pack.File, nets []*network.Network, o Options) (plans []netPlan, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("export as C: %w", err)
		}
	}()
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	if err := checkPrefix(o.Prefix); err != nil {
		return nil, err
	}
	if err := f.Set.Validate(); err != nil {
		return nil, err
	}
	if len(nets) != len(f.Set.Networks) || len(nets) == 0 {
		return nil, fmt.Errorf("%d networks for a pack of %d, want as many and one at least",
			len(nets), len(f.Set.Networks))
	}
	taken := names{}
	for i, m := range f.Set.Networks {
		n := nets[i]
		if n.Name != m.Name {
			return nil, fmt.Errorf("network %d of the pack is %s, want %s", i, m.Name, n.Name)
		}
		if err := n.Validate(); err != nil {
			return nil, err
		}
		if n.Weights() != m.Weights || len(m.State) > 0 {
			return nil, fmt.Errorf("network %s has %d weights and %d of state in the pack, its model %d "+
				"and 0", m.Name, m.Weights, len(m.State), n.Weights())
		}
		p, err := planOf(n)
		if err != nil {
			return nil, err
		}
		if err := taken.take(o.Prefix, &p, o.Samples != nil); err != nil {
			return nil, err
		}
		if o.Samples != nil {
			if err := p.quantize(f.Set.Weights(i), o.Samples[n.Name]); err != nil {
				return nil, err
			}
		}
		if err := p.rooms(o.RAM, f.Set.Size); err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// reserved are names of headers that PREFIX.h would hide, and words of C, of which names in C begin.
var reserved = strings.Fields(`assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp
	signal stdarg stdbool stddef stdint stdio stdlib string tgmath time wchar wctype
	auto break case char const continue default do double else enum extern for goto if inline int long
	register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
	while`)

func checkPrefix(prefix string) error {
	lower := strings.ToLower(prefix)
	if !identifier.MatchString(prefix) || !(lower[0] >= 'a' && lower[0] <= 'z') || len(prefix) > 100 ||
		slices.Contains(reserved, lower) || strings.HasPrefix(lower, "weightsep") {
		return fmt.Errorf("prefix %q: want a C identifier of at most 100 characters that begins with a "+
			"letter, not with weightsep, and is no word or header of C", prefix)
	}
	return nil
}

// sizes are the macros of a network.
var sizes = []string{"WEIGHTS", "INPUT", "OUTPUT", "SCRATCH", "LAYER"}

// names are those that C sees, and whose they are.
type names map[string]string

// take gives a network its names in C, those of 8 bits where C has it in them, which nothing else may have.
func (s names) take(prefix string, p *netPlan, bits8 bool) error {
	name := strings.NewReplacer("-", "_", ".", "_").Replace(p.net.Name)
	p.symbol = prefix + "_" + name
	p.macro = strings.ToUpper(p.symbol)
	sizes, of, taken := sizes, []string{"NETWORKS", "H"}, []string{p.symbol}
	if bits8 {
		sizes, of, taken = slices.Concat(sizes, sizes8), append(of, "NETWORKS8"), append(taken, p.symbol+"_8")
	}
	if len(s) == 0 {
		for _, size := range slices.Concat(sizes, of) {
			s[strings.ToUpper(prefix)+"_"+size] = "all of the pack"
		}
	}
	for _, size := range sizes {
		taken = append(taken, p.macro+"_"+size)
	}
	for _, t := range taken {
		if other, twice := s[t]; twice {
			return fmt.Errorf("network %s: its name in C, %s, is that of %s: want names that differ in more "+
				"than case, '-', '.' and '_'", p.net.Name, t, other)
		}
		s[t] = p.net.Name
	}
	return nil
}
