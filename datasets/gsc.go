package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/wav"
)

// gscWords are the classes in the order of the original's trained network, which came
// without it. Ten were found by scoring it on real recordings of them (left, up, yes,
// on, go, off, stop, down, no, right), the others on synthetic speech and by what was
// left: of these bird and learn, three and tree, six and eight, sheila are the least
// certain.
var gscWords = []string{
	"backward", "left", "up", "six", "zero", "yes", "eight", "happy",
	"on", "sheila", "cat", "five", "nine", "marvin", "wow", "three",
	"learn", "bed", "go", "four", "seven", "house", "tree", "off",
	"one", "stop", "follow", "two", "down", "forward", "no", "right",
	"visual", "dog", "bird",
}

const (
	gscArchive    = "speech_commands_v0.02.tar.gz"
	gscRate       = 16000
	gscTesting    = "testing_list.txt"
	gscValidation = "validation_list.txt"
)

// gscForm finds Google Speech Commands v0.02, 35 spoken words: 105,829 recordings of up to a
// second, 61 frames of 13 cepstral coefficients (see [features.MFCC]).
//
// Source: http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz, or the tree
// unpacked from it. Any of the words and recordings may be missing. The split is the
// archive's own, by its lists, in which no speaker is in two parts. Speakers are groups.
func gscForm(folder string) (form, error) {
	expected := gscArchive + ", or unpacked from it a folder for each word, " + gscTesting + " and " +
		gscValidation
	root, source, err := findRoot(folder, expected, []string{gscArchive}, gscTesting)
	return form{name: "speech commands", version: 2, sorted: true, files: []string{root},
		provenance: Provenance{TrainOf: 94824, TestOf: 11005},
		load:       func(r *recorder) error { return loadGSC(r, root, source) }}, err
}

// loadGSC reads the archive or directory at root.
func loadGSC(r *recorder, root, source string) error {
	// The lists may come after the recordings.
	lists := map[string]map[string]bool{gscTesting: nil, gscValidation: nil}
	all := media{
		kind:   "recordings",
		path:   root,
		limits: archive.Limits{File: 32 << 20, Total: 8 << 30}, // the original's: 3 MB and 3.3 GB
		sample: gscSample,
		list: func(f archive.File) (err error) {
			name := strings.ToLower(path.Base(f.Name))
			switch list, ok := lists[name]; {
			case !ok:
				return nil
			case list != nil:
				return errors.New("expected this list once, found it twice")
			}
			lists[name], err = gscList(f)
			return err
		},
		decode: soundDecoder(10, newMFCC),
	}
	if _, err := all.add(r); err != nil {
		return err
	}
	found := 0
	for _, list := range lists {
		if list != nil {
			found++
		}
	}
	if found != len(lists) {
		return fmt.Errorf("%s: expected %s and %s, found %d of them", root, gscTesting, gscValidation, found)
	}
	words := map[int32]bool{}
	samples := r.Samples()
	for i := range samples {
		s := &samples[i]
		words[s.Label] = true
		test, validation := lists[gscTesting][s.Name], lists[gscValidation][s.Name]
		switch {
		case test && validation:
			return fmt.Errorf("%s: expected %s in one of the lists, found it in both",
				root, s.Name)
		case test:
			s.Part = prepared.Test
		case validation:
			s.Part = prepared.Validation
		}
	}
	for _, name := range []string{gscTesting, gscValidation} {
		absent := 0
		for recording := range lists[name] {
			word := int32(slices.Index(gscWords, path.Dir(recording)))
			if r.seen[recording] == "" && (word < 0 || words[word]) {
				absent++
			}
		}
		if absent > 0 {
			r.provenance.note(fmt.Sprintf("%d of %d names in %s match no recording", absent,
				len(lists[name]), name))
		}
	}
	r.provenance.Source = fmt.Sprintf("%s: %d of %d words", source, len(words), len(gscWords))
	return nil
}

// gscSample says what a file is by its name: WORD/SPEAKER_nohash_NUMBER.wav.
func gscSample(name string) (prepared.Sample, bool, error) {
	word, file := path.Split(strings.ToLower(name))
	word = path.Base(word)
	if path.Ext(file) != ".wav" || word == "_background_noise_" {
		return prepared.Sample{}, false, nil
	}
	label := slices.Index(gscWords, word)
	if label < 0 {
		return prepared.Sample{}, false, fmt.Errorf("folder %q: expected one of the %d words", word,
			len(gscWords))
	}
	speaker, _, ok := strings.Cut(file, "_nohash_")
	if !ok {
		return prepared.Sample{}, false, errors.New("expected a name such as 0f250098_nohash_0.wav")
	}
	return prepared.Sample{Name: word + "/" + file, Label: int32(label), Group: speaker}, true, nil
}

// gscList reads a list of names and returns them as samples have them, whatever folders are before them.
func gscList(r io.Reader) (map[string]bool, error) {
	names := map[string]bool{}
	lines := bufio.NewScanner(skipMark(r))
	for line := 1; lines.Scan(); line++ {
		name := slashed(strings.TrimSpace(lines.Text()))
		if name == "" {
			continue
		}
		name = path.Clean(name)
		if word, file := path.Split(name); word != "" && !strings.HasPrefix(name, "../") {
			name = path.Base(word) + "/" + file
		}
		if !fs.ValidPath(name) || path.Ext(name) != ".wav" {
			return nil, fmt.Errorf("line %d: expected a name such as bed/0f250098_nohash_0.wav, found %q",
				line, name)
		}
		names[name] = true
	}
	return names, lines.Err()
}

// newMFCC returns an extractor of cepstral coefficients from recordings of 16 kHz.
func newMFCC() extractor {
	m := features.NewMFCC()
	return func(c wav.Clip) ([][]float32, error) {
		if c.Rate != gscRate {
			return nil, fmt.Errorf("expected %d samples a second, found %d", gscRate, c.Rate)
		}
		v, err := m.Extract(c.Samples)
		return [][]float32{v}, err
	}
}
