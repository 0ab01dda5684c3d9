package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
)

// The project's baselines are of the right length and say where they are from;
// every network has one for stand-in data or, like mnist, for real data.
func TestShipped(t *testing.T) {
	found := 0
	for _, n := range network.Ten() {
		has := false
		for _, kind := range []string{datasets.Real, datasets.StandIn} {
			w, info, err := Shipped(n, kind)
			if errors.Is(err, ErrNone) {
				continue
			}
			if err != nil {
				t.Error(err)
				continue
			}
			has = true
			found++
			if info.Network != n.Name || info.Data.Kind != kind || info.Steps == 0 || info.Data.Train == 0 {
				t.Errorf("%s on %s data: provenance %+v", n.Name, kind, info)
			}
			if chance := 1 / float64(n.Outputs()); info.Test < chance+0.2 {
				t.Errorf("%s on %s data: test accuracy %v is near chance", n.Name, kind, info.Test)
			}
			if kind == datasets.StandIn && info.Test > 0.98 {
				t.Errorf("%s: test accuracy %v: the stand-in is too easy to lose anything on", n.Name,
					info.Test)
			}
			if slices.Max(w) == slices.Min(w) {
				t.Errorf("%s: all weights are equal", n.Name)
			}
		}
		if !has {
			t.Errorf("%s: no baseline comes with the project", n.Name)
		}
	}
	if _, _, err := Shipped(&network.Network{Name: "other"}, datasets.Real); !errors.Is(err, ErrNone) {
		t.Errorf("unknown network: %v", err)
	}
}

// A baseline trained on the stand-in of an older generator would be scored on samples
// that it knows nothing of.
func TestShippedOnTodaysStandIns(t *testing.T) {
	for _, n := range network.Ten() {
		_, info, err := Shipped(n, datasets.StandIn)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		few := datasets.Options{StandInTrain: 2 * n.Outputs(), StandInTest: n.Outputs(),
			CacheDir: t.TempDir()}
		d, err := datasets.Open(t.Context(), n.Name, few)
		if err != nil {
			t.Fatal(err)
		}
		if !info.Data.SameFiles(d.Provenance) {
			t.Errorf("%s: trained on %q, the stand-in now is %q", n.Name, info.Data.Source,
				d.Provenance.Source)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	n := network.Ten()[0]
	dir, initial := filepath.Join(t.TempDir(), "new"), networktest.Initial(t, n, 1)
	info := Info{Network: n.Name, Data: datasets.Provenance{Kind: datasets.StandIn}, Seed: 5,
		Validation: 0.5}
	if err := Save(dir, initial, info); err != nil {
		t.Fatal(err)
	}
	name := fileName(n.Name, datasets.StandIn)
	w, got, err := load(os.DirFS(dir), name, n)
	if err != nil || !slices.Equal(w, initial) || got.Seed != 5 || got.Validation != 0.5 {
		t.Errorf("loaded %d weights, %+v, %v", len(w), got, err)
	}
	npy.Write(filepath.Join(dir, "cifar10-stand-in.npy"), []float32{1, 2})
	if _, _, err := load(os.DirFS(dir), name, n); err == nil ||
		!strings.Contains(err.Error(), "2 weights, want 64670") {
		t.Errorf("short weights: %v", err)
	}
	os.Remove(filepath.Join(dir, "cifar10-stand-in.npy"))
	if _, _, err := load(os.DirFS(dir), name, n); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing weights: %v", err)
	}
}
