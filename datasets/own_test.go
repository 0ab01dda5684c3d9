package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// ownFiles are samples of a network with inputs of two values and three outputs, by part.
func ownFiles() map[string][]byte {
	return map[string][]byte{
		"train_data":  npyFile("<f4", false, "(4, 2)", packed("<f4", 1, 2, 3, 4, 5, 6, 7, 8)),
		"train_label": npyFile("<i8", false, "(4,)", packed("<i8", 0, 2, 1, 0)),
		"groups":      npyFile("<i8", false, "(4,)", packed("<i8", 7, 7, 8, 9)),
		"test_data":   npyFile("<f4", false, "(2, 2)", packed("<f4", 9, 10, 11, 12)),
		"test_label":  npyFile("|u1", false, "(2, 3)", []byte{0, 0, 1, 1, 0, 0}),
		"test_clips":  npyFile("<i8", false, "(2,)", packed("<i8", 4, 4)),
	}
}

func openOwn(t *testing.T, files map[string][]byte) (*Own, error) {
	dir := t.TempDir()
	for part, data := range files {
		write(t, data, dir, "n_"+part+".npy")
	}
	return OpenOwn(t.Context(), dir, "n", []int{2}, 3, 1)
}

func TestOwn(t *testing.T) {
	o, err := openOwn(t, ownFiles())
	if err != nil {
		t.Fatal(err)
	}
	if !o.Labelled || !o.TestLabelled || o.Values || o.Train.Len()+o.Validation.Len() != 4 ||
		o.Provenance.Train != 4 {
		t.Errorf("%+v, %d and %d samples", o, o.Train.Len(), o.Validation.Len())
	}
	got := map[string]bool{}
	for _, s := range []*Split{o.Train, o.Validation} {
		for i := range s.Len() {
			got[fmt.Sprint(s.Sample(i), s.Labels[i], s.Groups[i])] = true
		}
	}
	for _, want := range []string{"[1 2] 0 7", "[3 4] 2 7", "[5 6] 1 8", "[7 8] 0 9"} {
		if !got[want] {
			t.Errorf("no sample with values, label and group %s in %v", want, got)
		}
	}
	if !slices.Equal(o.Test.Labels, []int32{2, 0}) || !slices.Equal(o.Test.Clips, []int32{4, 4}) ||
		!slices.Equal(o.Test.Sample(1), []float32{11, 12}) {
		t.Errorf("test labels %v, clips %v", o.Test.Labels, o.Test.Clips)
	}
	changed := ownFiles()
	changed["train_data"] = npyFile("<f4", false, "(4, 2)", packed("<f4", 1, 2, 3, 4, 5, 6, 7, 9))
	if other, err := openOwn(t, changed); err != nil || other.Provenance.Content == o.Provenance.Content {
		t.Errorf("other values, content %q and %q: %v", other.Provenance.Content, o.Provenance.Content, err)
	}
}

func TestOwnTargets(t *testing.T) {
	files := ownFiles()
	files["test_label"] = npyFile("<f4", false, "(2, 3)", packed("<f4", 0, 0.5, 1, 1, 0, 0))
	// Where one part has values, every other has, too.
	for _, part := range []string{"train_label", "validation_data", "test_label"} {
		less := maps.Clone(files)
		less["validation_data"], less["validation_label"] = files["test_data"], files["test_label"]
		less["train_label"] = npyFile("<f4", false, "(4, 3)", make([]byte, 48))
		less["train_label"][len(less["train_label"])-1] = 0x3f // a half
		if _, err := openOwn(t, less); err != nil {
			t.Fatal(err)
		}
		switch part {
		case "validation_data":
			less["validation_label"] = npyFile("<i8", false, "(2,)", packed("<i8", 0, 1))
		case "train_label":
			less[part] = files[part]
		default:
			delete(less, part)
		}
		_, err := openOwn(t, less)
		if err == nil || !strings.Contains(err.Error(), "want float values") {
			t.Errorf("%s: %v", part, err)
		}
	}
	delete(files, "train_label")
	delete(files, "train_data")
	delete(files, "groups")
	o, err := openOwn(t, files)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Values || o.Labelled || !slices.Equal(o.Test.Target(0), []float32{0, 0.5, 1}) {
		t.Errorf("values %v, labelled %v, target %v", o.Values, o.Labelled, o.Test.Target(0))
	}
}

func TestOwnErrors(t *testing.T) {
	for part, c := range map[string]struct {
		data []byte
		want string
	}{
		"train_data": {npyFile("<f4", false, "(4, 3)", make([]byte, 48)),
			"samples of shape [3], the network takes [2]"},
		"train_label": {npyFile("<i8", false, "(4,)", packed("<i8", 0, 1, 2, 3)),
			"label 3: expected 0 to 2, found 3"},
		"test_label": {npyFile("<f4", false, "(2, 2)", make([]byte, 16)),
			"rows of 2 values, the network has 3 outputs"},
		"test_clips": {npyFile("<i8", false, "(1,)", packed("<i8", 4)),
			"1 rows of 1, want a number for each of 2 samples"},
		"validation_label": {npyFile("<i8", false, "(1,)", packed("<i8", 0)),
			"there is no n_validation_data.npy beside it"},
		"validation_data": {npyFile("<f4", false, "(1, 2)", make([]byte, 8)), "want both or none"},
		"groups": {npyFile("<f4", false, "(4,)", packed("<f4", 1, 2, 3, float64(3e38)*10)),
			"want finite numbers"},
		"train_groups": {npyFile("<i8", false, "(4,)", packed("<i8", 1, 2, 1<<24, 1<<24+1)),
			"number 2 is 1.6777216e+07, want a whole number below 16777216"},
	} {
		files := ownFiles()
		files[part] = c.data
		_, err := openOwn(t, files)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "n_") {
			t.Errorf("%s: error %v, want one with %q and the file", part, err, c.want)
		}
	}
}
