package datasets

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"image"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/picture"
	"weightsep/datasets/prepared"
)

const obsHeight, obsWidth = 45, 80

// obsClasses are in the order of the original's trained network, found by scoring it.
var obsClasses = []string{"Right", "Forward", "Stop", "Left"}

// obsLimits bounds the folder: pictures have some 15 KB.
var obsLimits = archive.Limits{File: 16 << 20}

// obsForm finds Dynamic Obstacle Avoidance (by varunverlencar), the direction to steer in
// front of an obstacle: colour pictures of 320x180, made grey and resized to 80x45 (see
// package picture), bytes / 255.
//
// Source: a folder of pictures for each class, at any depth. The pictures of one video,
// told by the names, are a group. The test split is ours: a fifth of the videos of each
// class, chosen by a hash of their names.
func obsForm(folder string) (form, error) {
	var found bool
	err := archive.Walk(context.Background(), folder, obsLimits, func(f archive.File) error {
		if _, found, _ = obsSample(f.Name); found {
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: expected folders %s of .jpg or .png pictures: %w", folder,
			strings.Join(obsClasses, ", "), errNoFiles)
	}
	pixels := func(_ prepared.Sample, img image.Image) ([]byte, error) {
		return picture.Resize(picture.Luma(img), obsWidth, obsHeight).Pix, nil
	}
	return form{name: "obs", version: 2, sorted: true, files: []string{folder}, bytes: true,
		load: func(r *recorder) error {
			pictures := media{"pictures", folder, obsLimits, obsSample, nil, pictureDecoder(pixels)}
			_, err := pictures.add(r)
			r.provenance.Source = fmt.Sprintf("pictures of %d videos", splitVideos(r.Samples()))
			return err
		}}, err
}

// obsFrame parts a name such as Left_bg2_obj5-100103 into video and frame number.
var obsFrame = regexp.MustCompile(`^(.*_obj\d(?:-\d)?)(\d{5})?$`)

// obsSample says what a file is by its name: CLASS/VIDEO[FRAME].jpg.
func obsSample(name string) (prepared.Sample, bool, error) {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	folder := path.Base(path.Dir(name))
	class := slices.IndexFunc(obsClasses, func(c string) bool { return strings.EqualFold(c, folder) })
	if class < 0 || ext != ".jpg" && ext != ".jpeg" && ext != ".png" {
		return prepared.Sample{}, false, nil
	}
	video := strings.TrimSuffix(base, path.Ext(base))
	if m := obsFrame.FindStringSubmatch(video); m != nil {
		video = m[1]
	}
	return prepared.Sample{Name: obsClasses[class] + "/" + base, Label: int32(class),
		Group: obsClasses[class] + "/" + strings.ToLower(video)}, true, nil
}

// splitVideos puts a fifth of each class's videos into the test split, at least one if
// there are two. It returns the number of videos.
func splitVideos(all []prepared.Sample) int {
	hashes := map[string]uint64{}
	videos := make([][]string, len(obsClasses))
	for _, s := range all {
		if _, seen := hashes[s.Group]; !seen {
			h := fnv.New64a()
			io.WriteString(h, s.Group)
			hashes[s.Group] = mix(h.Sum64())
			videos[s.Label] = append(videos[s.Label], s.Group)
		}
	}
	test := map[string]bool{}
	for _, of := range videos {
		slices.SortFunc(of, func(a, b string) int {
			return cmp.Or(cmp.Compare(hashes[a], hashes[b]), strings.Compare(a, b))
		})
		if len(of) > 1 {
			for _, v := range of[:max(1, len(of)/5)] {
				test[v] = true
			}
		}
	}
	for i := range all {
		if test[all[i].Group] {
			all[i].Part = prepared.Test
		}
	}
	return len(hashes)
}
