package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// loadPhones loads tables to which a window of the test person h is added.
func loadPhones(t *testing.T, acc, gyro []string) (*Dataset, error) {
	t.Helper()
	h := rowsOf(stretch{user: "h", device: "d", gt: "bike", seconds: 6})
	return loadFresh(t, entryOf("hhar"), unpack(t, t.TempDir(),
		tables([][]string{acc, h}, [][]string{gyro, h})...))
}

// Rows lie in any order in the tables; the index says which one they were in.
func TestHHAROutOfOrder(t *testing.T) {
	all := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12},
		stretch{user: "a", device: "d", gt: "walk", from: 12, seconds: 12})
	want, err := loadPhones(t, all, all)
	if err != nil {
		t.Fatal(err)
	}
	mixed, mixed2 := slices.Clone(all), slices.Clone(all)
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	slices.Reverse(mixed2)
	got, err := loadPhones(t, mixed, mixed2)
	if err != nil {
		t.Fatal(err)
	}
	if want.Train.Len() != 4 || !slices.Equal(values(got.Train), values(want.Train)) ||
		!slices.Equal(got.Train.Labels, want.Train.Labels) {
		t.Errorf("labels %v, want %v and the same values", got.Train.Labels, want.Train.Labels)
	}
}

// Sensors deliver in bursts: within 50 ms their times may go back.
func TestHHARBursts(t *testing.T) {
	all := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12})
	want, err := loadPhones(t, all, all)
	if err != nil {
		t.Fatal(err)
	}
	burst := slices.Clone(all)
	index := func(row string) string { i, _, _ := strings.Cut(row, ","); return i }
	for i := 0; i+3 < len(burst); i += 4 { // exchange the readings, not the indices
		a, b := burst[i], burst[i+3]
		burst[i] = strings.Replace(b, index(b)+",", index(a)+",", 1)
		burst[i+3] = strings.Replace(a, index(a)+",", index(b)+",", 1)
	}
	got, err := loadPhones(t, burst, all)
	if err != nil {
		t.Fatal(err)
	}
	if want.Train.Len() != 2 || !slices.Equal(values(got.Train), values(want.Train)) {
		t.Errorf("%d windows, want %d with the same values", got.Train.Len(), want.Train.Len())
	}
}

// A clock that is set back a little lays two stretches over each other: they must not be
// mixed, nor counted twice.
func TestHHARClockSetBack(t *testing.T) {
	first := stretch{user: "a", device: "d", gt: "sit", seconds: 12, value: constant(1, 1, 1)}
	second := stretch{user: "a", device: "d", gt: "sit", from: 5, seconds: 12, arrival: 7,
		value: constant(2, 2, 2)}
	all := rowsOf(first, second)
	s, err := loadPhones(t, all, all)
	if err != nil {
		t.Fatal(err)
	}
	mixed := 0
	for i := range s.Train.Len() {
		if v := s.Train.Sample(i); v[0] != v[60] { // of accelerometer and gyroscope
			mixed++
		}
	}
	if s.Train.Len() != 4 || mixed > 0 {
		t.Errorf("%d windows of 24 seconds, want 4; in %d the sensors are of different times",
			s.Train.Len(), mixed)
	}
}

// Some phones' sensors have clocks of their own: then the times of arrival count.
func TestHHARClocksOfTheirOwn(t *testing.T) {
	acc := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12})
	gyro := slices.Clone(acc)
	for i, row := range gyro {
		f := strings.Split(row, ",")
		f[2] = fmt.Sprint(10_000_000 * i) // nanoseconds since the start
		gyro[i] = strings.Join(f, ",")
	}
	s, err := loadPhones(t, acc, gyro)
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 2 {
		t.Errorf("%d windows, want 2", s.Train.Len())
	}
}

// Times as far apart as the table can hold them must not keep anyone busy.
func TestHHARExtremeTimes(t *testing.T) {
	near := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 6})
	var rows []string
	for k, from := range []int64{-8.9e18, 8.9e18} {
		for i, row := range near {
			f := strings.Split(row, ",")
			f[0], f[2] = fmt.Sprint(k*len(near)+i), fmt.Sprint(from+int64(i)*10_000_000)
			rows = append(rows, strings.Join(f, ","))
		}
	}
	done := make(chan string, 1)
	go func() {
		s, err := loadPhones(t, rows, rows)
		if err != nil {
			done <- err.Error()
			return
		}
		done <- fmt.Sprint(s.Train.Len())
	}()
	select {
	case got := <-done: // to refuse such times is fine as well
		if got != "2" && !strings.Contains(got, "Creation_Time") {
			t.Errorf("%s, want 2 windows or an error", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("still busy after 5 seconds")
	}
}

// Without test people, or without others, the last fifth of each activity is the test
// split: the values of x are times.
func TestHHARByTime(t *testing.T) {
	for _, user := range []string{"a", "h"} {
		all := rowsOf(stretch{user: user, device: "d", gt: "sit", seconds: 61},
			stretch{user: user, device: "d", gt: "walk", from: 61, seconds: 12},
			stretch{user: user, device: "d", gt: "bike", from: 73, seconds: 6})
		s, err := loadFresh(t, entryOf("hhar"), unpack(t, t.TempDir(), both(all)...))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.Provenance.Note, "the last fifth of each activity is the test split") {
			t.Errorf("user %s: note %q", user, s.Provenance.Note)
		}
		// Of 12 windows of sitting 2, of 2 of walking 1, of one on the bike none.
		got := map[int32][2]int{}
		latest, earliest := map[int32]float32{}, map[int32]float32{}
		for i, c := range s.Train.Labels {
			n := got[c]
			got[c] = [2]int{n[0] + 1, n[1]}
			latest[c] = max(latest[c], s.Train.Sample(i)[0])
		}
		for i, c := range s.Test.Labels {
			n := got[c]
			got[c] = [2]int{n[0], n[1] + 1}
			if _, ok := earliest[c]; !ok {
				earliest[c] = math.MaxFloat32
			}
			earliest[c] = min(earliest[c], s.Test.Sample(i)[0])
		}
		if want := map[int32][2]int{1: {10, 2}, 5: {1, 1}, 0: {1, 0}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("user %s: training and test windows of the activities %v, want %v", user, got, want)
		}
		for c, first := range earliest {
			if first <= latest[c] {
				t.Errorf("user %s: activity %d: a test window is not after the training windows", user, c)
			}
		}
	}
}

// People are in one split each, and groups say who is who.
func TestHHARPeople(t *testing.T) {
	var phones [][]string
	for _, user := range []string{"h", "b", "i", "a", "c"} {
		for _, device := range []string{"nexus4_1", "s3_2"} {
			phones = append(phones, rowsOf(stretch{user: user, device: device, gt: "sit", seconds: 11}))
		}
	}
	dir := t.TempDir()
	unpack(t, dir, under("hhar", both(phones...))...)
	d, err := Open(t.Context(), "hhar", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if p := d.Provenance; p.Train != 12 || p.Test != 8 ||
		!strings.HasSuffix(p.Source, "phones of 5 of 9 people") {
		t.Errorf("provenance %+v", p)
	}
	for g, n := range map[string]int{
		"test people": len(slices.Compact(slices.Sorted(slices.Values(d.Test.Groups)))),
		"other people": len(slices.Compact(slices.Sorted(slices.Values(slices.Concat(d.Train.Groups,
			d.Validation.Groups))))),
	} {
		if want := map[string]int{"test people": 2, "other people": 3}[g]; n != want {
			t.Errorf("%d %s, want %d", n, g, want)
		}
	}
}
