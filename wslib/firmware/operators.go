package firmware

import (
	"fmt"
	"math"
	"slices"

	"weightsep/wslib/network"
)

// windows reads the sizes of a kernel or window, its strides and zeros into a layer, whose output gets its
// rows and columns.
func (n operator) windows(l *layer, sizes []int) error {
	axes := len(sizes)
	strides, err := n.integers("strides", axes, 1)
	if err != nil {
		return err
	}
	dilations, err := n.integers("dilations", axes, 1)
	if err != nil {
		return err
	}
	pads, err := n.integers("pads", 2*axes, 0)
	if err != nil {
		return err
	}
	if axes == 1 {
		sizes, strides, pads = []int{1, sizes[0]}, []int{1, strides[0]}, []int{0, pads[0], 0, pads[1]}
	}
	if slices.Max(dilations) != 1 || slices.Min(dilations) != 1 || slices.Min(strides) < 1 ||
		slices.Min(sizes) < 1 {
		return fmt.Errorf("its window is %v, strides %v, dilations %v, want windows of an image without "+
			"dilation", sizes, strides, dilations)
	}
	if a := n.attribute("auto_pad"); a != nil && string(a.S) != "NOTSET" || n.integer("ceil_mode", 0) != 0 ||
		n.integer("count_include_pad", 0) != 0 {
		return fmt.Errorf("want no auto_pad, ceil_mode or count_include_pad")
	}
	in, out := []int{l.in.rows, l.in.columns}, make([]int, 2)
	for i := range out {
		if pads[i] < 0 || pads[2+i] < 0 || max(pads[i], pads[2+i]) >= sizes[i] ||
			in[i]+pads[i]+pads[2+i] < sizes[i] {
			return fmt.Errorf("its window is %v over %v with zeros %v, want one that fits and fewer zeros than "+
				"the window", sizes, in, pads)
		}
		out[i] = (in[i]+pads[i]+pads[2+i]-sizes[i])/strides[i] + 1
	}
	l.height, l.width, l.down, l.right, l.top, l.left = sizes[0], sizes[1], strides[0], strides[1], pads[0],
		pads[1]
	l.to.rows, l.to.columns = out[0], out[1]
	return nil
}

// sized are the sizes of an image's axes, channels first, as many axes as there were.
func sized(s shape, axes int) []int {
	if axes == 2 {
		return []int{s.channels, s.columns}
	}
	return []int{s.channels, s.rows, s.columns}
}

func (n operator) convolution(x tensor) (tensor, error) {
	x, err := n.image(x)
	if err != nil {
		return x, err
	}
	w, err := n.weight(1)
	if err != nil {
		return x, err
	}
	groups := n.integer("group", 1)
	if len(w.Shape) != 1+len(x.dims) || groups < 1 || w.Shape[0]%groups != 0 ||
		w.Shape[1]*groups != x.channels {
		return x, fmt.Errorf("its kernel is %v in %d groups over %v, want one that fits", w.Shape, groups,
			x.dims)
	}
	l := newLayer(convolution, w.Name, x.value, x.shape, shape{channels: w.Shape[0]})
	l.kernel, l.oihw, l.groups = w.Offset, true, groups
	if err := n.windows(l, w.Shape[2:]); err != nil {
		return x, err
	}
	if err := n.biased(l); err != nil {
		return x, err
	}
	return n.add(l, chw, sized(l.to.shape, len(x.dims))...), nil
}

// biased gives a layer the bias that is the third input, if there is any.
func (n operator) biased(l *layer) error {
	if len(n.Input) < 3 || n.Input[2] == "" {
		return nil
	}
	b, err := n.weight(2)
	if err == nil && b.Size() != l.to.channels {
		err = fmt.Errorf("its bias is %v, want %d values", b.Shape, l.to.channels)
	}
	l.bias = b.Offset
	return err
}

// weight is the network's weights that are an input.
func (n operator) weight(input int) (network.Layer, error) {
	if input < len(n.Input) {
		if w, ok := n.weights[n.Input[input]]; ok {
			return w, nil
		}
	}
	return network.Layer{}, fmt.Errorf("its input %d is not among the network's weights, want it there",
		input)
}

func (n operator) dense(x tensor) (tensor, error) {
	if len(x.dims) != 1 {
		return x, fmt.Errorf("its input is %v, want a vector", x.dims)
	}
	x, err := n.flat(x)
	if err != nil {
		return x, err
	}
	w, err := n.weight(1)
	if err != nil {
		return x, err
	}
	transposed := n.integer("transB", 0) != 0
	if n.integer("transA", 0) != 0 || n.number("alpha", 1) != 1 || n.number("beta", 1) != 1 {
		return x, fmt.Errorf("want transA 0, alpha 1 and beta 1")
	}
	if len(w.Shape) != 2 || w.Shape[0] != x.size() && !transposed || transposed && w.Shape[1] != x.size() {
		return x, fmt.Errorf("its kernel is %v for %d values, want one that fits", w.Shape, x.size())
	}
	outputs := w.Shape[1]
	if transposed {
		outputs = w.Shape[0]
	}
	l := newLayer(convolution, w.Name, x.value, shape{1, 1, x.size()}, shape{1, 1, outputs})
	l.kernel, l.oihw = w.Offset, transposed
	if n.OpType == "Gemm" {
		err = n.biased(l)
	}
	return n.add(l, flat, outputs), err
}

