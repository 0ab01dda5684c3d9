package optimization

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// variables are theta and its moments, m and v, in the course of a training: on the device
// where every step works on all of them. Where a step works on a part they are on the host,
// and the part crosses: a step that kept them on the device would copy them whole.
type variables struct {
	device []*tensors.Tensor // nil: on the host
	host   [][]float32
}

// newVariables are those of a state.
func (j *joint) newVariables(s jointState) (*variables, error) {
	x := &variables{}
	for _, from := range [][]float32{s.Theta, s.M, s.V} {
		if !j.frame.all(j.layout) {
			x.host = append(x.host, slices.Clone(from))
			continue
		}
		x.device = append(x.device, vector(from))
	}
	if err := j.onDevice(x.device); err != nil {
		x.free()
		return nil, err
	}
	return x, nil
}

// onDevice sends tensors to the device before several goroutines ask for them: GoMLX v0.28.1
// takes a tensor on its way there for an invalid one.
func (j *joint) onDevice(ts []*tensors.Tensor) error {
	for _, t := range ts {
		if err := t.MaterializeOnDevice(j.backend, true, 0); err != nil {
			return err
		}
	}
	return nil
}

func (x *variables) free() { free(x.device...) }

// values are theta, m and v, of which nothing changes later.
func (x *variables) values() (values [3][]float32, err error) {
	for i := range values {
		if x.host != nil {
			values[i] = slices.Clone(x.host[i])
		} else if values[i], err = tensors.CopyFlatData[float32](x.device[i]); err != nil {
			return values, err
		}
	}
	return values, nil
}

// take makes the vectors of a frame that a step of the view's networks works on; put writes
// them back into the variables.
func (x *variables) take(f frame, l layout, v view) []*tensors.Tensor {
	var work []*tensors.Tensor
	for _, from := range x.host {
		part := make([]float32, f.size())
		v.each(f, l, func(here, there, n int) { copy(part[here:here+n], from[there:there+n]) })
		work = append(work, vector(part))
	}
	return work
}

func (x *variables) put(f frame, l layout, v view, work []*tensors.Tensor) error {
	for i, to := range x.host {
		err := tensors.ConstFlatData(work[i], func(part []float32) {
			v.each(f, l, func(here, there, n int) { copy(to[there:there+n], part[here:here+n]) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}
