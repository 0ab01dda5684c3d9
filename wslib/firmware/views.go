package firmware

import (
	"fmt"
	"slices"
)

// transpose moves the channels of an image.
func (n operator) transpose(x tensor) (tensor, error) {
	order, err := n.integers("perm", 1+len(x.dims), 0)
	if err != nil {
		return x, err
	}
	var dims []int
	to := raw
	switch {
	case slices.Equal(order, []int{0, 3, 1, 2}):
		to, dims = chw, []int{x.dims[2], x.dims[0], x.dims[1]}
	case slices.Equal(order, []int{0, 2, 3, 1}):
		to, dims = hwc, []int{x.dims[1], x.dims[2], x.dims[0]}
	}
	switch {
	case to != raw && x.view == raw:
		s := shape{x.dims[0], x.dims[1], x.dims[2]}
		if to == hwc {
			s = shape{x.dims[1], x.dims[2], x.dims[0]}
		}
		if x, err = n.settle(x, s, to == hwc, to); err != nil {
			return x, err
		}
	case to == raw || x.view == to || x.view == flat:
		return x, fmt.Errorf("it takes axes of %v in order %v, want channels moved first or last", x.dims,
			order)
	}
	x.view, x.dims = to, dims
	return x, nil
}

// reshape flattens, or changes nothing but the number of axes of size 1.
func (n operator) reshape(x tensor) (tensor, error) {
	dims, err := n.target(x.dims)
	if err != nil {
		return x, err
	}
	if volume(dims) != x.size() {
		return x, fmt.Errorf("%v become %v, want as many values", x.dims, dims)
	}
	switch {
	case slices.Equal(dims, x.dims):
	case x.view == raw:
		x.dims = dims
	case len(dims) == 1:
		return n.flat(x)
	case len(dims) == 3 && x.rows*x.columns == 1 && dims[0] == x.size():
		x.view, x.dims = chw, dims
	default:
		return x, fmt.Errorf("%v become %v, want a vector", x.dims, dims)
	}
	return x, nil
}

// target is the sizes of a reshaped tensor's axes, without the batch.
func (n operator) target(dims []int) ([]int, error) {
	switch n.OpType {
	case "Flatten":
		if axis := n.integer("axis", 1); axis != 1 {
			return nil, fmt.Errorf("its axis is %d, want 1", axis)
		}
		return []int{volume(dims)}, nil
	case "Squeeze", "Unsqueeze":
		return n.squeezed(dims)
	}
	to, err := n.list(1, "shape")
	if err != nil {
		return nil, err
	}
	if len(to) < 2 || to[0] < -1 || to[0] > 1 {
		return nil, fmt.Errorf("its shape is %v, want that of the batch and of a sample", to)
	}
	out := slices.Clone(to[1:])
	open := -1
	for i, d := range out {
		switch {
		case d == 0 && i < len(dims):
			out[i] = dims[i]
		case d == -1 && open < 0:
			open, out[i] = i, 1
		case d < 1:
			return nil, fmt.Errorf("its shape is %v, want sizes", to)
		}
	}
	if open >= 0 {
		if v := volume(out); v > 0 {
			out[open] = volume(dims) / v
		}
	}
	return out, nil
}

// squeezed are sizes without some axes of 1, or with some more.
func (n operator) squeezed(dims []int) ([]int, error) {
	axes, err := n.axes(dims)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(dims)
	for i, a := range axes {
		switch at := a - 1; { // the first axis is the batch
		case at < 0 || i > 0 && a == axes[i-1]:
			return nil, fmt.Errorf("its axes are %v, want each once and none for the batch", axes)
		case n.OpType == "Unsqueeze" && at <= len(out):
			out = slices.Insert(out, at, 1)
		case n.OpType == "Squeeze" && at < len(dims) && dims[at] == 1:
			out = slices.Delete(out, at-i, at-i+1)
		default:
			return nil, fmt.Errorf("its axes are %v of %v, want some of a size of 1", axes, dims)
		}
	}
	if len(axes) == 0 {
		return nil, fmt.Errorf("it has no axes, want them")
	}
	return out, nil
}

// axes are those that a node names of a tensor of sizes, or of what Unsqueeze makes of it, in rising order.
func (n operator) axes(dims []int) ([]int, error) {
	axes, err := n.list(1, "axes")
	rank := 1 + len(dims)
	if n.OpType == "Unsqueeze" {
		rank += len(axes)
	}
	for i, a := range axes {
		if a < 0 {
			axes[i] = a + rank
		}
	}
	slices.Sort(axes)
	return axes, err
}

// volume is how many values a tensor has; 0 if too many.
func volume(dims []int) int {
	n := 1
	for _, d := range dims {
		if n *= d; n > tooMany {
			return 0
		}
	}
	return n
}
