package network

// stage is one convolution with its pooling, in the extent that is needed: an odd
// last row or column that pooling drops is not computed, here or in what comes
// before.
type stage struct {
	Conv
	in     [2]int // height and width of the input that is read
	pooled [2]int // height and width after pooling
}

// stages of the model, from the input on.
func (d *Described) stages() []stage {
	stages := make([]stage, len(d.Convs))
	size := [2]int{d.Shape[0], d.Shape[1]}
	for i, c := range d.Convs {
		size = [2]int{(size[0] - c.Height + 1) / 2, (size[1] - c.Width + 1) / 2}
		stages[i] = stage{Conv: c, pooled: size}
	}
	for i := len(stages) - 1; i >= 0; i-- {
		s := &stages[i]
		if i+1 < len(stages) {
			s.pooled = stages[i+1].in
		}
		s.in = [2]int{2*s.pooled[0] + s.Height - 1, 2*s.pooled[1] + s.Width - 1}
	}
	return stages
}
