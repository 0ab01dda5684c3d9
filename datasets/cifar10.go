package datasets

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
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
		load: loadCIFAR10,
		problem: problem{
			paint: field(3), variants: 3, shift: [2]int{3, 3},
			amplitude: [2]float64{0.5, 1}, distract: 0.6, noise: 0.15, wrong: 0.05,
			train: 4000, test: 1000,
		},
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

// loadCIFAR10 reads the archive or, if there is none, the unpacked files, from the
// archive's own folder or from the dataset's.
func loadCIFAR10(ctx context.Context, folder string) (*samples, error) {
	if archive := filepath.Join(folder, cifarArchive); isFile(archive) {
		return loadCIFARArchive(ctx, archive)
	}
	for _, dir := range []string{filepath.Join(folder, "cifar-10-batches-bin"), folder} {
		var files cifarFiles
		for i, name := range cifarBatches {
			file := filepath.Join(dir, name)
			if !isFile(file) {
				continue
			}
			s, err := readCIFARFile(ctx, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			files[i] = s
		}
		if files != (cifarFiles{}) {
			return files.samples(dir, "unpacked files")
		}
	}
	return nil, fmt.Errorf("%s: expected %s or data_batch_*.bin and test_batch.bin: %w",
		folder, cifarArchive, errNoFiles)
}

// loadCIFARArchive reads the batches of the archive as they come.
func loadCIFARArchive(ctx context.Context, archive string) (*samples, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files, err := readCIFARArchive(ctxReader{ctx, f})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", archive, err)
	}
	return files.samples(archive, cifarArchive)
}

// readCIFARArchive reads a compressed tar stream to its end.
func readCIFARArchive(r io.Reader) (files cifarFiles, err error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return files, err
	}
	defer z.Close()
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return files, err
		}
		for i, name := range cifarBatches {
			if path.Base(h.Name) != name {
				continue
			}
			if h.Typeflag != tar.TypeReg {
				return files, fmt.Errorf("%s: expected a regular file, found tar type %q", h.Name, h.Typeflag)
			}
			if files[i] != nil {
				return files, fmt.Errorf("%s: expected once, found twice", name)
			}
			if files[i], err = readCIFARBatch(t, h.Size); err != nil {
				return files, fmt.Errorf("%s: %w", h.Name, err)
			}
		}
	}
	// The tar stream ends before the compressed one, whose end has the checksum.
	if _, err := io.Copy(io.Discard, z); err != nil {
		return files, fmt.Errorf("end of the archive: %w", err)
	}
	return files, nil
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

// samples joins the training batches in their order. Where says where the batches
// are in an error, source in the provenance.
func (files cifarFiles) samples(where, source string) (*samples, error) {
	const test = len(cifarBatches) - 1
	if files[test] == nil {
		return nil, fmt.Errorf("%s: expected %s, not found", where, cifarBatches[test])
	}
	var names []string
	var n int
	for i, s := range files {
		if s == nil {
			continue
		}
		names = append(names, strings.TrimSuffix(cifarBatches[i], ".bin"))
		if i != test {
			n += s.Len()
		}
	}
	if n == 0 {
		return nil, errors.New(where + ": expected at least one of data_batch_1.bin to data_batch_5.bin, found none")
	}
	images, labels := make([]byte, 0, n*cifarImage), make([]int32, 0, n)
	for _, s := range files[:test] {
		if s != nil {
			images = append(images, s.bytes...)
			labels = append(labels, s.Labels...)
		}
	}
	return &samples{
		train: newByteSplit(cifarImage, images, labels),
		test:  files[test],
		provenance: Provenance{
			Kind:    Real,
			Source:  source + ": " + strings.Join(names, ", "),
			TrainOf: 50000,
			TestOf:  10000,
		},
	}, nil
}
