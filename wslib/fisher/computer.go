package fisher

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
)

// Computer computes the Fisher information of many networks. Networks that differ
// in name and weights only share an executable: compiling one takes far longer than
// fifty samples through it. Call [Computer.Close] in the end. Not for several
// goroutines at a time.
type Computer struct {
	backend compute.Backend
	execs   map[string]network.Executable // by architecture
}

// NewComputer returns a computer without executables.
func NewComputer(backend compute.Backend) *Computer {
	return &Computer{backend: backend, execs: make(map[string]network.Executable)}
}

// Close frees the executables.
func (c *Computer) Close() {
	for _, exec := range c.execs {
		exec.Finalize()
	}
	clear(c.execs)
}

// exec adds one sample's part to a sum. Inputs: sum, weights, state if the network has any,
// sample, state of the random generator; output: sum. Samples go through one by one: each has a
// gradient of its own, as large as the weights, so that more at a time would save little and
// take as much memory each.
func (c *Computer) exec(n *network.Network) (network.Executable, error) {
	key := n.Architecture()
	if exec, ok := c.execs[key]; ok {
		return exec, nil
	}
	exec, err := n.NewExec(c.backend, func(in []*Node) []*Node {
		b, rest := n.Bind(in[1:])
		var weight *Node
		_, g := n.Forward(b, rest[0]).LossGradient(func(output *Node) (logP *Node) {
			logP, weight = n.For().LogLikelihood(output, rest[1])
			return logP
		})
		return []*Node{Add(in[0], Mul(Mul(g, g), weight))}
	})
	if err != nil {
		return nil, err
	}
	c.execs[key] = exec
	return exec, nil
}
