package datasets

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openFiles opens a dataset of the files, which lie in its folder.
func openFiles(t *testing.T, name string, files ...file) (*Dataset, error) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, dir, under(name, files)...)
	return Open(t.Context(), name, Options{Dir: dir})
}

// link makes a link in a folder that is made if need be.
func link(t *testing.T, to string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		t.Skip(err)
	}
}

// A file of many that cannot be read is left out and named.
func TestOneBadFileIsLeftOut(t *testing.T) {
	for name, files := range originals(t) {
		if name == "svhn" || name == "hhar" {
			continue
		}
		whole, err := openFiles(t, name, files...)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.IndexFunc(files, func(f file) bool {
			return slices.Contains([]string{".wav", ".ppm", ".png"}, filepath.Ext(f.name))
		})
		for _, data := range [][]byte{nil, []byte("<html>"), files[bad].data[:20]} {
			some := slices.Clone(files)
			some[bad].data = data
			d, err := openFiles(t, name, some...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			p, q := d.Provenance, whole.Provenance
			if p.Train+p.Test >= q.Train+q.Test || !strings.Contains(p.Note, "1 ") ||
				!strings.Contains(p.Note, "left out: ") ||
				!strings.Contains(p.Note, filepath.Base(files[bad].name)+" (") {
				t.Errorf("%s: %v, without the bad file %v", name, p, q)
			}
		}
	}
}

// noisy are recordings of us8k: four classes of 25, and one to test with.
func noisy() (files []file) {
	for i := range 100 {
		name := fmt.Sprintf("audio/fold%d/%d-%d-0-0.wav", 1+i%9, 100+i, i%4)
		files = append(files, file{name, second(300)})
	}
	return append(files, file{"audio/fold10/300-9-1-2.wav", second(700)})
}

// Samples that are not numbers are of a bad file too.
func TestNotFiniteIsLeftOut(t *testing.T) {
	for _, v := range []float64{math.NaN(), 1e300} { // whose energy is infinite
		b := wav16(22050, make([]int16, 4*22050))
		b[20], b[32], b[34] = 3, 8, 64 // floats
		copy(b[44+8*1000:], packed("<f8", v))
		files := noisy()
		files[7].data = b
		said := outcome(openFiles(t, "us8k", files...))
		if !strings.Contains(said, "1 recordings left out: fold8/107-3-0-0.wav (") {
			t.Errorf("%v: %s", v, said)
		}
	}
}

// What is left of a dataset of which many files are bad, or a class, is another dataset.
func TestManyBadFiles(t *testing.T) {
	for n, want := range map[int]string{5: "5 recordings left out: fold1/100-0-0-0.wav (",
		6: "6 of 101 recordings cannot be read"} {
		files := noisy()
		for i := range n {
			files[i].data = nil
		}
		if said := outcome(openFiles(t, "us8k", files...)); !strings.Contains(said, want) {
			t.Errorf("%d bad ones: %s, want it with %q", n, said, want)
		}
	}
	files := append(noisy(), file{"audio/fold1/1-7-0-0.wav", nil}, file{"audio/fold2/2-7-0-0.wav", nil})
	said := outcome(openFiles(t, "us8k", files...))
	if !strings.Contains(said, "2 of 103 recordings cannot be read") {
		t.Errorf("all of a class: %s", said)
	}
}

// A recording or picture that is there twice is not two.
func TestFoundTwice(t *testing.T) {
	for name, files := range originals(t) {
		if name == "svhn" || name == "hhar" {
			continue
		}
		var copies []file
		for _, f := range files {
			f.name = "copy/" + f.name
			f.name = strings.Replace(f.name, "copy/audio", "audio/16000", 1)
			if !strings.Contains(f.name, "list.txt") {
				copies = append(copies, f)
			}
		}
		if _, err := openFiles(t, name, append(copies, files...)...); err == nil ||
			!strings.Contains(err.Error(), " once, found it before as ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// The case of suffixes, links, hidden entries and folders on top change nothing of what is found.
func TestFilesAsPeopleHaveThem(t *testing.T) {
	all := originals(t)
	all["cifar10"] = []file{{"data_batch_1.bin", cifarHand(1, 2, 3)}, {"test_batch.bin", cifarHand(4)}}
	all["fmnist"] = []file{{"train-images-idx3-ubyte", square(3, 51)},
		{"train-labels-idx1-ubyte", []byte{0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3}},
		{"t10k-images-idx3-ubyte.gz", compressed(t, square(1, 255))},
		{"t10k-labels-idx1-ubyte", []byte{0, 0, 8, 1, 0, 0, 0, 1, 5}}}
	changes := map[string]func(files []file, dir string){
		"suffixes": func(files []file, dir string) {
			for _, f := range files {
				ext := filepath.Ext(f.name)
				write(t, f.data, dir, strings.TrimSuffix(f.name, ext)+strings.ToUpper(ext))
			}
		},
		"a folder on top": func(files []file, dir string) { unpack(t, filepath.Join(dir, "raw"), files...) },
		"folders on top": func(files []file, dir string) {
			unpack(t, filepath.Join(dir, "any", "raw"), files...)
		},
		"a linked folder": func(files []file, dir string) {
			link(t, unpack(t, t.TempDir(), files...), dir)
		},
		"linked files and folders": func(files []file, dir string) {
			elsewhere := unpack(t, t.TempDir(), files...)
			entries, err := os.ReadDir(elsewhere)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				link(t, filepath.Join(elsewhere, e.Name()), dir, e.Name())
			}
		},
		"what systems leave": func(files []file, dir string) {
			unpack(t, dir, files...)
			link(t, "/nowhere/at/all", dir, ".#notes.txt")
			link(t, "nothing", dir, "old_backup")
			link(t, "loop", dir, "loop")
			link(t, "..", dir, "inner", "up")
			link(t, dir, dir, "inner", "again")
			for _, f := range files {
				write(t, []byte("x"), dir, "__MACOSX", f.name)
				write(t, []byte("x"), dir, filepath.Dir(f.name), "._"+filepath.Base(f.name))
			}
		},
	}
	for name, files := range all {
		dir := t.TempDir()
		unpack(t, filepath.Join(dir, name), files...)
		want, err := Open(t.Context(), name, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range slices.Sorted(maps.Keys(changes)) {
			if name == "obs" && change == "suffixes" {
				continue // any case always was fine
			}
			dir := t.TempDir()
			changes[change](files, filepath.Join(dir, name))
			got, err := Open(t.Context(), name, Options{Dir: dir})
			if err != nil {
				t.Errorf("%s, %s: %v", name, change, err)
				continue
			}
			got.Provenance.Content, got.Provenance.Source = want.Provenance.Content, want.Provenance.Source
			if !same(got, want) {
				t.Errorf("%s, %s: %v, want %v, or other samples", name, change, got.Provenance,
					want.Provenance)
			}
		}
	}
}

// A recording behind a link that leads nowhere is a bad one.
func TestDanglingRecording(t *testing.T) {
	dir := t.TempDir()
	unpack(t, filepath.Join(dir, "us8k"), noisy()...)
	link(t, "/nowhere/at/all.wav", dir, "us8k", "audio", "fold1", "1-1-0-0.wav")
	said := outcome(Open(t.Context(), "us8k", Options{Dir: dir}))
	if !strings.Contains(said, "1 recordings left out: fold1/1-1-0-0.wav (a link to what is not there)") {
		t.Error(said)
	}
}

// The case of an archive's suffix is of no matter, nor are folders around it.
func TestArchiveNames(t *testing.T) {
	archive := zipped(t, under("ESC-50-master/audio", esc10Recordings())...)
	for _, name := range []string{"MASTER.ZIP", "esc-50.Zip", "downloads/master.zip"} {
		d, err := openFiles(t, "esc10", file{name, archive})
		if err != nil || d.Provenance.Train != 6 {
			t.Errorf("%s: %s", name, outcome(d, err))
		}
	}
}

// Spreadsheets put a mark before a table.
func TestTablesWithMark(t *testing.T) {
	mark := func(files []file) []file {
		files = slices.Clone(files)
		for i, f := range files {
			if strings.HasSuffix(f.name, ".csv") {
				files[i].data = append([]byte("\ufeff"), f.data...)
			}
		}
		return files
	}
	all := originals(t)
	for _, name := range []string{"gtsrb", "hhar"} {
		want, err := openFiles(t, name, all[name]...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openFiles(t, name, mark(all[name])...)
		if err != nil {
			t.Error(err)
			continue
		}
		if got.Provenance.Content = want.Provenance.Content; !same(got, want) {
			t.Errorf("%s: %v, want %v", name, got.Provenance, want.Provenance)
		}
	}
}

// A downloader leaves the tree beside archives of which one has another name.
func TestGTSRBTreeBesideArchives(t *testing.T) {
	train, test, truth := gtsrbFiles()
	archives := []file{{"GTSRB-Training_fixed.zip", zipped(t, train...)},
		{gtsrbArchives[1], zipped(t, test...)}, {gtsrbArchives[2], zipped(t, truth...)}}
	for i := range train {
		train[i].name = strings.Replace(train[i].name, "Final_Training/Images", "Training", 1)
	}
	d, err := openFiles(t, "gtsrb", slices.Concat(archives, train, test, truth)...)
	said := outcome(d, err)
	if err != nil || d.Provenance.Train != 5 || d.Provenance.Test != 2 ||
		!strings.Contains(said, "unpacked files") ||
		!strings.Contains(said, "2 of 9 pictures in the tables are not there") {
		t.Error(said)
	}
}

// Names of idx files as programs unpack them, and a file in a folder of its name.
func TestIDXOtherNames(t *testing.T) {
	contents := [][]byte{square(3, 51), {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3}, square(1, 255),
		{0, 0, 8, 1, 0, 0, 0, 1, 5}}
	for _, rename := range []func(string) string{
		func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) },
		func(name string) string { return strings.ReplaceAll(name, "-", "_") },
		func(name string) string { return "MNIST/raw/" + name },
		func(name string) string { return name + "/" + name },
	} {
		var files []file
		for i, name := range idxFiles {
			files = append(files, file{rename(name), contents[i]})
		}
		d, err := openFiles(t, "mnist", files...)
		if err != nil || d.Provenance.Train != 3 || strings.Contains(d.Provenance.Source, "GoMNIST") {
			t.Errorf("%s: %s", files[0].name, outcome(d, err))
		}
	}
}

// What is in the folder of MNIST and is not read is said.
func TestMNISTFolderNotUsed(t *testing.T) {
	dir := t.TempDir()
	write(t, square(3, 51), dir, "mnist", "pictures")
	said := outcome(Open(t.Context(), "mnist", Options{Dir: dir, MaxTrain: 100, MaxTest: 10}))
	if !strings.Contains(said, "GoMNIST") || !strings.Contains(said, "not from its folder: "+dir) {
		t.Error(said)
	}
}

// A folder without files is no folder; one with others is not passed over.
func TestEmptyFolder(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":     {"", "stand-in: "},
		"a part":    {"master.zip.part", "stand-in: "},
		"hidden":    {".DS_Store", "stand-in: "},
		"a folder":  {"audio/.keep", "stand-in: "},
		"something": {"master.zip.download", "expected master.zip"},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "esc10"), 0o777); err != nil {
			t.Fatal(err)
		}
		if c.file != "" {
			write(t, nil, dir, "esc10", filepath.FromSlash(c.file))
		}
		said := outcome(Open(t.Context(), "esc10", Options{Dir: dir, StandInTrain: 70, StandInTest: 35}))
		empty := strings.Contains(said, "the folder esc10 of the data directory has no files")
		if !strings.Contains(said, c.want) || empty != (c.want == "stand-in: ") {
			t.Errorf("%s: %s", name, said)
		}
	}
	dir := t.TempDir()
	write(t, nil, dir, "gsc", "x")
	link(t, "nothing", dir, "esc10")
	said := outcome(Open(t.Context(), "esc10", Options{Dir: dir}))
	if !strings.Contains(said, "esc10: a link to nothing, which is not there") {
		t.Errorf("a link that leads nowhere: %s", said)
	}
}

