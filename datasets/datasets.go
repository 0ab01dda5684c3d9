// Package datasets opens the ten datasets that the ten networks are trained on.
//
// A dataset is read from the files its authors publish, in a directory that the
// caller names, with one folder per dataset:
//
//	DIR/cifar10/cifar-10-binary.tar.gz
//	DIR/fmnist/train-images-idx3-ubyte.gz, ...
//
// MNIST needs no directory: its files come with a Go module. A dataset with no
// files is replaced by a generated stand-in of the same shape and number of
// classes, "class 0" and so on. [Provenance] says which of the two a caller holds,
// and how much of the original is there. Files that are present but damaged are an
// error, never a stand-in. Of many recordings or pictures a few that cannot be read
// are left out, and [Provenance] names them.
//
// Files are found whatever programs made of their names: letters and digits count, in
// any case. They may lie in folders of the dataset's folder. Links are followed, hidden
// entries passed over.
//
// What the files are made into is kept in a cache, so that the next opening takes
// less than a second and little memory. Nothing is downloaded here (that is what the
// command fetch is for), and everything is deterministic: the same files, options and
// seed give the same samples in the same order.
package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Dataset is one classification problem, split in three.
type Dataset struct {
	Name       string   // one of Names
	Shape      []int    // of a sample: height, width, channels of the ten
	Classes    int      // labels are 0 to Classes-1
	ClassNames []string // a name for each label

	// All are in an order in which the first n are a fair subset: Train and
	// Validation are shuffled by the seed, Test is in the order of the original, or
	// shuffled always the same way if that goes class by class.
	Train, Validation, Test *Split

	Provenance Provenance
}

// Options says where samples come from and how many are taken.
// The zero value gives MNIST as it is and stand-ins for all others.
type Options struct {
	// Dir holds a folder per dataset, named as in Names, with the files of the
	// original. If it is empty there is no directory. If it is not, CheckDir must
	// accept it.
	Dir string

	// Seed is the seed of stand-ins, of the validation split and of the order of
	// the training samples.
	Seed uint64

	// MinTrain is the smallest number of real training samples, validation included,
	// that is taken for the dataset: with fewer, the stand-in takes its place, and
	// Provenance says so. 0 takes any.
	MinTrain int

	// MaxTrain and MaxTest bound the number of samples, for short runs; 0 takes
	// all. MaxTrain counts training and validation samples together. What is
	// kept is balanced as the whole is, and Provenance counts it.
	MaxTrain, MaxTest int

	// StandInTrain and StandInTest are the number of samples of a generated
	// stand-in; 0 takes the default of 5000 and 1000.
	StandInTrain, StandInTest int

	// CacheDir is where prepared samples are kept; empty for a folder of the user's
	// cache directory or, if that cannot be written, a temporary one that is not kept. What is
	// there is never needed: it can be deleted.
	CacheDir string

	// Log is told, a line each, what a person should know of the cache: that it cannot be
	// written, or was damaged and is made anew. nil is the standard error.
	Log io.Writer

	// Progress, if not nil, is called now and then while files are checked and
	// prepared, with the part that is done and the total, in bytes or samples.
	Progress func(stage string, done, total int64)
}

// check refuses options that no dataset could meet.
func (o Options) check() error {
	for _, v := range []struct {
		name string
		n    int
		min  int
	}{
		{"MinTrain", o.MinTrain, 1},
		{"MaxTrain", o.MaxTrain, 2}, // one to train on, one to validate with
		{"MaxTest", o.MaxTest, 1},
		{"StandInTrain", o.StandInTrain, 2},
		{"StandInTest", o.StandInTest, 1},
	} {
		if v.n != 0 && v.n < v.min {
			return fmt.Errorf("option %s is %d: want 0 or at least %d", v.name, v.n, v.min)
		}
	}
	return nil
}

// Names returns the names of the ten datasets in the order of formation.
func Names() []string {
	var names []string
	for _, e := range catalog() {
		names = append(names, e.Name)
	}
	return names
}

