package pipeline

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/xla/xlatest"
)

// writeOwn writes two networks of one's own with their samples: a class is the third of an image of
// 6x6 that is brighter, by columns or by rows.
func writeOwn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for k, name := range []string{"columns", "rows"} {
		model := `{"input": [6,6,1], "dense": [36,40,3], "activation": "sigmoid"}`
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(model), 0o644); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, uint64(k)))
		for part, n := range map[string]int{"train": 80, "test": 30} {
			values, labels := make([]float32, 36*n), make([]int32, n)
			for i := range labels {
				labels[i] = int32(rng.IntN(3))
				for p := range 36 {
					values[36*i+p] = rng.Float32()
					if [2]int{p % 6, p / 6}[k]/2 == int(labels[i]) {
						values[36*i+p]++
					}
				}
			}
			if err := npy.Write(filepath.Join(dir, name+"_"+part+"_data.npy"), values, n, 6, 6,
				1); err != nil {
				t.Fatal(err)
			}
			if err := npy.Write(filepath.Join(dir, name+"_"+part+"_label.npy"), labels); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// tinyOwn are the networks of writeOwn and the tiny configuration for them.
func tinyOwn(t *testing.T, backend compute.Backend) ([]Own, Config) {
	t.Helper()
	own, err := ReadOwn(t.Context(), backend, writeOwn(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	c := tiny(t)
	c.Networks, c.Own = []string{"rows", "columns"}, OwnHashes(own)
	if _, err := c.ForOwn(own); err != nil {
		t.Fatal(err)
	}
	return own, c
}

// A name may have dots; hidden files are no networks.
func TestOwnNamesWithDots(t *testing.T) {
	dir := writeOwn(t)
	if err := os.CopyFS(dir, os.DirFS(renamed(t, writeOwn(t), "rows", "rows.v2"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "._rows.json"), []byte("not a network"), 0o644); err != nil {
		t.Fatal(err)
	}
	own, err := ReadOwn(t.Context(), xlatest.Backend(t), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range own {
		names = append(names, o.Network.Name)
		if o.Data.Train == nil {
			t.Errorf("%s has no samples", o.Network.Name)
		}
	}
	if want := []string{"columns", "rows", "rows.v2"}; !slices.Equal(names, want) {
		t.Errorf("read %v, want %v", names, want)
	}
}

// renamed leaves in a directory only one network's files, and gives it another name.
func renamed(t *testing.T, dir, from, to string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if rest, ok := strings.CutPrefix(e.Name(), from); ok {
			err = os.Rename(path, filepath.Join(dir, to+rest))
		} else {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Networks of one's own go through every stage. The run is read again without them; with other
// weights of them it is refused.
func TestOwnNetworks(t *testing.T) {
	ctx, backend := context.Background(), xlatest.Backend(t)
	own, c := tinyOwn(t, backend)
	c.Baseline.Steps, c.Pages.Size, c.Pages.Shared = 200, 64, 40
	c.Optimization.Batch, c.Optimization.Steps,
		c.Optimization.ValidateEvery = optimization.Each{"": 16}, 100, 50
	path := filepath.Join(t.TempDir(), "run")
	r, err := Open(path, c, Options{Own: own, Opened: &Opened{Backend: backend}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.All(ctx); err != nil {
		t.Fatal(err)
	}
	evaluated, err := r.Evaluated()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range evaluated.Networks {
		if e.Network != c.Networks[i] || e.Before.Test < 0.8 || e.After.Test < 0.8 {
			t.Errorf("%+v, want %s with 80 %% before and after", e, c.Networks[i])
		}
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()

	if r, err = Reopen(path, "", Options{}); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Set(); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("without the networks, pages are others: %v", err)
	}
	for i, n := range r.Networks() {
		if n.Name != c.Networks[i] || n.Weights() != 36*40+40+40*3+3 ||
			!slices.Equal(n.Input(), []int{6, 6, 1}) {
			t.Errorf("network %s of %d weights takes %v", n.Name, n.Weights(), n.Input())
		}
	}
	r.Close()

	other := own[0]
	weights, state, err := other.Network.Initial(5)
	if err != nil {
		t.Fatal(err)
	}
	other.Values = &network.Values{Weights: weights, State: state}
	_, err = Reopen(path, "", Options{Own: []Own{other}})
	if err == nil || !strings.Contains(err.Error(), "other weights of it") {
		t.Errorf("other weights: %v", err)
	}
}
