package datasets

import (
	"errors"

	"weightsep/datasets/prepared"
)

// entry is what the package knows of one dataset. Each has a file of its own.
type entry struct {
	name       string
	shape      [3]int // height, width, channels
	classes    int
	classNames []string

	// files finds the files of the original in the dataset's folder. A folder
	// without any of them gives errNoFiles.
	files func(folder string) (form, error)

	// included finds a copy that comes with the program, nil if there is none.
	// If the copy is gone, the error is fs.ErrNotExist.
	included func() (form, error)
}

// size is the number of values of a sample.
func (e entry) size() int { return e.shape[0] * e.shape[1] * e.shape[2] }

// errNoFiles says that a folder has none of a dataset's files.
var errNoFiles = errors.New("none of the dataset's files found")

// samples is what a loader returns: the splits of the original and where they came
// from. A nil validation asks for the common rule; a loader whose dataset brings a
// validation split, or must keep related samples together, sets its own.
type samples struct {
	train, validation, test *Split
	provenance              Provenance    // counts of samples present are filled in later
	set                     *prepared.Set // what the splits are of; nil if they are in memory
}

// catalog returns the datasets in the order of formation.
func catalog() []entry {
	return []entry{
		cifar10(),
		mnist(),
		fmnist(),
		gtsrb(),
		svhn(),
		obs(),
		gsc(),
		esc10(),
		us8k(),
		hhar(),
	}
}
