package features

import (
	"math"
	"testing"
)

// flat returns a spectrogram whose frames hold the given level in dB, spread evenly
// over the bands.
func flat(db ...float64) []float64 {
	spec := make([]float64, len(db)*LogMelBands)
	for i := range spec {
		spec[i] = math.Log(math.Pow(10, db[i/LogMelBands]/10) / LogMelBands)
	}
	return spec
}

// levels returns n times db.
func levels(n int, db float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = db
	}
	return x
}

func TestSegmentCount(t *testing.T) {
	for frames, want := range map[int]int{41: 1, 60: 1, 61: 2, 80: 2, 81: 3, 171: 7, 214: 9} {
		segs := segments(flat(levels(frames, -20)...))
		if len(segs) != want {
			t.Errorf("%d frames: %d segments, want %d", frames, len(segs), want)
		}
		for _, s := range segs {
			if len(s) != 60*41*2 {
				t.Errorf("a segment of %d values", len(s))
			}
		}
	}
}

// Every value says where it comes from: band + 100*frame in channel 0, and 100, its
// slope, in channel 1.
func TestSegmentLayout(t *testing.T) {
	spec := make([]float64, 90*LogMelBands)
	for i := range spec {
		spec[i] = float64(i%60 + 100*(i/60))
	}
	segs := segments(spec)
	if len(segs) != 3 {
		t.Fatalf("%d segments", len(segs))
	}
	for s, seg := range segs {
		for band := range 60 {
			for frame := range 41 {
				at := (band*41 + frame) * 2
				if want := float32(band + 100*(20*s+frame)); seg[at] != want {
					t.Fatalf("segment %d, band %d, frame %d: %g, want %g", s, band, frame, seg[at], want)
				}
				whole := 20*s + frame
				if whole >= 4 && whole < 86 && math.Abs(float64(seg[at+1])-100) > 1e-5 {
					t.Fatalf("segment %d, band %d, frame %d: slope %g, want 100", s, band, frame, seg[at+1])
				}
			}
		}
	}
}

func TestSilentSegments(t *testing.T) {
	quiet, loud := levels(41, -80), levels(20, -20)
	tests := []struct {
		name string
		db   []float64
		want []float64 // first value of each segment, in dB over all bands
	}{
		{"loud at the start", append(loud, levels(100, -80)...), []float64{-20}},
		{"loud at the end", append(levels(100, -80), loud...), []float64{-80}},
		{"just loud enough", levels(41, -69.9), []float64{-69.9}},
		{"all but the first", append(quiet, levels(61, -60)...), []float64{-80, -80, -60}},
		{"all silent", append(levels(40, -80), levels(61, -75)...), []float64{-75}},
		{"all as silent", levels(81, -78), []float64{-78}},
	}
	for _, test := range tests {
		segs := segments(flat(test.db...))
		var got []float64
		for _, s := range segs {
			got = append(got, (float64(s[0])+math.Log(LogMelBands))*10/math.Ln10)
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: segments begin at %.1f dB, want %.1f", test.name, got, test.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-test.want[i]) > 1e-3 {
				t.Errorf("%s: segments begin at %.1f dB, want %.1f", test.name, got, test.want)
			}
		}
	}
}

// A tone at full scale has 1.76 dB: its bin and a quarter of it in each neighbour.
// Digital silence has 60 times the floor.
func TestLevel(t *testing.T) {
	tone := spectrogram(t, sine(22050, 22050, 100*22050.0/1024, 1, 0))
	if got := level(tone); math.Abs(got-10*math.Log10(1.5)) > 1e-3 {
		t.Errorf("a tone has %g dB", got)
	}
	if got := level(spectrogram(t, nil)); math.Abs(got-(-100+10*math.Log10(60))) > 1e-9 {
		t.Errorf("silence has %g dB", got)
	}
}

// A clip with a silent second half keeps only what reaches into the sound.
func TestSilenceInClip(t *testing.T) {
	x := append(sine(44100, 22050, 1000, 0.1, 0), make([]float64, 66150)...)
	segs, err := NewLogMel().Segments(x)
	if err != nil {
		t.Fatal(err)
	}
	// The last frame with sound is 86, so the segments from 0, 20, 40, 60 and 80 stay.
	if len(segs) != 5 {
		t.Errorf("%d segments, want 5", len(segs))
	}
	segs, err = NewLogMel().Segments(make([]float64, 110250))
	if err != nil || len(segs) != 1 {
		t.Errorf("%d segments of silence, error %v; want 1", len(segs), err)
	}
	for i, v := range segs[0] {
		want := math.Log(1e-10)
		if i%2 == 1 {
			want = 0
		}
		near(t, "silence", float64(v), want)
	}
}
