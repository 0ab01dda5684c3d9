package datasets

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/picture"
	"weightsep/datasets/prepared"
)

var gtsrbClasses = []string{
	"speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70",
	"speed limit 80", "end of speed limit 80", "speed limit 100", "speed limit 120",
	"no passing", "no passing for trucks", "right of way at the next crossing",
	"priority road", "yield", "stop", "no vehicles", "no trucks", "no entry",
	"general caution", "curve to the left", "curve to the right", "double curve",
	"bumpy road", "slippery road", "road narrows on the right", "road works",
	"traffic signals", "pedestrians", "children crossing", "bicycles crossing",
	"ice or snow", "wild animals", "end of all limits", "turn right ahead",
	"turn left ahead", "ahead only", "straight or right", "straight or left",
	"keep right", "keep left", "roundabout", "end of no passing",
	"end of no passing for trucks",
}

const (
	gtsrbSide  = 32
	gtsrbTruth = "GT-final_test.csv"
)

// gtsrbArchives are the original's files.
var gtsrbArchives = []string{"GTSRB_Final_Training_Images.zip", "GTSRB_Final_Test_Images.zip",
	"GTSRB_Final_Test_GT.zip"}

// gtsrbForm finds the German traffic sign benchmark, 43 classes: 39,209 and 12,630 colour
// pictures, cut to the sign, made grey, resized to 32x32 and of one contrast (see package
// picture).
//
// Source: https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/, three
// zip archives, or if not all of them are there the tree GTSRB unpacked from them. Any of the
// pictures may be missing. The pictures of one physical sign, a track, are a group.
func gtsrbForm(folder string) (form, error) {
	source := "three archives"
	files, err := findAll(folder, gtsrbArchives, "")
	if err != nil {
		// Some of the archives may be left beside the tree.
		found := func(tree string) bool { return lookup(folder, tree) != "" }
		if !slices.ContainsFunc([]string{"GTSRB", "Final_Training", "Training"}, found) {
			return form{}, fmt.Errorf("%w, nor the tree GTSRB unpacked from them", err)
		}
		files, source, err = []string{folder}, "unpacked files", nil
	}
	return form{name: "gtsrb", version: 1, sorted: true, bytes: true, files: files,
		provenance: Provenance{Source: source, TrainOf: 39209, TestOf: 12630},
		load:       func(r *recorder) error { return loadSigns(r, files) }}, err
}

// loadSigns reads the tables of the files, then the pictures.
func loadSigns(r *recorder, files []string) error {
	signs, err := gtsrbSigns(r.ctx, files)
	if err != nil {
		return err
	}
	pixels := func(s prepared.Sample, img image.Image) ([]byte, error) {
		cut, err := picture.Crop(img, signs[s.Name].bounds)
		if err != nil {
			return nil, err
		}
		return picture.Contrast(picture.Resize(picture.Luma(cut), gtsrbSide, gtsrbSide)).Pix, nil
	}
	for _, p := range files {
		all := media{kind: "pictures", path: p, limits: gtsrbLimits, sample: signs.sample,
			decode: pictureDecoder(pixels)}
		if _, err := all.add(r); err != nil {
			return err
		}
	}
	absent := 0
	for name := range signs {
		if r.seen[name] == "" {
			absent++
		}
	}
	if absent > 0 {
		r.provenance.note(fmt.Sprintf("%d of %d pictures in the tables are not there", absent, len(signs)))
	}
	return nil
}

// gtsrbLimits bounds the archives: the original's largest picture has 200 KB, all have
// 480 MB.
var gtsrbLimits = archive.Limits{File: 16 << 20, Total: 4 << 30}

// sign is what a table says of a picture.
type sign struct {
	bounds image.Rectangle
	class  int
}

// signs has the signs of pictures by the names of their samples.
type signs map[string]sign

// gtsrbSigns reads the tables GT-00000.csv to GT-00042.csv, beside the pictures of a
// class, and the test pictures' own.
func gtsrbSigns(ctx context.Context, files []string) (signs, error) {
	signs := signs{}
	for _, p := range files {
		err := archive.Walk(ctx, p, gtsrbLimits, func(f archive.File) error {
			dir, base := path.Split(f.Name)
			switch {
			case strings.EqualFold(base, gtsrbTruth):
				return readSigns(f, "test/", signs)
			case strings.EqualFold(base, "GT-"+path.Base(dir)+".csv"):
				return readSigns(f, path.Base(dir)+"/", signs)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return signs, nil
}

// readSigns reads a table, with semicolons between its columns.
func readSigns(r io.Reader, prefix string, signs signs) error {
	t, err := openTable(r, ';', "Filename", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")
	if err != nil {
		return err
	}
	return t.each(func() error {
		number := func(column int) int { return int(t.number(column, 0, picture.MaxPixels, true)) }
		// The table's corners are both in the sign.
		s := sign{class: number(5), bounds: image.Rectangle{
			Min: image.Pt(number(1), number(2)), Max: image.Pt(number(3)+1, number(4)+1)}}
		switch {
		case t.err != nil:
			return t.err
		case s.bounds.Empty():
			return fmt.Errorf("expected the sign's upper left and lower right corner, found %v and %v",
				s.bounds.Min, s.bounds.Max.Sub(image.Pt(1, 1)))
		case s.class >= len(gtsrbClasses):
			return fmt.Errorf("ClassId: expected 0 to %d, found %d", len(gtsrbClasses)-1, s.class)
		}
		signs[prefix+path.Base(slashed(t.at(0)))] = s
		return nil
	})
}

// sample returns what is known of a picture by its name, which ends in 00001/00000_00002.ppm
// or is that of a test picture, 00003.ppm.
func (all signs) sample(name string) (prepared.Sample, bool, error) {
	if name = strings.ToLower(name); path.Ext(name) != ".ppm" {
		return prepared.Sample{}, false, nil
	}
	class, file := path.Base(path.Dir(name)), path.Base(name)
	test := len(class) != 5 || strings.Trim(class, "0123456789") != ""
	if test {
		class = "test"
	}
	key := class + "/" + file
	s, ok := all[key]
	if !ok {
		return prepared.Sample{}, false, errors.New("no table has a line for this picture")
	}
	if test {
		return prepared.Sample{Name: key, Label: int32(s.class), Part: prepared.Test}, true, nil
	}
	track, _, ok := strings.Cut(file, "_")
	if !ok {
		return prepared.Sample{}, false, errors.New("expected a name such as 00000_00002.ppm, track " +
			"and number")
	}
	return prepared.Sample{Name: key, Label: int32(s.class), Group: class + "/" + track}, true, nil
}
