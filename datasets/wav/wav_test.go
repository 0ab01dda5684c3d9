package wav

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-audio/audio"
	goaudio "github.com/go-audio/wav"
)

const testSeconds = 600

var zero, ones, sox, arecord, more uint32 = 0, math.MaxUint32, 0x7ffff000, 1 << 31, 8

func TestDecode(t *testing.T) {
	list := chunk("LIST", []byte("INFOISFT\x05\x00\x00\x00test\x00")) // odd
	tests := []struct {
		name string
		spec spec
		want []float64
	}{
		{"8 bit", spec{tag: 1, channels: 1, rate: 8000, bits: 8, data: []byte{0, 64, 128, 255}},
			[]float64{-1, -0.5, 0, 127.0 / 128}},
		{"8 bit, odd, padded", spec{tag: 1, channels: 1, rate: 8000, bits: 8, data: []byte{0, 128, 192}},
			[]float64{-1, 0, 0.5}},
		{"8 bit, odd, no pad", spec{tag: 1, channels: 1, rate: 8000, bits: 8, data: []byte{0, 128, 192},
			noPad: true},
			[]float64{-1, 0, 0.5}},
		{"16 bit", spec{tag: 1, channels: 1, rate: 16000, bits: 16,
			data: pcm16(0, 16384, -32768, 32767, -1)},
			[]float64{0, 0.5, -1, 32767.0 / 32768, -1.0 / 32768}},
		{"24 bit", spec{tag: 1, channels: 1, rate: 96000, bits: 24,
			data: []byte{0, 0, 0x40, 0, 0, 0x80, 0xff, 0xff, 0xff, 1, 0, 0}},
			[]float64{0.5, -1, -1.0 / (1 << 23), 1.0 / (1 << 23)}},
		{"32 bit", spec{tag: 1, channels: 1, rate: 44100, bits: 32, data: pcm32(1<<30, math.MinInt32, -1)},
			[]float64{0.5, -1, -1.0 / (1 << 31)}},
		{"float 32", spec{tag: 3, channels: 1, rate: 44100, bits: 32, data: float32s(0.25, -1.5, 1e-30)},
			[]float64{0.25, -1.5, float64(float32(1e-30))}},
		{"float 64", spec{tag: 3, channels: 1, rate: 44100, bits: 64, data: float64s(0.1, -1)},
			[]float64{0.1, -1}},
		{"stereo", spec{tag: 1, channels: 2, rate: 44100, bits: 16, data: pcm16(16384, -16384, 8192, 24576)},
			[]float64{0, 0.5}},
		{"five channels", spec{tag: 3, channels: 5, rate: 44100, bits: 32,
			data: float32s(1, 2, 3, 4, -5, 1, 1, 1, 1, 1)},
			[]float64{1, 1}},
		{"extensible", spec{tag: 0xFFFE, channels: 1, rate: 48000, bits: 24, sub: guidPCM,
			data: []byte{0, 0, 0x40}},
			[]float64{0.5}},
		{"extensible float", spec{tag: 0xFFFE, channels: 2, rate: 48000, bits: 32, sub: guidFloat,
			data: float32s(1, 0)},
			[]float64{0.5}},
		{"chunks around", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384),
			before: list, behind: slices.Concat(list, chunk("fact", []byte{1, 0, 0, 0}))},
			[]float64{0.5}},
		{"incomplete frame", spec{tag: 1, channels: 2, rate: 8000, bits: 16, data: pcm16(16384, 16384, 1)},
			[]float64{0.5}},
		{"streamed", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384, 0), dataSize: &ones},
			[]float64{0.5, 0}},
		{"streamed, sizes 0", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384),
			dataSize: &zero, fileSize: &zero},
			[]float64{0.5}},
		{"killed, size 0", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384, 0, 0, 0, 0),
			dataSize: &zero},
			[]float64{0.5, 0, 0, 0, 0}},
		{"SoX into a pipe", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384),
			dataSize: &sox},
			[]float64{0.5}},
		{"arecord into a pipe", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384),
			dataSize: &arecord},
			[]float64{0.5}},
		{"cut", spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(16384, 0)[:3], noPad: true,
			dataSize: &more},
			[]float64{0.5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := test.spec.bytes()
			for _, r := range []io.Reader{bytes.NewReader(file),
				iotest.OneByteReader(bytes.NewReader(file))} {
				clip, err := Decode(r, testSeconds)
				if err != nil {
					t.Fatal(err)
				}
				if clip.Rate != int(test.spec.rate) {
					t.Errorf("rate %d, want %d", clip.Rate, test.spec.rate)
				}
				if !slices.Equal(clip.Samples, test.want) {
					t.Errorf("samples %v, want %v", clip.Samples, test.want)
				}
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	good := spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(1, 2, 3)}
	with := func(change func(*spec)) []byte {
		s := good
		change(&s)
		return s.bytes()
	}
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, `expected a WAV file, which starts with RIFF, a size and WAVE, found ""`},
		{"text", []byte("this is not a sound file"), `found "this is not " (text/plain`},
		{"web page", []byte("<!DOCTYPE html>"), "(text/html"},
		{"MP3", []byte("ID3\x03\x00\x00\x00\x00\x00\x00"), "(audio/mpeg)"},
		{"short", []byte("RIFF\x00\x00WAVE"), "expected a WAV file"},
		{"big endian", append([]byte("RIFX"), good.bytes()[4:]...), "RIFX"},
		{"not WAVE", append([]byte("RIFF\x04\x00\x00\x00AVI "), good.bytes()[12:]...), "AVI"},
		{"header only", good.bytes()[:12], "chunks"},
		{"cut in format", good.bytes()[:30], `ends in the chunk "fmt "`},
		{"cut before data", good.bytes()[:36], "no samples"},
		{"another chunk after no samples", append(with(func(s *spec) { s.data = nil }),
			chunk("LIST", []byte("INFO"))...), "no samples"},
		{"chunk claims 2 GB", with(func(s *spec) { s.behind = []byte("LIST\x00\x00\x00\x80") }),
			"LIST"},
		{"data before format", []byte("RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00\x00\x00"),
			"without a format"},
		{"short format", []byte("RIFF\x00\x00\x00\x00WAVEfmt " +
			"\x0e\x00\x00\x00\x01\x00\x01\x00abcdefghijklmnop"), "14 bytes"},
		{"no channels", with(func(s *spec) { s.channels = 0 }), "no channels"},
		{"no rate", with(func(s *spec) { s.rate = 0 }), "rate of 0"},
		{"absurd rate", with(func(s *spec) { s.rate = 4e9 }), "rate of 4000000000"},
		{"wrong block", with(func(s *spec) { s.block = 3 }), "frames of 3 bytes"},
		{"no samples", with(func(s *spec) { s.data = nil }), "no samples"},
		{"less than a frame", with(func(s *spec) { s.data = []byte{1} }), "no samples"},
		{"NaN", spec{tag: 3, channels: 1, rate: 8000, bits: 64, data: float64s(0, nan)}.bytes(),
			"sample 1 is not finite"},
		{"Inf", spec{tag: 3, channels: 2, rate: 8000, bits: 32, data: float32s(0, float32(inf))}.bytes(),
			"not finite"},
		{"overflow", spec{tag: 3, channels: 2, rate: 8000, bits: 64,
			data: float64s(1.5e308, 1.5e308)}.bytes(), "not finite"},
		{"MS ADPCM", with(func(s *spec) { s.tag, s.bits = 2, 4 }),
			"unsupported encoding: Microsoft ADPCM of 4 bits"},
		{"mu-law", with(func(s *spec) { s.tag, s.bits = 7, 8 }), "unsupported encoding: mu-law of 8 bits"},
		{"unknown tag", with(func(s *spec) { s.tag = 0x1234 }), "unsupported encoding: format 0x1234"},
		{"12 bit", with(func(s *spec) { s.bits = 12 }), "unsupported encoding: PCM of 12 bits"},
		{"16 bit float", with(func(s *spec) { s.tag = 3 }), "unsupported encoding: float of 16 bits"},
		{"extensible mu-law", with(func(s *spec) { s.tag, s.bits, s.sub = 0xFFFE, 8, guidMuLaw }),
			"unsupported encoding: mu-law"},
		{"other sub-format", with(func(s *spec) { s.tag, s.sub = 0xFFFE, guidOther }),
			"unsupported encoding: sub-format 0100"},
		{"short extension", with(func(s *spec) { s.tag = 0xFFFE }),
			"extensible format of 16 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clip, err := Decode(bytes.NewReader(test.file), testSeconds)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if clip.Rate != 0 || clip.Samples != nil {
				t.Errorf("clip %v beside the error", clip)
			}
		})
	}
}

