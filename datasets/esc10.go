package datasets

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weightsep/datasets/prepared"
)

var esc10Classes = []string{"dog", "rooster", "rain", "sea_waves", "crackling_fire",
	"crying_baby", "sneezing", "clock_tick", "helicopter", "chainsaw"}

// esc10Targets are the classes' numbers in ESC-50.
var esc10Targets = []int{0, 1, 10, 11, 12, 20, 21, 38, 40, 41}

// The names that the archive is known by.
var esc10Archives = []string{"master.zip", "ESC-50-master.zip", "ESC-50.zip"}

// esc10Form finds ESC-10, environmental sounds: the 400 recordings of 5 seconds that ESC-50
// has of ten of its classes, cut into segments of 60 log-mel bands by 41 frames and their
// change over time (see [features.LogMel]), each of the two standardised.
//
// Source: https://github.com/karoldvl/ESC-50/archive/master.zip, or the tree unpacked
// from it. Any of the recordings may be missing, but not all of the fifth fold, which is
// the test split. Recordings cut from one source are a group. Labels, folds and sources
// are taken from the names of the files, which say the same as the table meta/esc50.csv.
func esc10Form(folder string) (form, error) {
	expected := strings.Join(esc10Archives, " or ") + ", or the folder audio unpacked from it"
	trees := []string{"ESC-50-master/audio", "ESC-50/audio", "audio"}
	root, source, err := findRoot(folder, expected, esc10Archives, trees, ".")
	return soundForm("esc-50", root, source, esc10Sample, 400), err
}

var esc10Name = regexp.MustCompile(`^([1-5])-(\d+)-[A-Z]-(\d|[1-4]\d)\.wav$`)

// esc10Sample says what a file is by its name: FOLD-SOURCE-TAKE-TARGET.wav.
func esc10Sample(name string) (prepared.Sample, bool, error) {
	base := path.Base(name)
	if path.Ext(base) != ".wav" {
		return prepared.Sample{}, false, nil
	}
	m := esc10Name.FindStringSubmatch(base)
	if m == nil {
		return prepared.Sample{}, false, errors.New("expected a name such as 1-100032-A-0.wav")
	}
	target, _ := strconv.Atoi(m[3])
	label := slices.Index(esc10Targets, target)
	if label < 0 {
		return prepared.Sample{}, false, nil // of ESC-50 only
	}
	s := prepared.Sample{Name: base, Label: int32(label), Group: m[2], Clip: base}
	if m[1] == "5" {
		s.Part = prepared.Test
	}
	return s, true, nil
}
