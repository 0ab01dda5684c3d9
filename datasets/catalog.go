package datasets

import (
	"slices"

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
		newEntry("cifar10", []int{cifarSide, cifarSide, cifarChannels}, cifarClasses, cifarForm),
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
