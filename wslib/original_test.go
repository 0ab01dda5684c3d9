package wslib_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/wslib/separation"
	"weightsep/wslib/tfcheckpoint"
	"weightsep/xla/xlatest"
)

// The original's log says that its cifar10 network keeps pages 0 and 9. They are the densest ones, whatever 50
// samples are drawn; page 0 has 86 to 91 % of the information where the rule asks for 90, so that 9, and some
// more, are taken or not by the draw. Its mnist network keeps 11 to 22 pages, fmnist 9 to 17.
func TestSeparationOfTheOriginalsNetworks(t *testing.T) {
	checkpoints, dir := os.Getenv("WEIGHTSEP_CHECKPOINTS"), os.Getenv(datasets.DirEnv)
	if checkpoints == "" || dir == "" {
		t.Skip("needs the original's networks (WEIGHTSEP_CHECKPOINTS) and data (" + datasets.DirEnv + ")")
	}
	ctx := context.Background()
	backend := xlatest.Backend(t)
	nets, err := network.Select(network.Ten(), "cifar10", "mnist", "fmnist")
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nets {
		c, err := tfcheckpoint.Open(filepath.Join(checkpoints, n.Name, n.Name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := tfcheckpoint.Weights(c, n)
		if err != nil {
			t.Fatal(err)
		}
		data, err := datasets.Open(ctx, n.Name, datasets.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for seed := range []uint64{8, 2, 2}[i] {
			f, err := fisher.Compute(ctx, backend, n, network.Values{Weights: w}, data.Train,
				fisher.Options{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			density := separation.Density(f, page.DefaultSize)
			own, err := separation.Separate(density, separation.Defaults())
			if err != nil {
				t.Fatal(err)
			}
			densest := separation.ByDensity(density)[:2]
			t.Logf("%s, seed %d: exclusive pages %v, the densest %v of %.3f and %.3f", n.Name, seed, own, densest,
				density[densest[0]], density[densest[1]])
			want := [][2]int{{1, 4}, {10, 24}, {9, 19}}[i]
			if len(own) < want[0] || len(own) > want[1] || i == 0 && !slices.Equal(densest, []int{0, 9}) {
				t.Errorf("%s, seed %d: exclusive pages %v, want %d to %d of them", n.Name, seed, own,
					want[0], want[1])
			}
		}
	}
}

// What the original's networks score on data read here tells whether the preprocessing
// is theirs. The original states 98.61, 85.80, 71.05, 99.96 and 73.02 %; with its
// fmnist network others measured 87.49 %. The bounds of the last three leave room for
// images that went through JPEG, and for few samples.
func TestScoresOfTheOriginalsNetworks(t *testing.T) {
	checkpoints, dir := os.Getenv("WEIGHTSEP_CHECKPOINTS"), os.Getenv(datasets.DirEnv)
	if checkpoints == "" || dir == "" {
		t.Skip("needs the original's networks (WEIGHTSEP_CHECKPOINTS) and data (" + datasets.DirEnv + ")")
	}
	ctx := context.Background()
	backend := xlatest.Backend(t)
	for name, least := range map[string]float64{"mnist": 0.9861, "fmnist": 0.8745, "cifar10": 0.68,
		"obs": 0.95, "gsc": 0.65} {
		nets, err := network.Select(network.Ten(), name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := tfcheckpoint.Open(filepath.Join(checkpoints, name, name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := tfcheckpoint.Weights(c, nets[0])
		if err != nil {
			t.Fatal(err)
		}
		data, err := datasets.Open(ctx, name, datasets.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if data.Provenance.Kind != datasets.Real {
			t.Logf("%s: no files", name)
			continue
		}
		s, err := score.New(backend, nets[0], 100)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := s.Score(ctx, network.Values{Weights: w}.On(), data.Test)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.4f of %d test samples", name, got, data.Test.Len())
		if got < least {
			t.Errorf("%s: %.4f, want at least %.4f", name, got, least)
		}
	}
}
