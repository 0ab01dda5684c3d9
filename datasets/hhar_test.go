package datasets

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/features"
)

// stretch is a piece of a table: readings at even times.
type stretch struct {
	user, device, gt string
	from, seconds    float64 // by the sensor's clock
	rate             float64
	value            func(t float64) [3]float64 // nil for the time and two constants
	arrival          float64                    // seconds that arrival is ahead of the clock
}

const hharHead = "Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt\n"

// rows returns the readings of one sensor of one phone, with the index running on.
func rowsOf(all ...stretch) (rows []string) {
	for _, s := range all {
		if s.rate == 0 {
			s.rate = 100
		}
		if s.value == nil {
			s.value = func(t float64) [3]float64 { return [3]float64{t, -2, 9.81} }
		}
		for i := range int(s.seconds * s.rate) {
			t := s.from + float64(i)/s.rate
			v := s.value(t)
			rows = append(rows, fmt.Sprintf("%d,%d,%d,%g,%g,%g,%s,nexus4,%s,%s", len(rows),
				1424696633908+int64(math.Round((t+s.arrival)*1e3)),
				1424696631913248572+int64(math.Round(t*1e9)),
				v[0], v[1], v[2], s.user, s.device, s.gt))
		}
	}
	return rows
}

// tables returns the two tables of phones, each of some phones.
func tables(acc, gyro [][]string) []file {
	text := func(all [][]string) []byte {
		return []byte(hharHead + strings.Join(slices.Concat(all...), "\n") + "\n")
	}
	return []file{{hharAccelerometer, text(acc)}, {hharGyroscope, text(gyro)}}
}

// both returns tables in which the sensors measure the same.
func both(phones ...[]string) []file { return tables(phones, phones) }

func constant(x, y, z float64) func(float64) [3]float64 {
	return func(float64) [3]float64 { return [3]float64{x, y, z} }
}

