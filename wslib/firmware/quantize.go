package firmware

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// scaled is how 8 bits stand for a value: (q - zero) scale.
type scaled struct {
	scale float32
	zero  int
}

// of is that of a span, all of which 8 bits hold.
func (s span) scaled() scaled {
	scale := max((s.high-s.low)/255, 1e-6)
	zero := -128 - math.Round(float64(s.low)/float64(scale))
	return scaled{scale, int(min(max(zero, -128), 127))}
}

// quantized is a network in 8 bits.
type quantized struct {
	values  map[*value]scaled
	scales  []byte // k of each output channel: a weight is q 2^(-k/8)
	kernels []int  // where each layer's kernel begins
	weights int    // of all kernels
	layer   int    // in RAM at a time, where they are not all
}

// sizes8 are the macros of a network in 8 bits.
var sizes8 = []string{"WEIGHTS8", "LAYER8"}

// sigmoidUnit is the scale of what a sigmoid is given.
const sigmoidUnit = 1.0 / 16

// quantize rounds a network to 8 bits, for values as those that samples give.
func (p *netPlan) quantize(weights, samples []float32) error {
	if n := p.net.Samples(); len(samples) == 0 || len(samples)%n != 0 {
		return fmt.Errorf("network %s: %d values of samples to round by, want one sample of %d at least",
			p.net.Name, len(samples), n)
	}
	q := &quantized{values: map[*value]scaled{}}
	spans := p.spans(weights, samples)
	for v, s := range spans {
		if math.IsInf(float64(s.high-s.low), 0) || s.high-s.low != s.high-s.low {
			return fmt.Errorf("network %s: values from %g to %g of the samples to round by, want finite ones",
				p.net.Name, s.low, s.high)
		}
		q.values[v] = s.scaled()
	}
	for _, l := range p.layers {
		q.kernels = append(q.kernels, q.weights)
		if l.kind == largest {
			q.values[l.to] = q.values[l.from]
		}
		size, out := l.each(), l.to.channels
		if l.kind == convolution && size > math.MaxInt32/255/128 ||
			l.kind == mean && l.height*l.width > math.MaxInt32/255 {
			return fmt.Errorf("network %s: %s: sums of %d products, want fewer for 32 bits", p.net.Name, l.name,
				size)
		}
		if l.kind != convolution {
			continue
		}
		q.weights += size * out
		for o := range out {
			most := 0.0
			for i := range size {
				at := i*out + o
				if l.oihw {
					at = o*size + i
				}
				most = max(most, math.Abs(float64(weights[l.kernel+at])))
			}
			if !(most <= 127) {
				return fmt.Errorf("network %s: %s has a weight of %g, want at most 127 for 8 bits", p.net.Name,
					l.name, most)
			}
			q.scales = append(q.scales, byte(min(max(math.Floor(-8*math.Log2(most/127)), 0), 255)))
		}
	}
	p.quantized = q
	return nil
}

// write8 writes a weightsep_network8.
func (p netPlan) write8(b *bytes.Buffer, i int) {
	q := p.quantized
	scales := fmt.Sprint("channels", i)
	numbers(b, scales, q.scales, len(q.scales), 1)
	fmt.Fprintf(b, "static const weightsep_layer8 rounded%d[] = {\n", i)
	at := 0
	for k, l := range p.layers {
		in, out := q.values[l.from], q.values[l.to]
		with, unit, most := in, out.scale, 127.0
		if l.with != nil {
			with = q.values[l.with]
		}
		if l.sigmoid {
			unit = sigmoidUnit
		} else {
			most = min(most, math.Round(float64(l.limit)/float64(out.scale))+float64(out.zero))
		}
		fmt.Fprintf(b, "    {.in = %s, .with = %s, .out = %s, .unit = %s, .slope = %d,\n", float(in.scale),
			float(with.scale), float(out.scale), float(unit), int(math.Round(float64(l.slope)*65536)))
		fmt.Fprintf(b, "     .kernel = %d, .scales = %d, .zero_in = %d, .zero_with = %d, .zero = %d, .most = %d},\n",
			q.kernels[k], at, in.zero, with.zero, out.zero, int(most))
		if l.kind == convolution {
			at += l.to.channels
		}
	}
	in, out := q.values[p.sample], q.values[p.output]
	fmt.Fprintf(b, "};\nconst weightsep_network8 %s_8 = {\n    .network = &%[1]s, .layers = rounded%d, "+
		".scales = %s,\n    .scale_count = %d, .sum = 0x%08x, .in = %s, .zero_in = %d, .out = %s, .zero_out = %d,\n",
		p.symbol, i, scales, len(q.scales), crc32.ChecksumIEEE(q.scales), float(in.scale), in.zero,
		float(out.scale), out.zero)
	for _, size := range sizes8 {
		fmt.Fprintf(b, "    .%s = %s_%s,\n", strings.ToLower(strings.TrimSuffix(size, "8")), p.macro, size)
	}
	b.WriteString("};\n")
}
