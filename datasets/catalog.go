package datasets

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"weightsep/datasets/features"
)

// entry is what the package knows of one dataset: its name, shape and classes, and how
// its files are found.
type entry struct {
	Dataset

	// files finds the files of the original in the dataset's folder. A folder
	// without any of them gives errNoFiles.
	files func(folder string) (form, error)

	// included finds a copy that comes with the program, nil if there is none.
	// If the copy is gone, the error is fs.ErrNotExist.
	included func() (form, error)
}

func newEntry(name string, shape []int, classes []string, files func(string) (form, error)) entry {
	return entry{files: files, Dataset: Dataset{Name: name, Shape: shape, Classes: len(classes),
		ClassNames: slices.Clone(classes)}}
}

// size is the number of values of a sample.
func (e entry) size() int { return e.Shape[0] * e.Shape[1] * e.Shape[2] }

// catalog returns the datasets in the order of formation.
func catalog() []entry {
	digits := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	mnist := newEntry("mnist", []int{28, 28, 1}, digits, mnistForm)
	mnist.included = goMNISTForm
	sound := []int{features.LogMelBands, features.SegmentFrames, 2}
	return []entry{
		newEntry("cifar10", []int{32, 32, 3}, cifarClasses, cifarForm),
		mnist,
		newEntry("fmnist", []int{28, 28, 1}, fmnistClasses, mnistForm),
		newEntry("gtsrb", []int{gtsrbSide, gtsrbSide, 1}, gtsrbClasses, gtsrbForm),
		newEntry("svhn", []int{svhnSide, svhnSide, svhnChannels}, digits, svhnForm),
		newEntry("obs", []int{obsHeight, obsWidth, 1}, obsClasses, obsForm),
		newEntry("gsc", []int{features.MFCCFrames, features.MFCCCoeffs, 1}, gscWords, gscForm),
		newEntry("esc10", sound, esc10Classes, esc10Form),
		newEntry("us8k", slices.Clone(sound), us8kClasses, us8kForm),
		newEntry("hhar", []int{features.SpectraIntervals, features.SpectraValues, 1}, hharActivities,
			hharForm),
	}
}

// Source is one of the files that a dataset's authors publish. Open expects it in
// the dataset's folder under the name File.
type Source struct {
	File   string   // name in the dataset's folder
	URLs   []string // where it is published, the best mirror first
	MD5    string   // in hex; empty if not known, or if SHA256 is
	SHA256 string   // in hex; empty if not known
	Size   int64    // in bytes; 0 if not known
}

// sourcesJSON lists the files by dataset. The sums and sizes are those that the authors give, or that
// several users of the files agree on. The first address of esc10 packs a branch anew when asked, so its
// bytes may change and a size is not given; the second keeps a copy of those with this sum.
//
//go:embed sources.json
var sourcesJSON []byte

// Sources returns the files of the named dataset that can be had from the network,
// none for obs: its folder of images per class has no lasting address. Those of
// mnist are for users who want the originals, Open does without.
//
// It is an error if the name is not one of [Names].
func Sources(name string) ([]Source, error) {
	var published map[string][]Source
	if err := json.Unmarshal(sourcesJSON, &published); err != nil {
		return nil, fmt.Errorf("datasets: sources.json: %w", err)
	}
	files, ok := published[name]
	if !ok {
		return nil, fmt.Errorf("datasets: unknown dataset %q: want one of %s",
			name, strings.Join(Names(), ", "))
	}
	return files, nil
}
