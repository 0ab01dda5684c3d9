package datasets

import (
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/wav"
)

// An extractor makes samples of a recording. It is used by one goroutine.
type extractor func(wav.Clip) ([][]float32, error)

// soundDecoder returns a decoder of WAV files of at most so many seconds.
func soundDecoder(seconds float64, newExtractor func() extractor) decoder {
	extractors := sync.Pool{New: func() any { return newExtractor() }}
	return func(s prepared.Sample, data io.Reader) (all []finished, err error) {
		clip, err := wav.Decode(data, seconds)
		if err != nil {
			return nil, err
		}
		extract := extractors.Get().(extractor)
		defer extractors.Put(extract)
		values, err := extract(clip)
		for i, v := range values {
			all = append(all, finished{s.Segment(i), v})
		}
		return all, err
	}
}

// newLogMel returns an extractor of log-mel segments from recordings of any rate, the
// features of environmental sounds: esc10's and us8k's.
func newLogMel() extractor {
	m := features.NewLogMel()
	rates := map[int]*wav.Resampler{}
	return func(c wav.Clip) ([][]float32, error) {
		if c.Rate != features.LogMelRate {
			r, ok := rates[c.Rate]
			if !ok {
				var err error
				if r, err = wav.NewResampler(c.Rate, features.LogMelRate); err != nil {
					return nil, err
				}
				rates[c.Rate] = r
			}
			c.Samples = r.Resample(c.Samples)
		}
		return m.Segments(c.Samples)
	}
}

// soundForm is the form of a dataset of environmental sounds: the recordings at root, of
// which the original has so many, cut into log-mel segments of two channels. Source names
// their origin. The originals' recordings have at most 5 seconds and 4 MB, us8k's 7 GB in
// all.
func soundForm(name, root, source string, sample func(string) (prepared.Sample, bool, error), of int) form {
	return form{name: name, version: 1, sorted: true, files: []string{root}, period: 2,
		load: func(r *recorder) error {
			all := media{kind: "recordings", path: root, sample: sample, decode: soundDecoder(60, newLogMel),
				limits: archive.Limits{File: 64 << 20, Total: 16 << 30}}
			n, err := all.add(r)
			r.provenance.Source = fmt.Sprintf("%s: segments of %d of %d recordings", source, n, of)
			return err
		}}
}

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
	root, source, err := findRoot(folder, expected, esc10Archives, "audio/")
	return soundForm("esc-50", root, source, esc10Sample, 400), err
}

var esc10Name = regexp.MustCompile(`^([1-5])-(\d+)-[a-z]-(\d|[1-4]\d)\.wav$`)

// esc10Sample says what a file is by its name: FOLD-SOURCE-TAKE-TARGET.wav.
func esc10Sample(name string) (prepared.Sample, bool, error) {
	base := strings.ToLower(path.Base(name))
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

var us8kClasses = []string{"air_conditioner", "car_horn", "children_playing", "dog_bark",
	"drilling", "engine_idling", "gun_shot", "jackhammer", "siren", "street_music"}

const us8kArchive = "UrbanSound8K.tar.gz"

// us8kForm finds UrbanSound8K, sounds of a city: 8,732 recordings of up to 4 seconds and of
// many rates and encodings, made into samples as those of esc10 are.
//
// Source: https://zenodo.org/record/1203745/files/UrbanSound8K.tar.gz, or the tree
// unpacked from it. Any of the folds and recordings may be missing, but not the tenth
// fold, which is the test split. Recordings cut from one source are a group. Labels,
// folds and sources are taken from the names of the files, which say the same as the
// table metadata/UrbanSound8K.csv.
func us8kForm(folder string) (form, error) {
	expected := us8kArchive + ", or unpacked from it audio/fold1 to audio/fold10"
	root, source, err := findRoot(folder, expected, []string{us8kArchive}, "audio/", "fold10")
	return soundForm("urban sound", root, source, us8kSample, 8732), err
}

var us8kName = regexp.MustCompile(`(?:^|/)fold([1-9]|10)/(\d+)-(\d+)-\d+-\d+\.wav$`)

// us8kSample says what a file is by its name: foldNUMBER/SOURCE-CLASS-OCCURRENCE-SLICE.wav.
func us8kSample(name string) (prepared.Sample, bool, error) {
	if name = strings.ToLower(name); path.Ext(name) != ".wav" {
		return prepared.Sample{}, false, nil
	}
	m := us8kName.FindStringSubmatch(name)
	if m == nil {
		return prepared.Sample{}, false, errors.New("expected a name such as fold1/101415-3-0-2.wav")
	}
	fold, _ := strconv.Atoi(m[1])
	class, err := strconv.Atoi(m[3])
	if err != nil || class > 9 {
		return prepared.Sample{}, false, fmt.Errorf("class in the name: expected 0 to 9, found %s", m[3])
	}
	s := prepared.Sample{Name: fmt.Sprintf("fold%02d/%s", fold, path.Base(name)), Label: int32(class),
		Group: m[2], Clip: path.Base(name)}
	if fold == 10 {
		s.Part = prepared.Test
	}
	return s, true, nil
}
