package datasets

import (
	"fmt"
	"io"
	"slices"

	"weightsep/datasets/archive"
	"weightsep/datasets/mat5"
	"weightsep/datasets/prepared"
)

const (
	svhnSide     = 32
	svhnChannels = 3
	svhnPlane    = svhnSide * svhnSide
	svhnImage    = svhnPlane * svhnChannels
	svhnTrain    = "train_32x32.mat"
	svhnTest     = "test_32x32.mat"
	svhnMost     = 1 << 20 // images of a file; the original's largest, extra_32x32.mat, has 531,131
)

// svhnForm finds Street View House Numbers, cropped digits: 73,257 and 26,032 colour images
// of 32x32, bytes / 255, in the order height, width, channel.
//
// Source: http://ufldl.stanford.edu/housenumbers/, train_32x32.mat and test_32x32.mat.
func svhnForm(folder string) (form, error) {
	files, err := findAll(folder, []string{svhnTrain, svhnTest}, "")
	return form{name: "svhn", version: 1, files: files, bytes: true,
		provenance: Provenance{Source: svhnTrain + ", " + svhnTest, TrainOf: 73257, TestOf: 26032},
		load: loadHalves(files, func(r *recorder, files []string, part prepared.Part) error {
			if err := addDigits(r, files[0], part); err != nil {
				return fmt.Errorf("%s: %w", files[0], err)
			}
			return nil
		})}, err
}

// addDigits adds the images of a file, whose arrays are X [32, 32, 3, n] uint8 and
// y [n, 1], 1 to 10, 10 being the digit 0.
func addDigits(r *recorder, file string, part prepared.Part) error {
	f, err := archive.Open(r.ctx, file, r.read)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := mat5.NewReader(f, svhnMost*svhnImage)
	if err != nil {
		return err
	}
	first, images := len(r.Samples()), -1
	var labels []float64
	for {
		a, err := m.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case a.Name == "X" && images < 0:
			if images, err = addImages(a, part, r); err != nil {
				return fmt.Errorf("array X, image %d: %w", len(r.Samples())-first, err)
			}
		case a.Name == "y" && labels == nil:
			if !a.Readable() || a.Len() > svhnMost {
				return fmt.Errorf("array y: expected at most %d real numbers, found %v of class %v",
					svhnMost, a.Dims, a.Class)
			}
			labels = make([]float64, a.Len())
			if err := a.Float64s(labels); err != nil {
				return fmt.Errorf("array y: %w", err)
			}
		case a.Name == "X" || a.Name == "y":
			return fmt.Errorf("expected array %s once, found it twice", a.Name)
		}
	}
	if images < 0 || labels == nil {
		return fmt.Errorf("expected the arrays X and y")
	}
	if len(labels) != images {
		return fmt.Errorf("array y: expected %d labels, one for each image of X, found %d", images,
			len(labels))
	}
	for i, y := range labels {
		if y != float64(int(y)) || y < 1 || y > 10 {
			return fmt.Errorf("array y: label %d: expected 1 to 10, found %v", i, y)
		}
		r.Samples()[first+i].Label = int32(y) % 10
	}
	return nil
}

// addImages adds the images of X, without their labels, which may come later.
func addImages(a *mat5.Array, part prepared.Part, r *recorder) (n int, err error) {
	if len(a.Dims) == 3 { // MATLAB drops a last dimension of 1
		a.Dims = append(a.Dims, 1)
	}
	if len(a.Dims) != 4 || !slices.Equal(a.Dims[:3], []int{svhnSide, svhnSide, svhnChannels}) ||
		!a.Readable() {
		return 0, fmt.Errorf("expected numbers [32 32 3 n], found %v of class %v", a.Dims, a.Class)
	}
	n = a.Dims[3]
	columns, image := make([]float64, svhnImage), make([]byte, svhnImage)
	for i := range n {
		if err := a.Float64s(columns); err != nil {
			return 0, err
		}
		for c := range svhnChannels {
			for x := range svhnSide {
				for y := range svhnSide {
					v := columns[c*svhnPlane+x*svhnSide+y]
					if v != float64(uint8(v)) {
						return 0, fmt.Errorf("expected whole numbers from 0 to 255, found %v", v)
					}
					image[(y*svhnSide+x)*svhnChannels+c] = uint8(v)
				}
			}
		}
		if err := r.addAt(part, i, 0, image); err != nil {
			return 0, err
		}
	}
	return n, nil
}