// Every prefix of a file without a whole frame must give an error, and none must panic.
func TestDecodePrefixes(t *testing.T) {
	file := spec{tag: 0xFFFE, channels: 2, rate: 8000, bits: 16, sub: guidPCM,
		data: pcm16(1, 2, 3, 4)}.bytes()
	for n := range len(file) {
		_, err := Decode(bytes.NewReader(file[:n]), testSeconds)
		if whole := n >= len(file)-4; whole != (err == nil) {
			t.Errorf("first %d of %d bytes: error %v", n, len(file), err)
		}
	}
}

func TestDecodeReaderError(t *testing.T) {
	broken := errors.New("broken")
	file := spec{tag: 1, channels: 1, rate: 8000, bits: 16, data: pcm16(1, 2),
		behind: chunk("LIST", make([]byte, 9))}.bytes()
	for n := range len(file) {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		if _, err := Decode(r, testSeconds); !errors.Is(err, broken) {
			t.Errorf("reader broken at %d: error %v", n, err)
		}
	}
}

func TestLimits(t *testing.T) {
	second := spec{tag: 1, channels: 2, rate: 100, bits: 16, data: make([]byte, 400)}
	streamed := second
	streamed.dataSize = &ones
	for _, s := range []spec{second, streamed} {
		for _, limit := range []float64{1, 1.5, math.Inf(1)} {
			clip, err := Decode(bytes.NewReader(s.bytes()), limit)
			if err != nil || len(clip.Samples) != 100 {
				t.Errorf("limit %g: %d samples, error %v", limit, len(clip.Samples), err)
			}
		}
		if _, err := Decode(bytes.NewReader(s.bytes()), 0.99); err == nil ||
			!strings.Contains(err.Error(), "clip too long") {
			t.Errorf("limit 0.99: error %v", err)
		}
	}
}

