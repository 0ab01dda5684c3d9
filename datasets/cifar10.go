package datasets

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/prepared"
)

var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer",
	"dog", "frog", "horse", "ship", "truck"}

// A record is a label and an image, channel by channel.
const (
	cifarPlane  = 32 * 32
	cifarImage  = cifarPlane * 3
	cifarRecord = 1 + cifarImage
)

const cifarArchive = "cifar-10-binary.tar.gz"

// cifarBatches are the files in the order of the samples, the test batch last.
var cifarBatches = [...]string{
	"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
	"data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
}

// cifarForm finds CIFAR-10, colour photographs: 50,000 and 10,000 images of 32x32, bytes
// / 255, in the order height, width, channel.
//
// Source: https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz or, if it is not there,
// the files unpacked from it, in the archive's own folder or in the dataset's. Any of the
// five training batches may be missing, the test batch may not.
func cifarForm(folder string) (form, error) {
	root, source, err := findRoot(folder, cifarArchive+" or data_batch_*.bin and test_batch.bin",
		[]string{cifarArchive}, cifarBatches[:]...)
	f := form{name: "binary", version: 1, bytes: true, files: []string{root},
		provenance: Provenance{TrainOf: 50000, TestOf: 10000},
		load:       func(r *recorder) error { return loadCIFAR(r, root, source) }}
	if err == nil && source != cifarArchive {
		f.name, f.files = "unpacked binary", nil
		for _, name := range cifarBatches {
			if p := lookupFile(root, name); p != "" {
				f.files = append(f.files, p)
			}
		}
	}
	return f, err
}

// loadCIFAR reads the batches of the archive or directory at root as they come. The names
// of the samples put them in order.
func loadCIFAR(r *recorder, root, source string) error {
	const test = len(cifarBatches) - 1
	var found [len(cifarBatches)]bool
	limits := archive.Limits{File: 64 << 20, Total: 512 << 20, Read: r.read} // the original's: 31 and 184 MB
	err := archive.Walk(r.ctx, root, limits, func(f archive.File) error {
		name := plain(path.Base(f.Name))
		batch := slices.IndexFunc(cifarBatches[:], func(b string) bool { return plain(b) == name })
		if batch < 0 {
			return nil
		}
		if found[batch] {
			return fmt.Errorf("expected %s once, found twice", cifarBatches[batch])
		}
		found[batch] = true
		part := prepared.Train
		if batch == test {
			part = prepared.Test
		}
		return addCIFARBatch(r, f, part, batch)
	})
	if err != nil {
		return err
	}
	if !found[test] {
		return fmt.Errorf("%s: expected %s, not found", root, cifarBatches[test])
	}
	if !slices.Contains(found[:test], true) {
		return fmt.Errorf("%s: expected at least one of data_batch_1.bin to "+
			"data_batch_5.bin", root)
	}
	var names []string
	for batch, ok := range found {
		if ok {
			names = append(names, strings.TrimSuffix(cifarBatches[batch], ".bin"))
		}
	}
	r.provenance.Source = source + ": " + strings.Join(names, ", ")
	return nil
}

// addCIFARBatch adds the samples of a batch.
func addCIFARBatch(r *recorder, f archive.File, part prepared.Part, batch int) error {
	if f.Size <= 0 || f.Size%cifarRecord != 0 {
		return fmt.Errorf("expected records of %d bytes, found %d bytes, %d too many",
			cifarRecord, f.Size, f.Size%cifarRecord)
	}
	record, image := make([]byte, cifarRecord), make([]byte, cifarImage)
	for i := range f.Size / cifarRecord {
		if _, err := io.ReadFull(f, record); err != nil {
			return err
		}
		if int(record[0]) >= r.Classes {
			return fmt.Errorf("label %d: expected 0 to %d, found %d", i, r.Classes-1, record[0])
		}
		for k, v := range record[1:] { // from channel, height, width to height, width, channel
			image[k%cifarPlane*3+k/cifarPlane] = v
		}
		if err := r.addAt(part, batch*1_000_000+int(i), int32(record[0]), image); err != nil {
			return err
		}
	}
	return nil
}