// Pictures as bytes are divided by 255, in whatever way NumPy writes arrays.
func TestPictureArrays(t *testing.T) {
	pixels := make([]byte, 2*3072)
	for i := range pixels {
		pixels[i] = byte(i)
	}
	hot := make([]byte, 20)
	hot[1], hot[10] = 1, 1
	files := map[string][]byte{
		"cifar10_train_data.npy":  npyFile("|u1", false, "(2L, 32L, 32L, 3L)", pixels),
		"cifar10_train_label.npy": npyFile(">i2", false, "(2, 1)", []byte{0, 7, 0, 3}),
		"cifar10_test_data.npy":   npyFile("|u1", true, "(2, 3072)", pixels),
		"cifar10_test_label.npy":  npyFile("|b1", false, "(2, 10)", hot),
	}
	s, err := loadFresh(t, entryOf("cifar10"), writeArrays(t, t.TempDir(), files))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Train.Labels, []int32{7, 3}) || !slices.Equal(s.Test.Labels, []int32{1, 0}) {
		t.Errorf("labels %v and %v", s.Train.Labels, s.Test.Labels)
	}
	train, test := values(s.Train), values(s.Test)
	for i, b := range pixels {
		if turned := i%2*3072 + i/2; train[i] != float32(b)/255 || test[turned] != float32(b)/255 {
			t.Fatalf("value %d: %v and %v, want %d / 255", i, train[i], test[turned], b)
		}
	}
	for _, shape := range []string{"(2, 3, 32, 32)", "(2, 32, 3, 32)", "(2, 1024, 3, 1)"} {
		files["cifar10_train_data.npy"] = npyFile("<f4", false, shape, bytes.Repeat(pixels[:4], len(pixels)))
		said := outcome(loadFresh(t, entryOf("cifar10"), writeArrays(t, t.TempDir(), files)))
		if !strings.Contains(said, "expected samples of shape [32 32 3] or of 3072 values") {
			t.Errorf("shape %s: %s", shape, said)
		}
	}
}
