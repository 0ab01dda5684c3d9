package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-audio/audio"
	goaudio "github.com/go-audio/wav"

	"weightsep/datasets/prepared"
)

// tarGz returns the files as a compressed tar archive, in their order.
func tarGz(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644,
			Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return compressed(t.(*testing.T), out.Bytes())
}

// zipped returns the files as a zip archive.
func zipped(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		part, err := w.Create(f.name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack writes the files below a folder and returns it.
func unpack(t *testing.T, folder string, files ...file) string {
	t.Helper()
	for _, f := range files {
		write(t, f.data, folder, filepath.FromSlash(f.name))
	}
	return folder
}

// under returns the files with a folder before their names.
func under(folder string, files []file) []file {
	files = slices.Clone(files)
	for i := range files {
		files[i].name = folder + "/" + files[i].name
	}
	return files
}

// settle makes all files below a folder look as if they were last changed at a time
// long ago, always the same.
func settle(t testing.TB, folder string) {
	t.Helper()
	then := time.Date(2017, 5, 11, 12, 0, 0, 0, time.UTC)
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, then, then))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// loadFresh is loadFolder with a cache that nothing is in.
func loadFresh(t testing.TB, e entry, folder string) (*Dataset, error) {
	t.Helper()
	f, err := e.find(folder)
	if err != nil {
		return nil, err
	}
	return e.real(t.Context(), Options{CacheDir: t.TempDir()}, f)
}

// wav16 returns a WAV file of one channel of 16 bits.
func wav16(rate int, v []int16) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("RIFF"), uint32(36+2*len(v)))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(v)))
	for _, x := range v {
		b = le.AppendUint16(b, uint16(x))
	}
	return b
}

// adpcm returns a WAV file that is intact, but compressed.
func adpcm() []byte {
	b := wav16(16000, make([]int16, 100))
	binary.LittleEndian.PutUint16(b[20:], 2)
	binary.LittleEndian.PutUint16(b[34:], 4)
	return b
}

// encode returns a WAV file by an encoder of others. Data has the channels in turn.
func encode(t *testing.T, rate, bits, channels int, data []int) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e := goaudio.NewEncoder(f, rate, bits, channels, 1)
	format := &audio.Format{NumChannels: channels, SampleRate: rate}
	if err := errors.Join(e.Write(&audio.IntBuffer{Format: format, Data: data, SourceBitDepth: bits}),
		e.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tone returns n samples of a sinusoid.
func tone(rate, n int, hz, amplitude float64) []int16 {
	v := make([]int16, n)
	for i := range v {
		v[i] = int16(math.Round(32767 * amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return v
}

// floating returns samples of 16 bits as a clip has them.
func floating(v []int16) []float64 {
	s := make([]float64, len(v))
	for i, x := range v {
		s[i] = float64(x) / 32768
	}
	return s
}

// sets returns the prepared sets and the unfinished ones in a dataset's cache.
func sets(t testing.TB, cache, name string) (done, unfinished []string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(cache, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		path := filepath.Join(cache, name, e.Name())
		switch _, err := prepared.Open(path); {
		case !e.IsDir():
		case err == nil:
			done = append(done, path)
		default:
			unfinished = append(unfinished, path)
		}
	}
	return done, unfinished
}
