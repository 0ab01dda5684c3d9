package datasets

import (
	"errors"
	"fmt"
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
	svhnMost     = 2 << 30 // bytes of a file; the original's largest, extra_32x32.mat, unfolds to 1.6e9
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
	arrays, err := mat5.Read(f, svhnMost)
	if err != nil {
		return err
	}
	found := map[string]*mat5.Array{}
	for i, a := range arrays {
		if (a.Name == "X" || a.Name == "y") && found[a.Name] != nil {
			return fmt.Errorf("expected array %s once, found it twice", a.Name)
		}
		found[a.Name] = &arrays[i]
	}
	x, y := found["X"], found["y"]
	if x == nil || y == nil {
		return errors.New("expected the arrays X and y")
	}
	dims := x.Dims
	if len(dims) == 3 { // MATLAB drops a last dimension of 1
		dims = append(dims, 1)
	}
	if len(dims) != 4 || !slices.Equal(dims[:3], []int{svhnSide, svhnSide, svhnChannels}) || !x.Readable() {
		return fmt.Errorf("array X: expected numbers [32 32 3 n], found %v of class %v", x.Dims, x.Class)
	}
	if !y.Readable() {
		return fmt.Errorf("array y: expected real numbers, found %v of class %v", y.Dims, y.Class)
	}
	if y.Len() != dims[3] {
		return fmt.Errorf("array y: expected %d labels, one for each image of X, found %d", dims[3], y.Len())
	}
	image := make([]byte, svhnImage)
	for i := range dims[3] {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		label := y.At(i)
		if label != float64(int(label)) || label < 1 || label > 10 {
			return fmt.Errorf("array y: label %d: expected 1 to 10, found %v", i, label)
		}
		for at := range image { // by row, column and channel
			row, column, c := at/svhnChannels/svhnSide, at/svhnChannels%svhnSide, at%svhnChannels
			v := x.At(i*svhnImage + c*svhnPlane + column*svhnSide + row)
			if v != float64(uint8(v)) {
				return fmt.Errorf("array X, image %d: expected whole numbers from 0 to 255, found %v", i, v)
			}
			image[at] = uint8(v)
		}
		if err := r.addAt(part, i, int32(label)%10, image); err != nil {
			return err
		}
	}
	return nil
}
