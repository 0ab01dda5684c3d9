package datasets

import (
	"strings"
	"testing"
)

// Names that a program put together of others, or a list written by one of another system.
func TestGSCListsOfOthers(t *testing.T) {
	recordings, _ := gscFiles(manySpoken(6), "", "")
	for name, c := range map[string]struct{ testing, validation, note string }{
		"mark":        {"\ufeffno/0000_nohash_0.wav\n", "\ufeffno/0001_nohash_0.wav\n", ""},
		"backslashes": {"no\\0000_nohash_0.wav\r\n", "no\\0001_nohash_0.wav\r\n", ""},
		"folders":     {"./no/0000_nohash_0.wav\n", "a/b/no/0001_nohash_0.wav\n", ""},
		"capitals":    {"no/0000_nohash_0.WAV\n", "No/0001_nohash_0.wav\n", ""},
		"suffix twice": {"no/0000_nohash_0.wav\nno/0002_nohash_0.wav.wav\n", "no/0001_nohash_0.wav\n",
			"1 of 2 names in testing_list.txt match no recording"},
		"absent words": {"no/0000_nohash_0.wav\nbed/0002_nohash_0.wav\n", "no/0001_nohash_0.wav\n", ""},
		"unknown words": {"no/0000_nohash_0.wav\n", "no/0001_nohash_0.wav\nnope/1.wav\n2.wav\n",
			"2 of 3 names in validation_list.txt match no recording"},
	} {
		lists := []file{{gscTesting, []byte(c.testing)}, {gscValidation, []byte(c.validation)}}
		d, err := openFiles(t, "gsc", append(lists, recordings...)...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p := d.Provenance; d.Train.Len() != 10 || d.Validation.Len() != 1 || p.Test != 1 ||
			!strings.Contains(p.Note, c.note) || strings.Contains(p.Note, "match no") != (c.note != "") {
			t.Errorf("%s: %d, %d, %v", name, d.Train.Len(), d.Validation.Len(), p)
		}
	}
}

// If no test sample is left of a list, the error says that its names match nothing.
func TestGSCListMatchesNothing(t *testing.T) {
	recordings, lists := gscFiles(manySpoken(6), "no/0000_nohash_0.wav.wav\n", "")
	said := outcome(openFiles(t, "gsc", append(recordings, lists...)...))
	if !strings.Contains(said, "0 test samples") ||
		!strings.Contains(said, "1 of 1 names in testing_list.txt match no recording") {
		t.Error(said)
	}
}

// The lists of an archive may lie in a folder, as its recordings may.
func TestGSCArchivePackedAgain(t *testing.T) {
	recordings, lists := gscFiles(manySpoken(6), "no/0000_nohash_0.wav\n", "no/0001_nohash_0.wav\n")
	all := under("speech/v2", append(recordings, lists...))
	d, err := openFiles(t, "gsc", file{gscArchive, tarGz(t, all...)})
	if err != nil || d.Train.Len() != 10 || d.Validation.Len() != 1 || d.Test.Len() != 1 {
		t.Errorf("%s", outcome(d, err))
	}
	all = append(all, under("old", lists)...)
	said := outcome(openFiles(t, "gsc", file{gscArchive, tarGz(t, all...)}))
	if !strings.Contains(said, "expected this list once") {
		t.Errorf("two lists: %s", said)
	}
}
