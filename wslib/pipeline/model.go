package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"

	"weightsep/datasets/files"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/rundir"
)

// model reads a network from the bytes of its file.
func model(backend compute.Backend, name string, raw []byte, isONNX bool) (*network.Network, error) {
	if isONNX {
		return onnx.Parse(backend, name, raw)
	}
	d := network.Described{}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("not a described network: %w", err)
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return network.Describe(name, d), nil
}

const (
	graphFile = "model.onnx"
	modelFile = "model.json"
)

// modelRecord says what a network is, in a run directory and in a pack.
type modelRecord struct {
	Kind      string             `json:"kind"` // "described", "onnx" or "function"
	Objective string             `json:"objective"`
	Order     network.Order      `json:"order"`
	Input     []int              `json:"input"`
	Output    []int              `json:"output"`
	Described *network.Described `json:"described,omitempty"`
	Layers    []network.Layer    `json:"state,omitempty"` // of its state
}

func recordOf(n *network.Network) modelRecord {
	m := modelRecord{Kind: "function", Objective: n.For().Name(), Order: n.Order, Input: n.Input(),
		Output: n.Output(), Layers: n.State()}
	if d, ok := n.Model.(*network.Described); ok {
		m.Kind, m.Described = "described", d
	} else if onnx.GraphOf(n) != nil {
		m.Kind = "onnx"
	}
	return m
}

// NetworkOf is the network that a pack's record and graph describe, which has at most so many weights and
// values of state. A GoMLX function cannot be read back: [ErrFunction].
func NetworkOf(backend compute.Backend, name string, record json.RawMessage, graph []byte,
	values int) (*network.Network, error) {
	var m modelRecord
	if err := json.Unmarshal(record, &m); err != nil {
		return nil, fmt.Errorf("network %s: model: %w", name, err)
	}
	var n *network.Network
	var err error
	switch {
	case m.Kind == "described" && m.Described != nil:
		n = network.Describe(name, *m.Described)
		err = m.Described.Validate()
	case m.Kind == "onnx":
		n, err = onnx.ParseGraph(backend, name, graph, values)
	default:
		err = ErrFunction
	}
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	if n.Objective, err = network.ObjectiveNamed(m.Objective); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	n.Order = m.Order
	return n, n.Validate()
}

// ErrFunction says that a network is a GoMLX function, which no file holds.
var ErrFunction = errors.New("its model is a GoMLX function, which no file holds: give the function")

// saveModel keeps what an own network is in the run, so that the run can be opened without the
// directory that it came from.
func (r *Run) saveModel(n *network.Network) ([]string, error) {
	if r.own(n.Name) == nil {
		return nil, nil
	}
	written := []string{filepath.Join(n.Name, modelFile)}
	if err := r.Dir.WriteJSON(written[0], recordOf(n)); err != nil {
		return nil, err
	}
	if g := onnx.GraphOf(n); g != nil {
		written = append(written, filepath.Join(n.Name, graphFile))
		return written, r.Dir.Write(written[1], g)
	}
	return written, nil
}

// readModels reads the own networks of a run that were not given, without samples.
func (r *Run) readModels() error {
	for _, name := range r.config.Networks {
		if r.config.Own[name] == "" || r.own(name) != nil {
			continue
		}
		stage, done := r.Dir.Stage(stageBaseline(name))
		if !done {
			return fmt.Errorf("%s: network %s is the caller's own, and the run has no model of it yet: "+
				"give it (-nets)", r.Dir.File(rundir.ManifestFile), name)
		}
		record, err := r.Dir.Read(stage.Name, filepath.Join(name, modelFile))
		if err != nil {
			return err
		}
		var graph []byte
		var backend compute.Backend
		if file := filepath.Join(name, graphFile); stage.Files[filepath.ToSlash(file)] != "" {
			if graph, err = r.Dir.Read(stage.Name, file); err != nil {
				return err
			}
			if backend, err = r.Backend(context.Background()); err != nil {
				return err
			}
		}
		n, err := NetworkOf(backend, name, record, graph, r.mostValues(name))
		if err != nil {
			return err
		}
		r.options.Own = append(r.options.Own, Own{Network: n.WithOrder(network.LayerOrder)})
	}
	return nil
}

// mostValues is the greatest number of weights and values of state that a network's files in the run can
// have.
func (r *Run) mostValues(name string) (most int) {
	for _, file := range []string{weightsFile(name), stateFile(name)} {
		if size, err := r.Dir.Size(file); err == nil { // what is wrong with it is said when it is read
			most += int(min(size, files.MaxSize) / 4)
		}
	}
	return most
}
