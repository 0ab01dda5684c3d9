// Package network describes small networks and runs them from one flat weight
// vector.
//
// A [Network] is data, not code: input shape, convolutions, dense layers. Its
// weights are one float32 vector, in layer order (kernel, bias, kernel, bias, …)
// unless [Order] says otherwise, convolution kernels as HWIO, dense kernels as [in, out], both row-major. That
// vector is what gets cut into pages, so nothing else in this module knows what
// a layer is.
package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Conv is one convolution: VALID, stride 1, followed by leaky ReLU (slope 0.2)
// and 2x2 max pooling of stride 2.
type Conv struct {
	Height, Width, In, Out int // of the kernel, in HWIO order
}

// Activation between dense layers.
type Activation string

// The activations that the ten networks use.
const (
	SigmoidActivation Activation = "sigmoid"
	LeakyActivation   Activation = "leaky" // leaky ReLU, slope 0.2
)

// Network describes one network. The zero value is not valid; see [Network.Validate].
type Network struct {
	Name       string
	Input      [3]int // height, width, channels
	Convs      []Conv
	Dense      []int // sizes from the flattened input of the first dense layer to the classes
	Activation Activation
	Order      Order `json:",omitempty"` // of the flat weight vector
}

// Layer is one kernel or bias inside the flat weight vector.
type Layer struct {
	Name   string // "conv0/kernel", "dense1/bias", …
	Offset int    // of its first weight
	Shape  []int
	fanIn  int
	fanOut int
}

// Size is the number of weights of the layer.
func (l Layer) Size() int {
	n := 1
	for _, d := range l.Shape {
		n *= d
	}
	return n
}

// Architecture tells networks apart that differ in more than their name.
func (n *Network) Architecture() string {
	other := *n
	other.Name = ""
	return fmt.Sprintf("%+v", other)
}

// Classes is the number of logits.
func (n *Network) Classes() int { return n.Dense[len(n.Dense)-1] }

// Layers lists kernels and biases from the input on, each with its place in the flat
// weight vector.
func (n *Network) Layers() []Layer {
	var layers []Layer
	add := func(name string, fanIn, fanOut int, shape ...int) {
		layers = append(layers, Layer{Name: name, Shape: shape, fanIn: fanIn, fanOut: fanOut})
	}
	for i, c := range n.Convs {
		area := c.Height * c.Width
		add(fmt.Sprintf("conv%d/kernel", i), area*c.In, area*c.Out, c.Height, c.Width, c.In, c.Out)
		add(fmt.Sprintf("conv%d/bias", i), 0, 0, c.Out)
	}
	for i := range len(n.Dense) - 1 {
		add(fmt.Sprintf("dense%d/kernel", i), n.Dense[i], n.Dense[i+1], n.Dense[i], n.Dense[i+1])
		add(fmt.Sprintf("dense%d/bias", i), 0, 0, n.Dense[i+1])
	}
	n.Order.arrange(layers)
	return layers
}

// Weights is the length of the flat weight vector.
func (n *Network) Weights() int {
	total := 0
	for _, l := range n.Layers() {
		total += l.Size()
	}
	return total
}

// Validate reports the first inconsistency of the description: a kernel that
// does not fit its input, channels that do not follow on, a dense input that is
// not the flattened convolution output.
func (n *Network) Validate() error {
	if n.Name == "" || strings.ContainsAny(n.Name, "/\\, \t\n") || strings.HasPrefix(n.Name, ".") {
		return fmt.Errorf("network name %q: want a non-empty word without separators or spaces", n.Name)
	}
	h, w, c := n.Input[0], n.Input[1], n.Input[2]
	if h < 1 || w < 1 || c < 1 {
		return fmt.Errorf("network %s: input %v: want positive height, width, channels", n.Name, n.Input)
	}
	for i, k := range n.Convs {
		if k.Height < 1 || k.Width < 1 || k.Out < 1 {
			return fmt.Errorf("network %s: convolution %d: %+v has a size below 1", n.Name, i, k)
		}
		if k.In != c {
			return fmt.Errorf("network %s: convolution %d expects %d channels, its input has %d", n.Name, i, k.In, c)
		}
		h, w, c = (h-k.Height+1)/2, (w-k.Width+1)/2, k.Out
		if h < 1 || w < 1 {
			return fmt.Errorf("network %s: convolution %d leaves an image of %dx%d", n.Name, i, h, w)
		}
	}
	if len(n.Dense) < 2 {
		return fmt.Errorf("network %s: %d dense sizes, want an input and the classes at least", n.Name, len(n.Dense))
	}
	if n.Dense[0] != h*w*c {
		return fmt.Errorf("network %s: dense input is %d, the flattened %dx%dx%d is %d", n.Name, n.Dense[0], h, w, c, h*w*c)
	}
	for i, d := range n.Dense {
		if d < 1 {
			return fmt.Errorf("network %s: dense size %d is %d", n.Name, i, d)
		}
	}
	if n.Classes() < 2 {
		return fmt.Errorf("network %s: %d classes, want 2 at least", n.Name, n.Classes())
	}
	if err := n.Order.Validate(); err != nil {
		return fmt.Errorf("network %s: %w", n.Name, err)
	}
	if n.Activation != SigmoidActivation && n.Activation != LeakyActivation {
		return fmt.Errorf("network %s: activation %q, want %q or %q", n.Name, n.Activation, SigmoidActivation, LeakyActivation)
	}
	return nil
}

// Initial gives seeded starting weights: Glorot-uniform kernels, biases uniform
// in ±sqrt(3/n) with n the length of the bias.
func (n *Network) Initial(seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 0x1e17))
	w := make([]float32, n.Weights())
	for _, l := range n.Layers() {
		limit := math.Sqrt(3 / float64(l.Size()))
		if l.fanIn > 0 {
			limit = math.Sqrt(6 / float64(l.fanIn+l.fanOut))
		}
		for i := range l.Size() {
			w[l.Offset+i] = float32((2*rng.Float64() - 1) * limit)
		}
	}
	return w
}
