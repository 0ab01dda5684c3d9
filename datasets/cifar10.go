package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/archive"
)

// cifar10 is CIFAR-10, colour photographs: 50,000 and 10,000 images of 32x32, bytes
// / 255, in the order height, width, channel.
//
// Source: https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, or the files
// unpacked from it. Any of the five training batches may be missing, the test batch
// may not.
func cifar10() entry {
	return entry{
		name:    "cifar10",
		shape:   [3]int{cifarSide, cifarSide, cifarChannels},
		classes: cifarClasses,
		classNames: []string{"airplane", "automobile", "bird", "cat", "deer",
			"dog", "frog", "horse", "ship", "truck"},
		files: cifarForm,
	}
}

// A record is a label and an image, channel by channel.
const (
	cifarSide     = 32
	cifarChannels = 3
	cifarClasses  = 10
	cifarPlane    = cifarSide * cifarSide
	cifarImage    = cifarPlane * cifarChannels
	cifarRecord   = 1 + cifarImage
)

const cifarArchive = "cifar-10-binary.tar.gz"

// cifarBatches are the files in the order of the samples, the test batch last.
var cifarBatches = [...]string{
	"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
	"data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
}

// cifarFiles holds the batches that were found, by their place in cifarBatches.
type cifarFiles [len(cifarBatches)]*Split

// cifarForm finds the archive or, if there is none, the unpacked files, in the
// archive's own folder or in the dataset's.
func cifarForm(folder string) (form, error) {
	f := form{version: 1, bytes: true}
	if path := filepath.Join(folder, cifarArchive); isFile(path) {
		f.name, f.files = "binary", []string{path}
		f.load = func(ctx context.Context, r *recorder) (Provenance, error) {
			files, err := loadCIFARArchive(ctx, path, r.read)
			if err != nil {
				return Provenance{}, err
			}
			return files.record(path, cifarArchive, r)
		}
		return f, nil
	}
	for _, dir := range []string{filepath.Join(folder, "cifar-10-batches-bin"), folder} {
		var paths [len(cifarBatches)]string
		for i, name := range cifarBatches {
			if path := filepath.Join(dir, name); isFile(path) {
				paths[i] = path
				f.files = append(f.files, path)
			}
		}
		if f.files == nil {
			continue
		}
		f.name = "unpacked binary"
		f.load = func(ctx context.Context, r *recorder) (Provenance, error) {
			var files cifarFiles
			for i, path := range paths {
				if path == "" {
					continue
				}
				s, err := readCIFARFile(ctx, path)
				if err != nil {
					return Provenance{}, fmt.Errorf("%s: %w", path, err)
				}
				r.read(fileSizes([]string{path}))
				files[i] = s
			}
			return files.record(dir, "unpacked files", r)
		}
		return f, nil
	}
	return form{}, fmt.Errorf("%s: expected %s or data_batch_*.bin and test_batch.bin: %w",
		folder, cifarArchive, errNoFiles)
}

// loadCIFARArchive reads the batches of the archive as they come.
func loadCIFARArchive(ctx context.Context, path string, read func(int64)) (files cifarFiles, err error) {
	limits := archive.Limits{File: 64 << 20, Total: 512 << 20, Read: read} // the original's: 31 and 184 MB
	err = archive.Walk(ctx, path, limits, func(f archive.File) error {
		i := slices.Index(cifarBatches[:], pathpkg.Base(f.Name))
		if i < 0 {
			return nil
		}
		if files[i] != nil {
			return fmt.Errorf("expected %s once, found twice", cifarBatches[i])
		}
		files[i], err = readCIFARBatch(f, f.Size)
		return err
	})
	return files, err
}

// readCIFARFile reads one unpacked batch.
func readCIFARFile(ctx context.Context, file string) (*Split, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return readCIFARBatch(ctxReader{ctx, f}, info.Size())
}

// readCIFARBatch reads a batch of the given size in bytes.
func readCIFARBatch(r io.Reader, size int64) (*Split, error) {
	if size <= 0 || size%cifarRecord != 0 {
		return nil, fmt.Errorf("expected records of %d bytes, found %d bytes, %d too many",
			cifarRecord, size, size%cifarRecord)
	}
	b, err := readFull(r, int(size))
	if err != nil {
		return nil, err
	}
	n := len(b) / cifarRecord
	images, labels := make([]byte, n*cifarImage), make([]int32, n)
	for i := range n {
		record := b[i*cifarRecord : (i+1)*cifarRecord]
		if record[0] >= cifarClasses {
			return nil, fmt.Errorf("label %d: expected 0 to %d, found %d", i, cifarClasses-1, record[0])
		}
		labels[i] = int32(record[0])
		interleave(images[i*cifarImage:(i+1)*cifarImage], record[1:])
	}
	return newByteSplit(cifarImage, images, labels), nil
}

// interleave turns an image from channel, height, width to height, width, channel.
func interleave(dst, src []byte) {
	for c := range cifarChannels {
		plane := src[c*cifarPlane : (c+1)*cifarPlane]
		for i, v := range plane {
			dst[i*cifarChannels+c] = v
		}
	}
}

// record adds the training batches in their order, then the test batch. Where says
// where the batches are in an error, source in the provenance.
func (files cifarFiles) record(where, source string, r *recorder) (Provenance, error) {
	const test = len(cifarBatches) - 1
	if files[test] == nil {
		return Provenance{}, fmt.Errorf("%s: expected %s, not found", where, cifarBatches[test])
	}
	var names []string
	train := newByteSplit(cifarImage, nil, nil)
	for i, s := range files {
		if s == nil {
			continue
		}
		names = append(names, strings.TrimSuffix(cifarBatches[i], ".bin"))
		if i != test {
			train.bytes = append(train.bytes, s.bytes...)
			train.Labels = append(train.Labels, s.Labels...)
		}
	}
	if train.Len() == 0 {
		return Provenance{}, errors.New(where + ": expected at least one of data_batch_1.bin to data_batch_5.bin, found none")
	}
	return Provenance{Kind: Real, Source: source + ": " + strings.Join(names, ", "),
		TrainOf: 50000, TestOf: 10000}, r.record(train, files[test])
}
