package fisher

import (
	"fmt"

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
	execs   map[string]*Exec // by architecture
}

// NewComputer returns a computer without executables.
func NewComputer(backend compute.Backend) *Computer {
	return &Computer{backend: backend, execs: make(map[string]*Exec)}
}

// Close frees the executables.
func (c *Computer) Close() {
	for _, exec := range c.execs {
		exec.Finalize()
	}
	clear(c.execs)
}

// exec adds one sample's part to a sum: (sum, weights, sample) to sum. Samples go
// through one by one: each has a gradient of its own, as large as the weights, so that
// more at a time would save little and take as much memory each.
func (c *Computer) exec(n *network.Network) (*Exec, error) {
	architecture := *n
	architecture.Name = ""
	key := fmt.Sprintf("%+v", architecture)
	if exec, ok := c.execs[key]; ok {
		return exec, nil
	}
	exec, err := NewExec(c.backend, func(sum, weights, x *Node) *Node {
		logP, g := architecture.Forward(weights, x, network.Dropout{}).LossGradient(func(logits *Node) *Node {
			return ReduceAllMax(LogSoftmax(logits))
		})
		return Add(sum, Mul(Mul(g, g), Exp(logP)))
	})
	if err != nil {
		return nil, err
	}
	c.execs[key] = exec
	return exec, nil
}
