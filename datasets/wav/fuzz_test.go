package wav

import (
	"bytes"
	"math"
	"testing"
)

func FuzzDecode(f *testing.F) {
	size := uint32(1 << 30)
	for _, s := range []spec{
		{tag: 1, channels: 1, rate: 8000, bits: 8, data: []byte{0, 128, 192}},
		{tag: 1, channels: 2, rate: 44100, bits: 16, data: pcm16(1, 2, 3, 4),
			behind: chunk("LIST", []byte("INFO"))},
		{tag: 1, channels: 1, rate: 48000, bits: 24, data: []byte{1, 2, 3}, dataSize: &ones},
		{tag: 1, channels: 1, rate: 48000, bits: 32, data: pcm32(5), dataSize: &size},
		{tag: 3, channels: 1, rate: 48000, bits: 32, data: float32s(5)},
		{tag: 3, channels: 3, rate: 48000, bits: 64, data: float64s(1, 2, math.NaN())},
		{tag: 2, channels: 1, rate: 8000, bits: 4, data: []byte{1, 2}},
		{tag: 0xFFFE, channels: 1, rate: 8000, bits: 16, sub: guidPCM, data: pcm16(1, 2), dataSize: &zero,
			fileSize: &zero},
	} {
		f.Add(s.bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		const seconds = 2
		clip, err := Decode(bytes.NewReader(file), seconds)
		if err != nil {
			if clip.Rate != 0 || clip.Samples != nil {
				t.Fatalf("clip %v beside error %v", clip, err)
			}
			return
		}
		n := len(clip.Samples)
		if clip.Rate <= 0 || n == 0 || n > seconds*clip.Rate || n > len(file) {
			t.Fatalf("%d samples at %d Hz of %d bytes", n, clip.Rate, len(file))
		}
		for i, v := range clip.Samples {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("sample %d is %g", i, v)
			}
		}
	})
}