// Open reads the named dataset, or generates its stand-in if there are no files.
//
// Of the training samples, a tenth is held out as validation data, unless the dataset
// brings a validation split: a tenth of each class, or if samples are related whole
// groups of them. The choice depends only on labels, groups and o.Seed.
//
// It is an error if the name is not one of [Names], if o.Dir is set but
// [CheckDir] refuses it, if the dataset's folder has files that cannot be read as
// what they should be, or if ctx ends.
func Open(ctx context.Context, name string, o Options) (*Dataset, error) {
	d, err := open(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	return d, nil
}

func open(ctx context.Context, name string, o Options) (*Dataset, error) {
	all := catalog()
	i := slices.IndexFunc(all, func(e entry) bool { return e.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown dataset: want one of %v", Names())
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	e := all[i]
	f, why, err := e.locate(o.Dir)
	var d *Dataset
	if err == nil && why == "" {
		d, err = e.real(ctx, o, f)
	}
	if err != nil {
		return nil, err
	}
	if d != nil && d.trainLen() < o.MinTrain {
		why = fmt.Sprintf("of the real one only %d training samples were found, at least %d were asked for",
			d.trainLen(), o.MinTrain)
	}
	if why != "" {
		if d, err = standIn(ctx, e, o, why); err != nil {
			return nil, err
		}
	}
	return d, d.finish(o)
}

// locate finds the original's files, in the data directory or with the program, or says
// why they are absent.
func (e entry) locate(dir string) (f form, why string, err error) {
	why = "no data directory given"
	unused := ""
	if dir != "" {
		folder, none, err := findFolder(dir, e.Name)
		if err != nil {
			return form{}, "", err
		}
		if why = none; folder != "" {
			f, err := e.find(folder)
			// Only an included dataset may be absent from a folder of its name.
			if e.included == nil || !errors.Is(err, errNoFiles) {
				return f, "", err
			}
			why = err.Error()
			unused = "not from its folder: " + why
		}
	}
	if e.included == nil {
		return form{}, why, nil
	}
	f, err = e.included()
	if errors.Is(err, fs.ErrNotExist) {
		return form{}, why + ", and the files of its Go module are not on this machine", nil
	}
	f.note = unused
	return f, "", err
}

// trainLen returns the number of training samples, validation included.
func (d *Dataset) trainLen() (n int) {
	for _, s := range []*Split{d.Train, d.Validation} {
		if s != nil {
			n += s.Len()
		}
	}
	return n
}

// finish holds out validation data if there is none, standardises, applies the limits and
// fills in the counts.
func (d *Dataset) finish(o Options) error {
	p := &d.Provenance
	if d.Train.Len() < 2 || d.Test.Len() < 1 {
		err := fmt.Errorf("%s: found %d training and %d test samples: expected at least 2 and 1",
			p.Source, d.Train.Len(), d.Test.Len())
		if p.Note != "" {
			err = fmt.Errorf("%w (%s)", err, p.Note)
		}
		return err
	}
	random := seeded(o.Seed, d.Name, streamHoldOut)
	if d.Validation != nil {
		d.Train, d.Validation = d.Train.shuffled(random), d.Validation.shuffled(random)
	} else {
		var ok bool
		if d.Train, d.Validation, ok = holdOut(d.Train, d.Classes, random); !ok {
			p.note("too few groups of related samples to hold out whole ones for validation")
		}
	}
	if n := absentClasses(d.Train.Labels, d.Classes); n > 0 {
		p.note(fmt.Sprintf("%d of %d classes have no training samples", n, d.Classes))
	}
	d.standardise()
	if n := o.MaxTrain; n > 0 && n < d.trainLen() {
		v := max(1, n/holdOutShare)
		d.Train = limit(d.Train, d.Classes, n-v, seeded(o.Seed, d.Name, streamMaxTrain))
		d.Validation = limit(d.Validation, d.Classes, v, seeded(o.Seed, d.Name, streamMaxValidation))
		p.note(fmt.Sprintf("at most %d training samples asked for", n))
	}
	if n := o.MaxTest; n > 0 && n < d.Test.Len() {
		d.Test = limit(d.Test, d.Classes, n, seeded(o.Seed, d.Name, streamMaxTest))
		p.note(fmt.Sprintf("at most %d test samples asked for", n))
	}
	p.Train, p.Test = d.trainLen(), d.Test.Len()
	return nil
}
