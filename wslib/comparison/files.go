package comparison

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"weightsep/wslib/npy"
	"weightsep/wslib/page"
)

// record is what lies beside the weights of a finished network, as JSON.
type record struct {
	Fingerprint string `json:"fingerprint"`
	Network
}

// fingerprint ties files to what they are results of, for the given networks.
func (r *run) fingerprint(networks ...int) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%T %+v\n%d\n", r.method, r.method, r.Seed)
	for _, i := range networks {
		t := r.tasks[i]
		samples := t.Data.Provenance
		samples.Note = ""
		fmt.Fprintf(h, "%+v\n%+v\n%s %v\n%d %d\n", r.Recipe.Of(t.Network.Name), *t.Network, samples, samples.Content,
			t.Data.Train.Len(), t.Data.Validation.Len())
		binary.Write(h, binary.LittleEndian, r.weights[i]) // a hash does not fail
		if r.Distillation > 0 {
			binary.Write(h, binary.LittleEndian, t.Teacher)
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// path is where network i is kept, without extension.
func (r *run) path(i int) string {
	return filepath.Join(r.Dir, r.method.Name()+"-"+r.tasks[i].Network.Name)
}

// save keeps a finished network. The weights come last: with them it is complete.
func (r *run) save(i int, print string, n *Network) error {
	if r.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	if err := writeJSON(r.path(i)+".json", record{print, *n}); err != nil {
		return err
	}
	return npy.Write(r.path(i)+".npy", n.Weights)
}

// load is a network that was finished before, or nil.
func (r *run) load(i int, print string) (*Network, error) {
	if r.Dir == "" {
		return nil, nil
	}
	path := r.path(i) + ".json"
	var found record
	if ok, err := readJSON(path, &found); !ok || err != nil {
		return nil, err
	}
	if found.Fingerprint != print {
		return nil, fmt.Errorf("%s is of another comparison (other networks, data, weights or options): remove it to start over", path)
	}
	if found.Network.Network == nil {
		return nil, fmt.Errorf("%s is damaged (remove it to start over): no network", path)
	}
	path = r.path(i) + ".npy"
	w, _, err := npy.ReadFloats(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := page.CheckWeights(path, w, found.Network.Network.Weights()); err != nil {
		return nil, err
	}
	found.Weights = w
	return &found.Network, nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// readJSON tells whether there is such a file.
func readJSON(path string, v any) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%s is damaged (remove it to start over): %w", path, err)
	}
	return true, nil
}
