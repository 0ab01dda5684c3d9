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

// obs is Dynamic Obstacle Avoidance (by varunverlencar), the direction to steer in
// front of an obstacle: colour pictures of 320x180, made grey and resized to 80x45 (see
// package picture), bytes / 255.
//
// Source: a folder of pictures for each class, at any depth. The pictures of one video,
// told by the names, are a group. The test split is ours: a fifth of the videos of each
// class, chosen by a hash of their names.
func obs() entry {
	return entry{
		name:       "obs",
		shape:      [3]int{obsHeight, obsWidth, 1},
		classes:    len(obsClasses),
		classNames: obsClasses,
		files:      obsForm,
	}
}

const obsHeight, obsWidth = 45, 80

// obsClasses are in the order of the original's trained network, found by scoring it.
var obsClasses = []string{"Right", "Forward", "Stop", "Left"}

// obsLimits bounds the folder: pictures have some 15 KB.
var obsLimits = archive.Limits{File: 16 << 20}

func obsForm(folder string) (form, error) {
	var found bool
	err := archive.Walk(context.Background(), folder, obsLimits, func(f archive.File) error {
		if _, ok := obsSample(f.Name); ok {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		return form{}, err
	}
	if !found {
		return form{}, fmt.Errorf("%s: expected folders %s of .jpg or .png pictures: %w",
			folder, strings.Join(obsClasses, ", "), errNoFiles)
	}
	return form{name: "obs", version: 1, sorted: true, files: []string{folder}, bytes: true,
		load: func(ctx context.Context, r *recorder) (Provenance, error) {
			all := media{path: folder, limits: obsLimits,
				sample: func(name string) (prepared.Sample, bool, error) {
					s, ok := obsSample(name)
					return s, ok, nil
				},
				newDecoder: pictureDecoder(func(_ prepared.Sample, img image.Image) ([]byte, error) {
					return picture.Resize(picture.Luma(img), obsWidth, obsHeight).Pix, nil
				}),
			}
			if _, _, err := all.add(ctx, r); err != nil {
				return Provenance{}, err
			}
			videos := splitVideos(r.Samples())
			return Provenance{Kind: Real, Source: fmt.Sprintf("pictures of %d videos", videos)}, nil
		}}, nil
}

// obsFrame parts a name such as Left_bg2_obj5-100103 into video and frame number.
var obsFrame = regexp.MustCompile(`^(.*_obj\d(?:-\d)?)(\d{5})?$`)

// obsSample says what a file is by its name: CLASS/VIDEO[FRAME].jpg.
func obsSample(name string) (prepared.Sample, bool) {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	class := slices.IndexFunc(obsClasses, func(c string) bool {
		return strings.EqualFold(c,
			path.Base(path.Dir(name)))
	})
	if class < 0 || ext != ".jpg" && ext != ".jpeg" && ext != ".png" {
		return prepared.Sample{}, false
	}
	video := strings.TrimSuffix(base, path.Ext(base))
	if m := obsFrame.FindStringSubmatch(video); m != nil {
		video = m[1]
	}
	return prepared.Sample{Name: name, Label: int32(class),
		Group: obsClasses[class] + "/" + strings.ToLower(video)}, true
}

// splitVideos puts a fifth of each class's videos into the test split, at least one if
// there are two. It returns the number of videos.
func splitVideos(all []prepared.Sample) int {
	type video struct {
		name string
		hash uint64
	}
	seen := map[string]bool{}
	videos := make([][]video, len(obsClasses))
	for _, s := range all {
		if !seen[s.Group] {
			seen[s.Group] = true
			h := fnv.New64a()
			io.WriteString(h, s.Group)
			videos[s.Label] = append(videos[s.Label], video{s.Group, mix(h.Sum64())})
		}
	}
	test := map[string]bool{}
	for _, of := range videos {
		slices.SortFunc(of, func(a, b video) int {
			return cmp.Or(cmp.Compare(a.hash, b.hash),
				strings.Compare(a.name, b.name))
		})
		if len(of) > 1 {
			for _, v := range of[:max(1, len(of)/5)] {
				test[v.name] = true
			}
		}
	}
	for i := range all {
		if test[all[i].Group] {
			all[i].Part = prepared.Test
		}
	}
	return len(seen)
}
