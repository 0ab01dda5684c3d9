package firmware

import (
	"fmt"
	"math"
)

// shape of a value: a dense layer's is one place of many channels.
type shape struct{ rows, columns, channels int }

func (s shape) size() int { return s.rows * s.columns * s.channels }

// value is what a layer computes, or the sample.
type value struct {
	shape
	chw     bool // how it lies in memory: (channels, rows, columns), else (rows, columns, channels)
	settled bool // chw may not change any more
	at      int  // in scratch
}

// settle says how a value lies in memory, where that makes a difference. It reports whether it may.
func (v *value) settle(chw bool) bool {
	if v.rows*v.columns == 1 || v.channels == 1 {
		return true
	}
	if v.settled {
		return v.chw == chw
	}
	v.chw, v.settled = chw, true
	return true
}

// none stands for weights that are not there.
const none = -1

// Kinds of layers, those of weightsep.h.
const (
	convolution = "CONVOLUTION"
	largest     = "LARGEST"
	mean        = "MEAN"
	sum         = "SUM"
)

// layer is weightsep_layer.
type layer struct {
	kind, name    string // name is that of the kernel or of the file's node
	kernel, bias  int    // first weights in the network's vector, or none
	oihw          bool   // how the kernel lies there
	from, with    *value // with: of a sum
	in            shape  // that of from, but for a dense layer
	to            *value
	height, width int
	down, right   int // strides
	top, left     int
	groups, pool  int
	slope, limit  float32
	sigmoid       bool
}

// newLayer is a layer of one place without an activation.
func newLayer(kind, name string, from *value, in, out shape) *layer {
	return &layer{kind: kind, name: name, kernel: none, bias: none, from: from, in: in,
		to: &value{shape: out}, height: 1, width: 1, down: 1, right: 1, groups: 1, pool: 1,
		slope: 1, limit: math.MaxFloat32}
}

func (l *layer) linear() bool { return !l.sigmoid && l.slope == 1 && l.limit == math.MaxFloat32 }

// each is the number of weights of an output channel.
func (l *layer) each() int { return l.in.channels / l.groups * l.height * l.width }

// tooLarge for the fields of weightsep_layer.
const tooLarge = 1 << 16

// tooMany values or weights for its offsets, and for those of 32 bits of a device.
const tooMany = 1 << 28

// check returns an error for a layer that weightsep_layer cannot hold.
func (l *layer) check() error {
	for _, v := range []int{l.in.rows, l.in.columns, l.to.rows, l.to.columns, l.height, l.width, l.down,
		l.right, l.top, l.left, l.groups} {
		if v < 0 || v >= tooLarge {
			return fmt.Errorf("%s: a size or stride of %d, want less than %d for C", l.name, v, tooLarge)
		}
	}
	for _, s := range []shape{l.in, l.to.shape} {
		if s.channels > tooMany/(s.rows*s.columns) {
			return fmt.Errorf("%s: %d x %d x %d values, want %d at most for C", l.name, s.rows, s.columns,
				s.channels, tooMany)
		}
	}
	return nil
}

// model is what a network computes, as layers in their order.
type model struct {
	layers []*layer
	sample *value
	output *value
	memory int // values of scratch
}
