package network

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// Described is a model as data: convolutions, then dense layers.
type Described struct {
	Shape      [3]int     `json:"input"` // height, width, channels
	Convs      []Conv     `json:"convs,omitempty"`
	Dense      []int      `json:"dense"` // sizes, from the flattened input to the outputs
	Activation Activation `json:"activation"`
}

// Conv is one convolution: VALID, stride 1, followed by leaky ReLU (slope 0.2)
// and 2x2 max pooling of stride 2.
type Conv struct {
	Height int `json:"height"` // of the kernel
	Width  int `json:"width"`
	In     int `json:"in"` // channels
	Out    int `json:"out"`
}

// Activation between dense layers.
type Activation string

// The activations that the ten networks use.
const (
	SigmoidActivation Activation = "sigmoid"
	LeakyActivation   Activation = "leaky" // leaky ReLU, slope 0.2
)

// Describe is a network that classifies by a described model.
func Describe(name string, d Described) *Network { return &Network{Name: name, Model: &d} }

// Architecture tells described models apart.
func (d *Described) Architecture() string { return fmt.Sprintf("described %+v", *d) }

// Input is height, width, channels.
func (d *Described) Input() []int { return d.Shape[:] }

// Output is the number of logits.
func (d *Described) Output() []int { return d.Dense[len(d.Dense)-1:] }

// State is none.
func (d *Described) State() []Layer { return nil }

// NewExec compiles a graph.
func (d *Described) NewExec(backend compute.Backend,
	build func(in []*graph.Node) []*graph.Node) (Executable, error) {
	return graph.NewExec(backend, build)
}

// Layers lists kernels and biases from the input on: "conv0/kernel", "conv0/bias", ….
func (d *Described) Layers() []Layer {
	var layers []Layer
	at := 0
	add := func(name string, shape ...int) {
		layers = append(layers, Layer{Name: name, Offset: at, Shape: shape})
		at += volume(shape)
	}
	for i, c := range d.Convs {
		add(fmt.Sprintf("conv%d/kernel", i), c.Height, c.Width, c.In, c.Out)
		add(fmt.Sprintf("conv%d/bias", i), c.Out)
	}
	for i := range len(d.Dense) - 1 {
		add(fmt.Sprintf("dense%d/kernel", i), d.Dense[i], d.Dense[i+1])
		add(fmt.Sprintf("dense%d/bias", i), d.Dense[i+1])
	}
	return layers
}

// Validate returns an error for the first inconsistency: a kernel that does not fit its
// input, channels that do not follow on, a dense input that is not the flattened
// convolution output.
func (d *Described) Validate() error {
	h, w, c := d.Shape[0], d.Shape[1], d.Shape[2]
	if h < 1 || w < 1 || c < 1 || volume(d.Shape[:]) == tooMany {
		return fmt.Errorf("input %v: want positive height, width, channels, fewer than %d values",
			d.Shape, tooMany)
	}
	for i, k := range d.Convs {
		if k.Height < 1 || k.Width < 1 || k.Out < 1 ||
			volume([]int{k.Height, k.Width, k.In, k.Out}) == tooMany {
			return fmt.Errorf("convolution %d: %+v has a size below 1, or %d weights", i, k, tooMany)
		}
		if k.In != c {
			return fmt.Errorf("convolution %d expects %d channels, its input has %d", i, k.In, c)
		}
		h, w, c = (h-k.Height+1)/2, (w-k.Width+1)/2, k.Out
		if h < 1 || w < 1 {
			return fmt.Errorf("convolution %d leaves an image of %dx%d", i, h, w)
		}
	}
	if len(d.Dense) < 2 {
		return fmt.Errorf("%d dense sizes, want an input and the outputs at least", len(d.Dense))
	}
	if d.Dense[0] != h*w*c {
		return fmt.Errorf("dense input is %d, the flattened %dx%dx%d is %d", d.Dense[0], h, w, c, h*w*c)
	}
	for i, n := range d.Dense {
		if n < 1 || n >= tooMany {
			return fmt.Errorf("dense size %d is %d", i, n)
		}
	}
	if d.Activation != SigmoidActivation && d.Activation != LeakyActivation {
		return fmt.Errorf("activation %q, want %q or %q", d.Activation, SigmoidActivation, LeakyActivation)
	}
	return nil
}

// Initial gives Glorot-uniform kernels and biases uniform in ±sqrt(3/n) with n the length of
// the bias.
func (d *Described) Initial(seed uint64) (weights, state []float32, err error) {
	rng := rand.New(rand.NewPCG(seed, 0x1e17))
	for _, l := range d.Layers() {
		limit := math.Sqrt(3 / float64(l.Size()))
		if k := len(l.Shape); k > 1 {
			area := volume(l.Shape[:k-2])
			limit = math.Sqrt(6 / float64(area*(l.Shape[k-2]+l.Shape[k-1])))
		}
		for range l.Size() {
			weights = append(weights, float32((2*rng.Float64()-1)*limit))
		}
	}
	return weights, nil, nil
}

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
