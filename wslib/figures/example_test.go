package figures_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/figures"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// The original system: 128 shared and 94 exclusive pages of 512 float32 weights for
// ten networks. A notebook shows the SVG as it is.
func ExampleMemory() {
	stored := page.Stored{
		Shared:    128 * 512 * 4,
		Exclusive: 94 * 512 * 4,
		Total:     222 * 512 * 4,
		Separate:  667582 * 4,

		RatioBytes:   667582.0 / (222 * 512),
		RatioWeights: 667582.0 / (222 * 512),
		RatioLevel1:  667582.0 / (128 * 512),
	}
	f, err := figures.Memory(stored)
	if err != nil {
		log.Fatal(err)
	}
	svg, err := f.SVG()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	fmt.Println(svg[:4])
	// Output:
	// Packing ratio 5.9x: 454.7 KB instead of 2,670 KB
	// <svg
}

// Accuracies of two networks on the original's data and of one on stand-in data,
// saved for a README.
func ExampleBeforeAfter() {
	f, err := figures.BeforeAfter([]figures.AccuracyRow{
		{Name: "mnist", Data: datasets.Real, Before: 0.9861, After: 0.9845},
		{Name: "fmnist", Data: datasets.Real, Before: 0.8580, After: 0.8735},
		{Name: "us8k", Data: datasets.StandIn, Before: 0.4290, After: 0.4283},
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := f.Save(filepath.Join(dir, "accuracy.svg")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	// Output: Test accuracy before and after weight separation: +0.70 points on real data
}

// Two networks with a shared page in common: page 1.
func ExamplePageMap() {
	file := &pack.File{Set: &page.Set{
		Format: page.Format{Size: 512, Shared: 3, Precision: page.Int2, ExclusivePrecision: page.Int8},
		Networks: []page.Member{
			// Its first page is exclusive.
			{Name: "cifar10", Weights: 1536, Table: page.Table{Shared: 3, Entries: []int32{3, 0, 1}}},
			{Name: "mnist", Weights: 1024, Table: page.Table{Shared: 3, Entries: []int32{1, 2}}},
		},
	}, Networks: []pack.Network{
		{Layers: []pack.Layer{
			{Name: "conv", Shape: []int{512}},
			{Name: "dense", Shape: []int{1024}, Offset: 512},
		}},
		{Layers: []pack.Layer{{Name: "dense", Shape: []int{1024}}}},
	}}
	f, err := figures.PageMap(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	for _, row := range f.Data {
		fmt.Println(strings.Join(row, ", "))
	}
	// Output:
	// 4 pages of 2 networks lie on 3 shared pages (int2)
	// network, page, layer, on, number, networks there, bits of a value
	// cifar10, 0, conv, exclusive page, 0, 1, 8
	// cifar10, 1, dense, shared page, 0, 1, 2
	// cifar10, 2, dense, shared page, 1, 2, 2
	// mnist, 0, dense, shared page, 1, 2, 2
	// mnist, 1, dense, shared page, 2, 1, 2
}

// A dataset of three words by one speaker, one word of which is rare.
func ExampleClassCounts() {
	split := func(labels ...int32) *datasets.Split {
		s, err := datasets.NewSplit(1, make([]float32, len(labels)), labels)
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	f, err := figures.ClassCounts([]*datasets.Dataset{{
		Name: "words", Shape: []int{1, 1, 1}, Classes: 3, ClassNames: []string{"yes", "no", "perhaps"},
		Train: split(0, 0, 0, 1, 1, 1, 2), Validation: split(0, 1), Test: split(0, 1, 2),
		Provenance: datasets.Provenance{Kind: datasets.Real, Train: 9, TrainOf: 9, Test: 3, TestOf: 3},
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	// Output: Number of samples of each class, in the three splits of each dataset
}

// Two networks, trained for different numbers of steps.
func ExampleCurves() {
	f, err := figures.Curves("Training of the baselines", []figures.Curve{
		{Name: "mnist", Data: datasets.Real,
			Steps: []int{1000, 2000, 3000}, Validation: []float64{0.975, 0.983, 0.982}, Best: 2000},
		{Name: "hhar", Data: datasets.StandIn,
			Steps: []int{100, 200}, Validation: []float64{0.69, 0.753}, Best: 200},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	// Output: Training of the baselines
}
