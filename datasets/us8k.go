package datasets

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"

	"weightsep/datasets/prepared"
)

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
	trees := []string{"UrbanSound8K/audio", "audio"}
	root, source, err := findRoot(folder, expected, []string{us8kArchive}, trees, ".")
	return soundForm("urban sound", root, source, us8kSample, 8732), err
}

var us8kName = regexp.MustCompile(`(?:^|/)fold([1-9]|10)/(\d+)-(\d+)-\d+-\d+\.wav$`)

// us8kSample says what a file is by its name: foldNUMBER/SOURCE-CLASS-OCCURRENCE-SLICE.wav.
func us8kSample(name string) (prepared.Sample, bool, error) {
	if path.Ext(name) != ".wav" {
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