// vector adds a value to each channel, which may be the bias of the layer before, or multiplies each channel
// by one: a convolution of one place with a kernel for each channel.
func (n operator) vector(x tensor, w network.Layer) (tensor, error) {
	if x.view == raw {
		var err error
		if x, err = n.flat(x); err != nil || len(x.dims) != 1 {
			return x, fmt.Errorf("its input is %v, want values of a layer", x.dims)
		}
	}
	s := x.seen()
	want := []int{s.channels}
	if x.view == chw {
		want = append(want, slices.Repeat([]int{1}, len(x.dims)-1)...)
	}
	have := w.Shape
	if len(have) == len(want)+1 && have[0] == 1 { // of the batch
		have = have[1:]
	}
	if !slices.Equal(have, want) {
		return x, fmt.Errorf("its operands are %v and %v, want one value for each channel", x.dims, w.Shape)
	}
	if n.OpType == "Add" {
		l := n.maker(x)
		if l == nil || l.kind != convolution || !l.linear() || l.bias != none || l.to.shape != s {
			return x, fmt.Errorf("it adds %q to what no Conv, MatMul, Gemm or Mul without a bias makes for it "+
				"alone, want that", w.Name)
		}
		l.bias = w.Offset
		return x, nil
	}
	l := newLayer(convolution, w.Name, x.value, s, s)
	l.kernel, l.oihw, l.groups = w.Offset, true, s.channels
	return n.add(l, x.view, x.dims...), nil
}

func (n operator) sum(x, y tensor) (tensor, error) {
	if x.view != y.view || x.view == raw || !slices.Equal(x.dims, y.dims) {
		return x, fmt.Errorf("it adds %v and %v, want two outputs of layers of the same size", x.dims,
			y.dims)
	}
	l := newLayer(sum, n.Output[0], x.value, x.seen(), x.seen())
	l.with = y.value
	return n.add(l, x.view, x.dims...), nil
}

// activation follows the layer before it, or is a layer: a mean of one place.
func (n operator) activation(x tensor) (tensor, error) {
	l := n.maker(x)
	if l == nil || l.kind == largest || !l.linear() {
		if x.view == raw {
			var err error
			if x, err = n.flat(x); err != nil {
				return x, err
			}
		}
		l = newLayer(mean, n.Output[0], x.value, x.seen(), x.seen())
		x = n.add(l, x.view, x.dims...)
	}
	switch n.OpType {
	case "Relu":
		l.slope = 0
	case "Sigmoid":
		l.sigmoid = true
	case "Clip":
		low, err := n.scalar(1, n.number("min", -1))
		if err != nil {
			return x, err
		}
		if l.limit, err = n.scalar(2, n.number("max", l.limit)); err != nil {
			return x, err
		}
		if l.slope = 0; low != 0 || !(l.limit > 0) {
			return x, fmt.Errorf("its limits are %g and %g, want 0 and more", low, l.limit)
		}
		l.limit = min(l.limit, math.MaxFloat32)
	}
	return x, nil
}

func (n operator) pool(x tensor) (tensor, error) {
	x, err := n.image(x)
	if err != nil {
		return x, err
	}
	if len(n.Output) > 1 && n.Output[1] != "" {
		return x, fmt.Errorf("its second output is read, want the first only")
	}
	l := newLayer(mean, n.Output[0], x.value, x.shape, shape{1, 1, x.channels})
	switch n.OpType {
	case "GlobalAveragePool":
		l.height, l.width = x.rows, x.columns
	case "ReduceMean":
		axes, err := n.axes(x.dims)
		if err != nil {
			return x, err
		}
		if want := []int{2, 3}[:len(x.dims)-1]; !slices.Equal(axes, want) {
			return x, fmt.Errorf("its axes are %v, want %v", axes, want)
		}
		l.height, l.width = x.rows, x.columns
		if n.integer("keepdims", 1) == 0 {
			return n.add(l, flat, x.channels), nil
		}
	default:
		sizes, err := n.integers("kernel_shape", len(x.dims)-1, 0)
		if err != nil {
			return x, err
		}
		if err := n.windows(l, sizes); err != nil {
			return x, err
		}
	}
	if n.OpType == "MaxPool" {
		l.kind = largest
		before := n.maker(x)
		two := l.height == 2 && l.width == 2 && l.down == 2 && l.right == 2 && l.top == 0 && l.left == 0
		if before != nil && before.kind == convolution && before.pool == 1 && two &&
			2*l.to.rows <= x.rows && 2*l.to.columns <= x.columns {
			before.pool, before.to.shape = 2, l.to.shape
			return tensor{before.to, chw, sized(l.to.shape, len(x.dims)), false}, nil
		}
	}
	return n.add(l, chw, sized(l.to.shape, len(x.dims))...), nil
}
