// Package baseline holds the trained separate networks that come with the project.
package baseline

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Info is where a baseline came from; it lies beside its weights as JSON.
type Info struct {
	Network    string              `json:"network"`
	Data       datasets.Provenance `json:"data"`
	Seed       uint64              `json:"seed"`
	DataSeed   uint64              `json:"dataSeed"` // of stand-ins and of the validation split
	Steps      int                 `json:"steps"`
	Batch      int                 `json:"batch"`
	Dropout    float64             `json:"dropout"`
	BestStep   int                 `json:"bestStep"`
	Validation float64             `json:"validationAccuracy"`
	Test       float64             `json:"testAccuracy"` // read once, after training
	// recordings, if samples are segments of some
	TestClips int     `json:"testClips,omitempty"`
	ClipTest  float64 `json:"clipAccuracy,omitempty"` // of them, by vote
	Backend   string  `json:"backend"`
	History   []Point `json:"history"`
}

// Point is one validation of a training.
type Point struct {
	Step       int     `json:"step"`       // steps done
	Loss       float64 `json:"loss"`       // mean training loss since the point before
	Validation float64 `json:"validation"` // accuracy, 0 to 1
}

// shipped holds the project's own baselines: NAME-KIND.npy and .json, where KIND
// is real or stand-in.
//
//go:embed weights
var shipped embed.FS

// ErrNone says that no baseline comes with the project for a network and kind of
// data.
var ErrNone = errors.New("no baseline comes with the project")

// Shipped returns the baseline that comes with the project for a network and the
// kind of data ("real" or "stand-in"), or an error that wraps [ErrNone].
func Shipped(n *network.Network, kind string) ([]float32, Info, error) {
	w, info, err := load(shipped, path.Join("weights", fileName(n.Name, kind)), n)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s on %s data: %w", n.Name, kind, ErrNone)
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("baseline: %w", err)
	}
	return w, info, nil
}

func load(fsys fs.FS, name string, n *network.Network) (w []float32, info Info, err error) {
	w, _, err = npy.ReadFloatsFS(fsys, name+".npy")
	if err != nil {
		return nil, Info{}, err
	}
	meta, err := fs.ReadFile(fsys, name+".json")
	if err != nil {
		return nil, Info{}, err
	}
	if err := json.Unmarshal(meta, &info); err != nil {
		return nil, Info{}, fmt.Errorf("%s.json: %w", name, err)
	}
	return w, info, page.CheckWeights(name+".npy", w, n.Weights())
}

// Save writes weights and info into a directory, under the names that [Shipped]
// reads. The weights come last: with them the baseline is complete.
func Save(dir string, weights []float32, info Info) error {
	base := filepath.Join(dir, fileName(info.Network, info.Data.Kind))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if err := files.WriteJSON(base+".json", info); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	return npy.Write(base+".npy", weights)
}

func fileName(name, kind string) string { return name + "-" + kind }
