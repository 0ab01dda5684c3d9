package firmware

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// placed is what a linker's map says of one section of an object: how many bytes of which output section.
type placed struct {
	object, section string // "" and "*fill*": padding
	output          string
	at, size        uint64
	loaded          bool // from flash to RAM before main
}

// outputSection is one of a linker's map.
type outputSection struct {
	name     string
	memory   string // flash or ram
	at, size uint64
	loaded   bool // has another load address
	inputs   []placed
}

var (
	mapMemory = regexp.MustCompile(`(?m)^(\w+) +0x([0-9a-f]+) +0x([0-9a-f]+)`)
	// A name, perhaps on a line of its own, address and size, and what follows.
	mapOutput = regexp.MustCompile(`^(\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: load address 0x[0-9a-f]+)?$`)
	mapInput  = regexp.MustCompile(`^ (\.\S+|COMMON|\*fill\*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) ?(.*)$`)
	mapName   = regexp.MustCompile(`^ ?(\.\S+|COMMON)$`)
)

// parseMap reads the map that GNU ld writes: the sections that take any byte of its memories. What lies in
// such a section must fill it. Debugging information must lie outside of the memories.
func parseMap(text string) ([]outputSection, error) {
	before, text, found := strings.Cut(text, "\nLinker script and memory map\n")
	if !found {
		return nil, errors.New("linker's map: no memory map in it")
	}
	hex := func(digits string) uint64 {
		v, _ := strconv.ParseUint(digits, 16, 64)
		return v
	}
	var all []outputSection
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := mapName.FindStringSubmatch(line); m != nil {
			name = line // address and size follow
			continue
		}
		if name != "" && strings.HasPrefix(line, "   ") {
			line = name + " " + strings.TrimSpace(line)
		}
		name = ""
		if m := mapOutput.FindStringSubmatch(line); m != nil {
			all = append(all, outputSection{name: m[1], at: hex(m[2]), size: hex(m[3]),
				loaded: strings.Contains(line, " load address ")})
		} else if m := mapInput.FindStringSubmatch(line); m != nil && len(all) > 0 {
			o := &all[len(all)-1]
			o.inputs = append(o.inputs, placed{section: m[1], output: o.name, at: hex(m[2]), size: hex(m[3]),
				object: filepath.Base(strings.TrimSpace(m[4])), loaded: o.loaded})
		}
	}
	var used []outputSection
	for _, o := range all {
		for _, m := range mapMemory.FindAllStringSubmatch(before, -1) {
			if origin := hex(m[2]); o.at >= origin && o.at-origin < hex(m[3]) {
				o.memory = m[1]
			}
		}
		if o.size == 0 || o.memory == "" {
			continue
		}
		// Of constants that are merged the first object has all bytes, the others have none: what follows
		// lies where they would begin.
		end, sum := o.at+o.size, uint64(0)
		for i := len(o.inputs) - 1; i >= 0; i-- {
			in := &o.inputs[i]
			if in.at > end {
				return nil, fmt.Errorf("linker's map: %s of %s at %#x, want %#x at most in %s",
					in.section, in.object, in.at, end, o.name)
			}
			in.size = min(in.size, end-in.at)
			end, sum = in.at, sum+in.size
		}
		if sum != o.size {
			return nil, fmt.Errorf("linker's map: %d bytes in %s, want %d", sum, o.name, o.size)
		}
		used = append(used, o)
	}
	return used, nil
}

// What GNU ld 2.40 writes, shortened: names on lines of their own, padding, merged strings, data that is
// loaded, and sections that take no memory.
const someMap = `Discarded input sections

 .text          0x00000000       0x10 main.o

Memory Configuration

Name             Origin             Length             Attributes
flash            0x08000000         0x00400000         xr!w
ram              0x20000000         0x00080000         w!xr
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD main.o
                0x20080000                        PROVIDE (__stack = 1)

.text           0x08000040       0x50
 *(.text .text.*)
 .text.main     0x08000040       0x0e main.o
                0x08000040                main
 *fill*         0x0800004e        0x2 
 .rodata.str1.4
                0x08000050       0x10 main.o
                                 0x14 (size before relaxing)
 .rodata.str1.4
                0x08000060       0x24 libc.a(x.c.o)
 .rodata.of.1   0x08000060       0x20 packed.o
                0x08000090                        . = ALIGN (0x10)
 *fill*         0x08000080       0x10 

.toc
 *(.toc .toc.*)

.data           0x20000000       0x08 load address 0x08000090
 .data.a        0x20000000        0x8 main.o

.ARM.attributes
                0x00000000        0x8
 .ARM.attributes
                0x00000010        0x8 main.o
`

func TestParseMap(t *testing.T) {
	got, err := parseMap(someMap)
	want := `[{.text flash 134217792 80 false [{main.o .text.main .text 134217792 14 false} ` +
		`{. *fill* .text 134217806 2 false} {main.o .rodata.str1.4 .text 134217808 16 false} ` +
		`{libc.a(x.c.o) .rodata.str1.4 .text 134217824 0 false} ` +
		`{packed.o .rodata.of.1 .text 134217824 32 false} {. *fill* .text 134217856 16 false}]} ` +
		`{.data ram 536870912 8 true [{main.o .data.a .data 536870912 8 true}]}]`
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v; want\n%s", got, err, want)
	}
	for _, damaged := range []string{"", strings.Replace(someMap, "       0x50", "       0x52", 1),
		strings.Replace(someMap, " .text.main ", " text ", 1),
		strings.Replace(someMap, "0x08000080       0x10", "0x080000a0       0x10", 1)} {
		if got, err := parseMap(damaged); err == nil {
			t.Errorf("%v of\n%s\nwant an error", got, damaged)
		}
	}
}
