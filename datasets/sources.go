package datasets

import (
	"fmt"
	"strings"
)

// Source is one of the files that a dataset's authors publish. Open expects it in
// the dataset's folder under the name File.
type Source struct {
	File   string   // name in the dataset's folder
	URLs   []string // where it is published, the best mirror first
	MD5    string   // in hex; empty if not known, or if SHA256 is
	SHA256 string   // in hex; empty if not known
	Size   int64    // in bytes; 0 if not known
}

// Sources returns the files of the named dataset that can be had from the network,
// none for obs: its folder of images per class has no lasting address. Those of
// mnist are for users who want the originals, Open does without.
//
// It is an error if the name is not one of [Names].
func Sources(name string) ([]Source, error) {
	files, ok := published()[name]
	if !ok {
		return nil, fmt.Errorf("datasets: unknown dataset %q: want one of %s",
			name, strings.Join(Names(), ", "))
	}
	return files, nil
}

// published lists the files by dataset. The sums and sizes are those that the
// authors give, or that several users of the files agree on.
func published() map[string][]Source {
	return map[string][]Source{
		"cifar10": {{
			File: "cifar-10-binary.tar.gz",
			URLs: []string{
				"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
				"https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
			},
			SHA256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
			Size:   170052171,
		}},
		"mnist": on([]string{
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
		}, []Source{
			{File: "train-images-idx3-ubyte.gz", Size: 9912422,
				SHA256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
			{File: "train-labels-idx1-ubyte.gz", Size: 28881,
				SHA256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
			{File: "t10k-images-idx3-ubyte.gz", Size: 1648877,
				SHA256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
			{File: "t10k-labels-idx1-ubyte.gz", Size: 4542,
				SHA256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
		}),
		"fmnist": on([]string{
			"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
			"https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
			"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
		}, []Source{
			{File: "train-images-idx3-ubyte.gz", Size: 26421880,
				SHA256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
			{File: "train-labels-idx1-ubyte.gz", Size: 29515,
				SHA256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
			{File: "t10k-images-idx3-ubyte.gz", Size: 4422102,
				SHA256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
			{File: "t10k-labels-idx1-ubyte.gz", Size: 5148,
				SHA256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
		}),
		"gtsrb": on([]string{
			"https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/",
		}, []Source{
			{File: "GTSRB_Final_Training_Images.zip", Size: 276294756,
				SHA256: "d32ac4b5fa9a1cbd1994768413902e8193599d9434cf0a8eb9cfd00a6d3a290c"},
			{File: "GTSRB_Final_Test_Images.zip", Size: 88978620,
				SHA256: "48ba6fab7e877eb64eaf8de99035b0aaecfbc279bee23e35deca4ac1d0a837fa"},
			{File: "GTSRB_Final_Test_GT.zip", Size: 99620,
				SHA256: "f94e5a7614d75845c74c04ddb26b8796b9e483f43541dd95dd5b726504e16d6d"},
		}),
		"svhn": on([]string{
			"http://ufldl.stanford.edu/housenumbers/",
		}, []Source{
			{File: "train_32x32.mat", Size: 182040794,
				SHA256: "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"},
			{File: "test_32x32.mat", Size: 64275384,
				SHA256: "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"},
		}),
		"obs": nil,
		"gsc": {{
			File: "speech_commands_v0.02.tar.gz",
			URLs: []string{
				"https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
				"http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
			},
			SHA256: "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
			Size:   2428923189,
		}},
		// The first address packs a branch anew when asked, so its bytes may change
		// and a size is not given; the second keeps a copy of those with this sum.
		"esc10": {{
			File: "master.zip",
			URLs: []string{
				"https://github.com/karoldvl/ESC-50/archive/master.zip",
				"https://paddleaudio.bj.bcebos.com/datasets/ESC-50-master.zip",
			},
			MD5: "7771e4b9d86d0945acce719c7a59305a",
		}},
		"us8k": {{
			File: "UrbanSound8K.tar.gz",
			URLs: []string{
				"https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz",
				"https://zenodo.org/record/1203745/files/UrbanSound8K.tar.gz",
			},
			MD5:  "9aa69802bbf37fb986f71ec1483a196e",
			Size: 6023741708,
		}},
		"hhar": {{
			File: "Activity recognition exp.zip",
			URLs: []string{
				"https://archive.ics.uci.edu/ml/machine-learning-databases/00344/Activity%20recognition%20exp.zip",
			},
			SHA256: "d4c0c53b195b523859bf71f5a349d164c7a604a321ff6b0972fbed6e03b46582",
		}},
	}
}

// on fills in the addresses of files that lie under their own names on mirrors.
func on(mirrors []string, files []Source) []Source {
	for i := range files {
		for _, m := range mirrors {
			files[i].URLs = append(files[i].URLs, m+files[i].File)
		}
	}
	return files
}