// go-audio/wav writes the files, so that encoder and decoder do not share their errors.
func TestDecodeOfOtherEncoder(t *testing.T) {
	for _, bits := range []int{8, 16, 24, 32} {
		name := filepath.Join(t.TempDir(), "clip.wav")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		full := 1 << (bits - 1)
		ints := []int{0, full / 2, -full, full - 1, -full / 4, 7}
		written := slices.Clone(ints)
		if bits == 8 {
			for i := range written {
				written[i] += full
			}
		}
		enc := goaudio.NewEncoder(file, 22050, bits, 2, 1)
		format := &audio.Format{NumChannels: 2, SampleRate: 22050}
		if err := enc.Write(&audio.IntBuffer{Format: format, Data: written,
			SourceBitDepth: bits}); err != nil {
			t.Fatal(err)
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		clip, err := Decode(file, testSeconds)
		if err != nil {
			t.Fatal(err)
		}
		var want []float64
		for i := 0; i < len(ints); i += 2 {
			want = append(want, float64(ints[i]+ints[i+1])/float64(2*full))
		}
		if clip.Rate != 22050 || !slices.Equal(clip.Samples, want) {
			t.Errorf("%d bit: %v, want %v", bits, clip, want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	file := spec{tag: 1, channels: 2, rate: 48000, bits: 24, data: make([]byte, 4*48000*6)}.bytes()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(file), testSeconds); err != nil {
			b.Fatal(err)
		}
	}
}