// A phone that lies still: everything can be computed by hand, the rates do not matter.
func TestHHAR(t *testing.T) {
	acc, gyro := constant(1, -2, 3), constant(0.5, 0, -0.25)
	all := tables(
		[][]string{rowsOf(stretch{user: "a", device: "nexus4_1", gt: "stand", seconds: 26, rate: 100,
			value: acc}),
			rowsOf(stretch{user: "i", device: "s3_1", gt: "bike", seconds: 6, rate: 190, value: acc})},
		[][]string{rowsOf(stretch{user: "a", device: "nexus4_1", gt: "stand", from: 0.3, seconds: 26,
			rate: 50, value: gyro}),
			rowsOf(stretch{user: "i", device: "s3_1", gt: "bike", seconds: 6, rate: 200, value: gyro})})
	watches := file{"Watch_accelerometer.csv", []byte("not read")}
	packed := under("Activity recognition exp", append(all, watches))
	for name, folder := range map[string]string{
		hharArchive:                   unpack(t, t.TempDir(), file{hharArchive, zipped(t, packed...)}),
		"unpacked files":              unpack(t, t.TempDir(), append(all, watches)...),
		"unpacked files, in a folder": unpack(t, t.TempDir(), packed...),
	} {
		s, err := loadFresh(t, entryOf("hhar"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// From 0.3 to 25.99 s there are five windows of 5 s.
		if want := []int32{4, 4, 4, 4, 4}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
			continue
		}
		if want := []int32{0}; !slices.Equal(s.Test.Labels, want) {
			t.Errorf("%s: test labels %v, want %v", name, s.Test.Labels, want)
		}
		source, _, _ := strings.Cut(name, ", ")
		if p := s.Provenance; p.Kind != Real || p.Source != source+": phones of 2 of 9 people" ||
			p.Note != "" {
			t.Errorf("%s: provenance %+v", name, p)
		}
		for part, split := range map[string]*Split{"training": s.Train, "test": s.Test} {
			for i := range split.Len() {
				checkStill(t, part, split.Sample(i), []float64{1, -2, 3, 0.5, 0, -0.25})
			}
		}
	}
}

// checkStill checks the spectra of constants: 20 points in an interval have 20 times
// the constant in bin 0 and nothing in the other nine; the phase of a negative one is pi.
func checkStill(t *testing.T, part string, v []float32, constants []float64) {
	t.Helper()
	for i := range features.SpectraIntervals {
		for axis, c := range constants {
			at := i*features.SpectraValues + axis*20
			magnitude, phase := math.Log(1+20*math.Abs(c)), 0.0
			if c < 0 {
				phase = math.Pi
			}
			if math.Abs(float64(v[at])-magnitude) > 1e-5 || math.Abs(float64(v[at+10])-phase) > 1e-5 {
				t.Errorf("%s: interval %d, axis %d: magnitude %v, phase %v, want %v and %v", part, i, axis,
					v[at], v[at+10], magnitude, phase)
				return
			}
			for k := 1; k < 10; k++ {
				if math.Abs(float64(v[at+k])) > 1e-5 || v[at+10+k] != 0 {
					t.Errorf("%s: interval %d, axis %d, bin %d: %v and %v", part, i, axis, k, v[at+k],
						v[at+10+k])
					return
				}
			}
		}
	}
}

// How many windows of 5 s there are in what two sensors measured.
func TestHHARPieces(t *testing.T) {
	sit := stretch{user: "a", device: "d", gt: "sit", seconds: 12}
	after := func(s stretch, from float64, gt string) stretch {
		s.from, s.gt = from, gt
		return s
	}
	const sitting, walking = 1, 5
	for _, c := range []struct {
		name      string
		acc, gyro [][]string // gyro as acc if nil
		want      []int32    // labels
	}{
		{"one piece", [][]string{rowsOf(sit)}, nil, []int32{sitting, sitting}},
		{"two activities", [][]string{rowsOf(sit, after(sit, 12, "walk"))}, nil,
			[]int32{sitting, sitting, walking, walking}},
		{"no activity between", [][]string{rowsOf(sit, after(sit, 12, "null"), after(sit, 24, "sit"))}, nil,
			[]int32{sitting, sitting, sitting, sitting}},
		{"an empty activity between", [][]string{rowsOf(sit, after(sit, 12, ""),
			after(sit, 24, "sit"))}, nil,
			[]int32{sitting, sitting, sitting, sitting}},
		{"a gap", [][]string{rowsOf(sit, after(sit, 13.5, "sit"))}, nil,
			[]int32{sitting, sitting, sitting, sitting}},
		// Without the cut there would be five windows in 25.5 s; here it is less than a gap.
		{"no gap", [][]string{rowsOf(sit, after(sit, 12.05, "sit"), after(sit, 24.1, "sit"))}, nil,
			slices.Repeat([]int32{sitting}, 7)},
		{"clock set back by an hour", [][]string{rowsOf(sit, after(sit, -3600, "sit"))}, nil,
			slices.Repeat([]int32{sitting}, 4)},
		{"different activities", [][]string{rowsOf(sit)}, [][]string{rowsOf(after(sit, 0, "walk"))}, nil},
		{"different times", [][]string{rowsOf(sit)}, [][]string{rowsOf(after(sit, 8, "sit"))}, nil},
		{"one sensor", [][]string{rowsOf(sit)}, [][]string{}, nil},
		{"another phone's sensor", [][]string{rowsOf(sit)},
			[][]string{rowsOf(stretch{user: "a", device: "e", gt: "sit", seconds: 12})}, nil},
		{"another person's sensor", [][]string{rowsOf(sit)},
			[][]string{rowsOf(stretch{user: "b", device: "d", gt: "sit", seconds: 12})}, nil},
		{"too short", [][]string{rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 4.9})},
			nil, nil},
		{"one reading", [][]string{rowsOf(sit)[:1]}, nil, nil},
		{"too slow", [][]string{rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12, rate: 15})},
			nil, nil},
		{"two phones", [][]string{rowsOf(sit),
			rowsOf(stretch{user: "a", device: "e", gt: "walk", seconds: 6})}, nil,
			[]int32{sitting, sitting, walking}},
	} {
		acc, gyro := c.acc, c.gyro
		if gyro == nil {
			gyro = acc
		}
		// Someone to test on, so that what is looked at is all of the training samples.
		h := rowsOf(stretch{user: "h", device: "d", gt: "bike", seconds: 6})
		z := rowsOf(stretch{user: "z", device: "d", gt: "bike", seconds: 6})
		folder := unpack(t, t.TempDir(), tables(append([][]string{h, z}, acc...),
			append([][]string{h, z}, gyro...))...)
		s, err := loadFresh(t, entryOf("hhar"), folder)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := s.Train.Labels[:s.Train.Len()-1]; !slices.Equal(got, c.want) { // without z's
			t.Errorf("%s: labels %v, want %v", c.name, got, c.want)
		}
		if s.Test.Len() != 1 {
			t.Errorf("%s: %d test samples, want 1", c.name, s.Test.Len())
		}
	}
}
