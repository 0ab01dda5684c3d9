package grid

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
)

// Record is a finished cell. Beside it lie, for each network, the classes that its
// weights as executed give to the test samples, NAME.npy.
type Record struct {
	Cell     Cell            `json:"cell"`
	Seed     uint64          `json:"seed"`
	Key      string          `json:"key"` // hash of everything that decides the result
	Bytes    int             `json:"bytes"`
	Level1   int             `json:"level1Bytes"` // in device memory; all of it without exclusive pages
	Separate int             `json:"separateBytes"`
	Seconds  float64         `json:"seconds"` // of wall time, over all processes that worked on it
	Networks []NetworkRecord `json:"networks"`
	History  []Point         `json:"history,omitempty"` // mean validation accuracy over steps, and time where it is known
	Pages    string          `json:"pages,omitempty"`   // what the budget was turned into
}

// NetworkRecord is one network of a cell.
type NetworkRecord struct {
	Name       string  `json:"name"`
	Data       string  `json:"data"`       // real or stand-in
	Samples    string  `json:"samples"`    // which data, with a hash of the files
	Validation float64 `json:"validation"` // accuracy, 0 to 1
	Test       float64 `json:"test"`
}

// Point is the mean validation accuracy after some steps.
type Point struct {
	Step    int     `json:"step"`
	Seconds float64 `json:"seconds"` // of wall time since the start of the optimization; 0: not known
	Mean    float64 `json:"mean"`
}

// recordFile is a finished cell's, in its directory.
const recordFile = "cell.json"

// runDir is a cell's run directory, in its own. secondsFile in it has what an unfinished
// cell took so far: who removes the run starts over.
const (
	runDir      = "run"
	secondsFile = "seconds.json"
)

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("grid: %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("grid: %w", err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("grid: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("grid: %s: %w", path, err)
	}
	return nil
}
