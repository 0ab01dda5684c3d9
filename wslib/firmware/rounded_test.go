package firmware

import (
	"fmt"
	"hash/crc32"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// exact runs networks in 8 bits as weightsep8.h says it does, with whole numbers of any size. Beside it, it
// computes each value in float64, to be rounded once.
type exact struct {
	netPlan
	weights       []float32
	kernels       []int8
	values, other int // computed, and how many of them are not the nearest
}

// round is a float32 to the nearest, as in C.
func round(x float32) int {
	if x < 0 {
		return int(float32(x - 0.5))
	}
	return int(float32(x + 0.5))
}

func (e *exact) error(t *testing.T, what string, got int, want, tolerance float64) {
	if off := math.Abs(float64(got) - want); !(off <= 0.5+tolerance) {
		t.Fatalf("%s: %s is %d, want %g", e.symbol, what, got, want)
	}
}

// power is 2^(-k/8) of a channel.
func (e *exact) power(l *layer, o int) float64 {
	at := o
	for _, before := range e.layers {
		if before == l {
			break
		}
		if before.kind == convolution {
			at += before.to.channels
		}
	}
	return math.Exp2(-float64(e.scales[at]) / 8)
}

// kernel rounds the kernels.
func (e *exact) kernel(t *testing.T) {
	for _, l := range e.layers {
		if l.kind != convolution {
			continue
		}
		size, out := l.each(), l.to.channels
		for i := range size * out {
			o := i % out
			if l.oihw {
				o = i / size
			}
			w, p := e.weights[l.kernel+i], e.power(l, o)
			q := round(w * float32(1/p))
			e.error(t, "a weight", q, float64(w)/p, 1e-4)
			e.kernels = append(e.kernels, int8(q))
		}
	}
}

// times is the nearest whole number of a sum times a float32, in 256ths, half away from 0.
func times(sum int, factor float32) int {
	x := new(big.Rat).SetFloat64(float64(factor))
	x.Mul(x, big.NewRat(int64(sum)*256, 1))
	n, d := new(big.Int).Abs(x.Num()), x.Denom()
	n.Add(n.Lsh(n, 1), d).Div(n, new(big.Int).Lsh(d, 1)) // (2n + d) / 2d
	v := int(min(n.Int64(), 1<<24))
	return v * x.Sign()
}

// finish activates a sum of 256ths, x, of which the true value is true, in units of the output.
func (e *exact) finish(t *testing.T, l *layer, x int, true float64) int8 {
	out := e.quantized.values[l.to]
	scale := float64(out.scale)
	var q int
	if l.sigmoid {
		y := 1 / (1 + math.Exp(-float64(x)/256*sigmoidUnit))
		q = out.zero + int(math.Floor(y/scale+0.5))
		true = 1 / (1 + math.Exp(-true)) / scale
	} else {
		if x < 0 {
			x = -(-x * int(math.Round(float64(l.slope)*65536)) >> 16)
		}
		q = out.zero + (x+128)>>8
		if true < 0 {
			true *= float64(l.slope)
		}
		true = min(true, float64(l.limit)) / scale
		q = min(q, int(min(math.Round(float64(l.limit)/scale), 256))+out.zero)
	}
	q = min(max(q, -128), 127)
	// Three times 1/256 may be rounded before the last time.
	true = min(max(true+float64(out.zero), -128), 127)
	e.error(t, l.name, q, true, 0.02)
	if e.values++; q != int(math.Round(true)) {
		e.other++
	}
	return int8(q)
}

func (e *exact) run(t *testing.T, l *layer, kernel, in, with []int8, out []int8) {
	from, to := e.quantized.values[l.from], e.quantized.values[l.to]
	unit := to.scale
	if l.sigmoid {
		unit = sigmoidUnit
	}
	each := l.each() / l.height / l.width
	value := func(y, x, channel int) int {
		return int(in[l.in.index(l.from.chw, y, x, channel)]) - from.zero
	}
	point := func(row, column, o int) (sum int) {
		l.inside(row, column, func(y, x, v, u int) {
			for i := range each {
				k := ((v*l.width+u)*each+i)*l.to.channels + o
				if l.oihw {
					k = ((o*each+i)*l.height+v)*l.width + u
				}
				sum += value(y, x, o/(l.to.channels/l.groups)*each+i) * int(kernel[k])
			}
		})
		return sum
	}
	for i := range l.to.size() {
		o, x, y := i%l.to.channels, i/l.to.channels%l.to.columns, i/l.to.channels/l.to.columns
		to := &out[l.to.index(l.to.chw, y, x, o)]
		switch l.kind {
		case sum:
			other := e.quantized.values[l.with]
			a, b := value(y, x, o), int(with[l.in.index(l.with.chw, y, x, o)])-other.zero
			*to = e.finish(t, l, times(a, from.scale/unit)+times(b, other.scale/unit),
				float64(a)*float64(from.scale)+float64(b)*float64(other.scale))
		case convolution:
			most, bias := point(y*l.pool, x*l.pool, o), float32(0)
			for p := 1; p < l.pool*l.pool; p++ {
				most = max(most, point(2*y+p/2, 2*x+p%2, o))
			}
			if l.bias != none {
				bias = e.weights[l.bias+o]
			}
			p := e.power(l, o)
			*to = e.finish(t, l, times(most, from.scale*float32(p)/unit)+round(bias/unit*256),
				float64(most)*float64(from.scale)*p+float64(bias))
		default:
			total, most, places := 0, -1000, 0
			l.inside(y, x, func(y, x, _, _ int) {
				total, most, places = total+value(y, x, o), max(most, value(y, x, o)), places+1
			})
			if l.kind == mean {
				*to = e.finish(t, l, times(total, from.scale/(unit*float32(places))),
					float64(total)*float64(from.scale)/float64(places))
			} else {
				*to = int8(most + from.zero)
			}
		}
	}
}

// agrees8 compares what show8.c prints with weights and outputs of [exact], bit for bit. It returns how far
// outputs are off Go's, in shares of the largest, at most and on average.
func (p *program) agrees8(t *testing.T, shown string) (most, average float64) {
	t.Helper()
	values, other, count := 0, 0, 0.0
	lines := strings.Split(strings.TrimSpace(shown), "\n")
	for i, line := range lines {
		e := &exact{netPlan: p.plans[i], weights: p.sets[i].Weights(p.sets[i].Index(p.nets[i].Name))}
		e.kernel(t)
		in := e.quantized.values[e.sample]
		x := sample(e.net.Samples())
		of := map[*value][]int8{}
		for _, v := range x {
			q := round(v/in.scale) + in.zero
			of[e.sample] = append(of[e.sample], int8(min(max(q, -128), 127)))
			e.error(t, "a value of the sample", q, float64(v)/float64(in.scale)+float64(in.zero), 1e-4)
		}
		for k, l := range e.layers {
			of[l.to] = make([]int8, l.to.size())
			e.run(t, l, e.kernels[e.quantized.kernels[k]:], of[l.from], of[l.with], of[l.to])
		}
		crc := func(v []int8) uint32 {
			var raw []byte
			for _, x := range v {
				raw = append(raw, byte(x))
			}
			return crc32.ChecksumIEEE(raw)
		}
		fields := strings.Fields(line)
		want := fmt.Sprintf("%s 0 1 1 %08x %08x", e.net.Name, crc(e.kernels), crc(of[e.sample]))
		if got := strings.Join(fields[:6], " "); got != want || fields[len(fields)-1] != "1" {
			t.Errorf("%s: name, damage, within buffers, same by layers, CRCs of weights and sample are %s, want "+
				"%s; no numbers: %s", e.symbol, got, want, fields[len(fields)-1])
		}
		out, largest, off := e.quantized.values[e.output], 1e-3, 0.0
		floats := p.outputs(t, e.net, e.weights, x)
		for k, q := range of[e.output] {
			if got, _ := strconv.Atoi(fields[6+2*k]); got != int(q) {
				t.Errorf("%s: output %d is %d, want %d", e.symbol, k, got, q)
			}
			v := float64(int(q)-out.zero) * float64(out.scale)
			if got, _ := strconv.ParseFloat(fields[7+2*k], 64); math.Abs(got-v) > 1e-5*math.Abs(v) {
				t.Errorf("%s: output %d is %g, want %g", e.symbol, k, got, v)
			}
			off = max(off, math.Abs(v-float64(floats[k])))
			largest = max(largest, math.Abs(float64(floats[k])))
		}
		most, average = max(most, off/largest), average+off/largest
		values, other, count = values+e.values, other+e.other, count+1
	}
	if len(lines) != len(p.plans) {
		t.Errorf("%d lines of %d networks", len(lines), len(p.plans))
	}
	t.Logf("%d networks in 8 bits: %d of %d values are not the nearest; outputs are off by %.3f of the largest "+
		"at most, %.4f on average", len(lines), other, values, most, average/count)
	return most, average / count
}

func TestRounded(t *testing.T) {
	p, rng := newProgram(t), rand.New(rand.NewPCG(8, 8))
	for i, format := range formats() {
		f, nets := small(format)
		if i%4 == 0 {
			f, nets = random(rng, format)
		}
		p.add(t, fmt.Sprint("p", i), f, nets)
	}
	p.near8(t)
}

// near8 runs networks in 8 bits, which must be near float32: a scale or zero that is wrong once would be seen.
func (p *program) near8(t *testing.T) {
	t.Helper()
	most, average := p.agrees8(t, output(t, p.compile(t, host(t), "show8.c", sanitized...)))
	if most > 0.25 || average > 0.02 {
		t.Errorf("outputs are off by %g of the largest, %g on average, want 0.25 and 0.02 at most", most, average)
	}
}

func TestTimes(t *testing.T) {
	p := newProgram(t)
	p.headersOnly(t)
	found := strings.Fields(output(t, p.compile(t, host(t), "round.c", append(sanitized, "-lm")...)))
	if found[0] != "100000" || found[1] != "0" {
		t.Errorf("of %s products %s are not the nearest", found[0], found[1])
	}
}
