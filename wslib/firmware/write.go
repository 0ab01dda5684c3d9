package firmware

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
	"strings"

	"weightsep/wslib/page"
)

// declarations are PREFIX.h.
func declarations(prefix string, plans []netPlan) []byte {
	var b bytes.Buffer
	upper, header, sizes := strings.ToUpper(prefix), Header, sizes
	bits8 := plans[0].quantized != nil
	if bits8 {
		header, sizes = Header8, slices.Concat(sizes, sizes8)
	}
	fmt.Fprintf(&b, "/* Networks of %s.c. Made by ws export -format c. */\n#ifndef %s_H\n#define %[2]s_H\n\n"+
		"#include \"%s\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n", prefix, upper, header)
	largest := make([]int, len(sizes))
	var all, all8 []string
	for _, p := range plans {
		fmt.Fprintf(&b, "\n/* %s: %v to %d outputs */\n", p.net.Name, p.net.Input(), p.net.Outputs())
		values := p.sizes()
		if bits8 {
			values = append(values, p.sizes8()...)
		}
		for i, v := range values {
			fmt.Fprintf(&b, "#define %s_%s %d\n", p.macro, sizes[i], v)
			largest[i] = max(largest[i], v)
		}
		fmt.Fprintf(&b, "extern const weightsep_network %s;\n", p.symbol)
		all = append(all, "&"+p.symbol)
		if bits8 {
			fmt.Fprintf(&b, "extern const weightsep_network8 %s_8;\n", p.symbol)
			all8 = append(all8, "&"+p.symbol+"_8")
		}
	}
	fmt.Fprintf(&b, "\n/* Of all networks the largest. */\n")
	for i, v := range largest {
		fmt.Fprintf(&b, "#define %s_%s %d\n", upper, sizes[i], v)
	}
	fmt.Fprintf(&b, "\n/* What an array of all networks is made of. */\n")
	fmt.Fprintf(&b, "#define %s_NETWORKS \\\n    {%s}\n", upper, strings.Join(all, ", \\\n     "))
	if bits8 {
		fmt.Fprintf(&b, "#define %s_NETWORKS8 \\\n    {%s}\n", upper, strings.Join(all8, ", \\\n     "))
	}
	b.WriteString("\n#ifdef __cplusplus\n}\n#endif\n#endif\n")
	return b.Bytes()
}

// constants are PREFIX.c. What is static has no '_' in its name, what others see has.
func constants(prefix string, s *page.Set, plans []netPlan) []byte {
	var b bytes.Buffer
	shared, own := s.Precisions()
	fmt.Fprintf(&b, "/* Pages, tables and scales of networks. Made by ws export -format c. */\n"+
		"#include \"%s.h\"\n", prefix)
	numbers(&b, "pages", s.Pages, s.Shared, shared.Bytes(s.Size))
	checksums(&b, "sums", crcs(s.Pages, shared.Bytes(s.Size)))
	fmt.Fprintf(&b, "\nstatic const weightsep_pack pack = {\n    .page_size = %d, .shared = %d, .bits = %d, "+
		".own_bits = %d, .scale_bytes = %d,\n    .pages = pages, .sums = sums\n};\n",
		s.Size, s.Shared, shared.Bits(), own.Bits(), s.ScaleFormat.Bytes())
	for i, p := range plans {
		member(&b, s, i, p)
	}
	return b.Bytes()
}

// member writes the constants of network i, whose names end in i.
func member(b *bytes.Buffer, s *page.Set, i int, p netPlan) {
	m := s.Networks[i]
	_, own := s.Precisions()
	pages, exclusive := len(m.Table.Entries), len(m.Table.Exclusive())
	fmt.Fprintf(b, "\n/* %s */\n", m.Name)
	var sums []uint32
	var fields strings.Builder
	part := func(name string, data []byte, rows, width int) {
		sums = append(sums, crc32.ChecksumIEEE(data))
		value := "NULL"
		if len(data) > 0 {
			value = fmt.Sprint(name, i)
			numbers(b, value, data, rows, width)
		}
		fmt.Fprintf(&fields, "    .%s = %s,\n", name, value)
	}
	part("table", m.Table.Array().Data, pages, m.Table.Width())
	part("scales", s.ScaleFormat.Pack(m.Scales), len(m.Scales), s.ScaleFormat.Bytes())
	part("keys", m.Keys, pages-exclusive, page.Int2.Bytes(s.Size))
	part("exclusive", m.Exclusive, exclusive, own.Bytes(s.Size))
	checksums(b, fmt.Sprint("sums", i), append(sums[:3], crcs(m.Exclusive, own.Bytes(s.Size))...))
	fmt.Fprintf(b, "static const weightsep_layer layers%d[] = {\n", i)
	for _, l := range p.layers {
		p.writeLayer(b, l)
	}
	fmt.Fprintf(b, "};\nWEIGHTSEP_ASSERT(pages%d, (%s_WEIGHTS + %[3]d - 1) / %[3]d == %d);\n",
		i, p.macro, s.Size, pages)
	fmt.Fprintf(b, "const weightsep_network %s = {\n    .name = \"%s\", .pack = &pack,\n%s", p.symbol, m.Name,
		fields.String())
	fmt.Fprintf(b, "    .sums = sums%d, .layers = layers%[1]d, .layer_count = %d,\n    .own = %d, "+
		".entry_bytes = %d,\n", i, len(p.layers), exclusive, m.Table.Width())
	for _, size := range sizes {
		fmt.Fprintf(b, "    .%s = %s_%s,\n", strings.ToLower(size), p.macro, size)
	}
	b.WriteString("};\n")
	if p.quantized != nil {
		p.write8(b, i)
	}
}

// writeLayer writes a weightsep_layer.
func (p netPlan) writeLayer(b *bytes.Buffer, l *layer) {
	weights := func(offset int) string {
		if offset == none {
			return "WEIGHTSEP_NONE"
		}
		return strconv.Itoa(offset)
	}
	place := func(v *value) string {
		if v == nil || v == p.sample || v == p.output {
			return "WEIGHTSEP_NONE"
		}
		return strconv.Itoa(v.at)
	}
	layout, sigmoid := 0, 0
	for i, set := range []bool{l.from.chw, l.with != nil && l.with.chw, l.to.chw, l.oihw} {
		if set {
			layout |= 1 << i
		}
	}
	if l.sigmoid {
		sigmoid = 1
	}
	fmt.Fprintf(b, "    {.kind = WEIGHTSEP_%s, .kernel = %s, .bias = %s, .from = %s, .with = %s, .to = %s,\n",
		l.kind, weights(l.kernel), weights(l.bias), place(l.from), place(l.with), place(l.to))
	fmt.Fprintf(b, "     .in = %d, .in_rows = %d, .in_columns = %d, .out = %d, .rows = %d, .columns = %d,\n",
		l.in.channels, l.in.rows, l.in.columns, l.to.channels, l.to.rows, l.to.columns)
	fmt.Fprintf(b, "     .height = %d, .width = %d, .down = %d, .right = %d, .top = %d, .left = %d, .groups = %d,\n",
		l.height, l.width, l.down, l.right, l.top, l.left, l.groups)
	fmt.Fprintf(b, "     .pool = %d, .slope = %s, .limit = %s, .sigmoid = %d, .layout = %d},\n",
		l.pool, float(l.slope), float(l.limit), sigmoid, layout)
}

// float is a constant in C that is the same in float32.
func float(v float32) string {
	if v == math.MaxFloat32 {
		return "FLT_MAX"
	}
	return fmt.Sprintf("%.9ef", v)
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
