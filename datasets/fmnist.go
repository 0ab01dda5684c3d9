package datasets

// fmnist is Fashion-MNIST, articles of clothing: 60,000 and 10,000 images of 28x28,
// bytes / 255.
//
// Source: http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/, four idx files.
func fmnist() entry {
	return entry{
		name:    "fmnist",
		shape:   [3]int{28, 28, 1},
		classes: 10,
		classNames: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
			"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
		files: mnistForm,
	}
}
