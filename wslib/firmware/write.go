package firmware

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"weightsep/wslib/page"
)

// declarations are PREFIX.h.
func declarations(prefix string, plans []netPlan) []byte {
	var b bytes.Buffer
	upper := strings.ToUpper(prefix)
	fmt.Fprintf(&b, "/* Networks of %s.c. Made by ws export -format c. */\n#ifndef %s_H\n#define %[2]s_H\n\n"+
		"#include \"%s\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n", prefix, upper, Header)
	largest := make([]int, len(sizes))
	var all []string
	for _, p := range plans {
		fmt.Fprintf(&b, "\n/* %s: %v to %d outputs */\n", p.net.Name, p.net.Input(), p.net.Outputs())
		for i, v := range p.sizes() {
			fmt.Fprintf(&b, "#define %s_%s %d\n", p.macro, sizes[i], v)
			largest[i] = max(largest[i], v)
		}
		fmt.Fprintf(&b, "extern const weightsep_network %s;\n", p.symbol)
		all = append(all, "&"+p.symbol)
	}
	fmt.Fprintf(&b, "\n/* Of all networks the largest. */\n")
	for i, v := range largest {
		fmt.Fprintf(&b, "#define %s_%s %d\n", upper, sizes[i], v)
	}
	fmt.Fprintf(&b, "\n/* What an array of all networks is made of. */\n#define %s_NETWORKS \\\n    {%s}\n\n"+
		"#ifdef __cplusplus\n}\n#endif\n#endif\n", upper, strings.Join(all, ", \\\n     "))
	return b.Bytes()
}

// constants are PREFIX.c. What is static has no '_' in its name, what others see has.
func constants(prefix string, s *page.Set, plans []netPlan) []byte {
	var b bytes.Buffer
	shared, own := s.Precisions()
	scaleBytes := s.ScaleFormat.Bytes()
	fmt.Fprintf(&b, "/* Pages, tables and scales of networks. Made by ws export -format c. */\n#include \"%s.h\"\n",
		prefix)
	numbers(&b, "pages", s.Pages, s.Shared, shared.Bytes(s.Size))
	checksums(&b, "sums", crcs(s.Pages, shared.Bytes(s.Size)))
	fmt.Fprintf(&b, "\nstatic const weightsep_pack pack = {\n    .page_size = %d, .shared = %d, .bits = %d, "+
		".own_bits = %d, .scale_bytes = %d,\n    .pages = pages, .sums = sums\n};\n",
		s.Size, s.Shared, shared.Bits(), own.Bits(), scaleBytes)
	for i, p := range plans {
		m := s.Networks[i]
		pages, exclusive := len(m.Table.Entries), len(m.Table.Exclusive())
		fmt.Fprintf(&b, "\n/* %s */\n", m.Name)
		parts := []struct {
			name        string
			data        []byte
			rows, width int
		}{
			{"table", m.Table.Array().Data, pages, m.Table.Width()},
			{"scales", s.ScaleFormat.Pack(m.Scales), len(m.Scales), scaleBytes},
			{"keys", m.Keys, pages - exclusive, page.Int2.Bytes(s.Size)},
			{"exclusive", m.Exclusive, exclusive, own.Bytes(s.Size)},
		}
		var sums []uint32
		var initial strings.Builder
		for _, part := range parts {
			if part.name != "exclusive" {
				sums = append(sums, crc32.ChecksumIEEE(part.data))
			}
			if len(part.data) == 0 {
				fmt.Fprintf(&initial, " .%s = NULL,", part.name)
				continue
			}
			numbers(&b, fmt.Sprint(part.name, i), part.data, part.rows, part.width)
			fmt.Fprintf(&initial, " .%s = %[1]s%d,", part.name, i)
		}
		checksums(&b, fmt.Sprint("sums", i), append(sums, crcs(m.Exclusive, own.Bytes(s.Size))...))
		fmt.Fprintf(&b, "static const weightsep_layer layers%d[] = {\n", i)
		for _, l := range p.layers {
			fmt.Fprintf(&b, "    {.kernel = %d, .bias = %d, .height = %d, .width = %d, .in = %d, .out = %d,\n"+
				"     .stride = %d, .rows = %d, .columns = %d, .activation = %s},\n", l.kernel, l.bias, l.height,
				l.width, l.in, l.out, l.stride, l.rows, l.columns, l.activation)
		}
		fmt.Fprintf(&b, "};\nWEIGHTSEP_ASSERT(pages_%d, (%[2]s_WEIGHTS + %[3]d - 1) / %[3]d == %[4]d);\n"+
			"const weightsep_network %[5]s = {\n"+
			"    .name = \"%[6]s\", .pack = &pack,\n   %[7]s\n    .sums = sums%[1]d, .layers = layers%[1]d,\n"+
			"    .weights = %[2]s_WEIGHTS, .own = %[8]d, .layer_count = %[9]d,\n    .input = %[2]s_INPUT, "+
			".output = %[2]s_OUTPUT, .scratch = %[2]s_SCRATCH,\n    .layer = %[2]s_LAYER, .entry_bytes = %[10]d\n};\n",
			i, p.macro, s.Size, pages, p.symbol, m.Name, initial.String(), exclusive, len(p.layers),
			m.Table.Width())
	}
	return b.Bytes()
}

// crcs are the checksums of pages of so many bytes.
func crcs(pages []byte, width int) []uint32 {
	sums := make([]uint32, len(pages)/width)
	for k := range sums {
		sums[k] = crc32.ChecksumIEEE(pages[k*width : (k+1)*width])
	}
	return sums
}

// numbers writes an array of bytes, and a check of its size.
func numbers(b *bytes.Buffer, name string, data []byte, rows, width int) {
	array(b, "uint8_t", name, len(data), func(line []byte, i int) []byte {
		return strconv.AppendUint(line, uint64(data[i]), 10)
	})
	fmt.Fprintf(b, "WEIGHTSEP_ASSERT(%s, sizeof %[1]s == (size_t)%d * %d);\n", name, rows, width)
}

func checksums(b *bytes.Buffer, name string, sums []uint32) {
	array(b, "uint32_t", name, len(sums), func(line []byte, i int) []byte {
		return fmt.Appendf(line, "0x%08x", sums[i])
	})
}

// array writes constants in lines of at most 100 characters.
func array(b *bytes.Buffer, kind, name string, n int, put func(line []byte, i int) []byte) {
	fmt.Fprintf(b, "static const %s %s[] WEIGHTSEP_SECTION = {", kind, name)
	begin := b.Len() - 100
	for i := range n {
		if b.Len()-begin > 88 {
			b.WriteByte('\n')
			begin = b.Len()
		}
		b.Write(append(put(b.AvailableBuffer(), i), ','))
	}
	b.WriteString("\n};\n")
}
