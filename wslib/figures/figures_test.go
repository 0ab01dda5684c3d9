package figures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	"weightsep/datasets"
	"weightsep/wslib/execution"
	"weightsep/wslib/page"
)

var update = flag.Bool("update", false, "write the golden images anew")

// charts are all figures, on small made-up values, and texts that must be in each.
func charts(t *testing.T) []struct {
	name   string
	figure *Figure
	texts  []string
} {
	t.Helper()
	must := func(f *Figure, err error) *Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	return []struct {
		name   string
		figure *Figure
		texts  []string
	}{
		{"samples", must(Samples(testData(t, datasets.StandIn, 3), 2, 3)),
			[]string{"shapes: stand-in data", "stand-in", "up hill", "down",
				"6 x 5 x 3, 4 classes; samples: 8 training, 0 validation, 8 test; of 100 training",
				"The first 3 classes."}},
		{"samples_features", must(Samples(testData(t, datasets.Real, 2), 1, 9)),
			[]string{"shapes: real data", "real", "Values from -2 (black) to 2 (white), a hundredth",
				"Channel 0 of 2."}},
		{"counts", must(ClassCounts(testCounts(t))),
			[]string{"cifar10", "stand-in", "10 classes; samples: 55 training, 10 " +
				"validation, 5 test", "gtsrb",
				"real", "43 classes", "of the original's 39,209 training and",
				"validation, 12,630 test; no samples in 40 classes",
				"airplane", "training", "validation", "test", "numbered from 0", "40"}},
		{"curves", must(Curves("Training of the baselines", testCurves())),
			[]string{"Training of the baselines", "mnist", "real", "best 98.0 % at step 2,000", "hhar",
				"stand-in", "best 75.0 % at step 100", "training step", "validation accuracy (%)"}},
		{"density", must(Density(testDensities())),
			[]string{"cifar10", "2 of 4 pages: 90.0 %", "mnist", "0 of 3 pages: 0.0 %",
				"cumulative share (%)"}},
		{"occupancy", must(Occupancy(testNames(), testTables(), 8)),
			[]string{"cifar10", "hhar", "8 shared pages", "serves 0 to 2 of the 3 networks, 1.1 on average",
				"occupancy (networks)"}},
		{"history", must(History("Optimization", testNames(), []int{0, 50, 100},
			[][]float64{{0.1, 0.2, 0.3}, {0.5, 0.6, 0.7}, {0.6, 0.9, 0.75}})),
			[]string{"Optimization", "60.0 %  cifar10", "90.0 %  mnist", "75.0 %  mean", "optimization step",
				"validation accuracy (%)"}},
		{"beforeafter", must(BeforeAfter(testRows())),
			[]string{"separation: +0.25 points on real data", "2 networks on real data: +0.25 points",
				"1 network on stand-in data (generated, pale), no accuracies on the datasets: -2.00",
				"stand-in", "+1.5",
				"-1.0", "test accuracy (%)"}},
		{"pareto", must(Pareto(testPareto(), ParetoOptions{Title: "Packing and accuracy", Floor: -3})),
			[]string{"Packing and accuracy", "joint pages", "8 bits", "nine tenths (-14.0)",
				"With an arrow: changes below -3", "paper: 5.9x, -0.22", "stated by the paper", "interval",
				"open: stand-in data (generated)", "packing ratio in bytes (times, log)",
				"mean change of test accuracy (points)"}},
		{"pareto_worst", must(Pareto(testPareto()[:3], ParetoOptions{Worst: true})),
			[]string{"change of the worst network's test accuracy (points)", "pruned", "half",
				"paper: 5.9x, -1.15", "interval", "cifar10 in its table"}},
		{"convergence", must(Convergence(testConvergence(),
			ConvergenceOptions{Title: "Accuracy over wall time", Target: -0.22, Floor: -6})),
			[]string{"Accuracy over wall time", "target -0.22; reached after", "200 s  joint pages",
				"never  alternating", "20.0 s  quantized", "Changes below -6 are cut off.",
				"Open marks: stand-in data", "wall time (s, log)", "1,000"}},
		{"memory", must(Memory(original())),
			[]string{"Packing ratio 5.9x: 454.7 KB instead of 2,670 KB", "262.1 KB",
				"exclusive pages (level 2): 192.5 KB, 42.3 %", "separate (float32)", "the same, enlarged",
				"alone: 10.2x"}},
		{"memory_keys", must(Memory(scaledAndKeyed())),
			[]string{"Packing ratio 5.8x: 459.2 KB instead of 2,670 KB", "scales (level 1): 5.2 KB, 1.1 %",
				"keys (level 2): 81.9 KB, 17.8 %", "alone: 8.5x"}},
		{"flash", must(Flash(scaledAndKeyed(), 675960)),
			[]string{"Flash for all networks: 459.2 KB packed, 676.0 KB separate in 8 bits, 2,670 KB in " +
				"float32", "separate (8 bits)", "scales (level 1): 5.2 KB, 1.1 %", "the same, enlarged"}},
		{"times", must(Times(testBench())),
			[]string{"takes 11.0 µs, 1.10 copies", "checkpoint 520.0 µs: 47 " +
				"times faster", "cold", "5 random executions"}},
		{"load", must(Load(testLoad())),
			[]string{"In 83.0 KB, packed networks serve 3,000 requests a second", "from files: 700/s",
				"95th percentile of latency (ms, log)", "Zipf popularity (1.1)"}},
	}
}

func testNames() []string { return []string{"cifar10", "mnist", "hhar"} }

// testData is a dataset of four classes, two training and two test samples each.
func testData(t *testing.T, kind string, channels int) *datasets.Dataset {
	t.Helper()
	size := 6 * 5 * channels
	values := make([]float32, 8*size)
	labels := make([]int32, 8)
	for i := range values {
		values[i] = float32(i%size) / float32(size-1)
		if kind == datasets.Real {
			values[i] = 4*values[i] - 2
		}
	}
	for i := range labels {
		labels[i] = int32(i % 4)
	}
	s, err := datasets.NewSplit(size, values, labels)
	if err != nil {
		t.Fatal(err)
	}
	return &datasets.Dataset{
		Name: "shapes", Shape: []int{6, 5, channels}, Classes: 4,
		ClassNames: []string{"up_hill", "down", "a class of a name that is too long for its column", "flat"},
		Train:      s, Validation: s.Slice(0), Test: s,
		Provenance: datasets.Provenance{Kind: kind, Train: 8, TrainOf: 100, Test: 8, TestOf: 8},
	}
}

func testDensities() []DensityOf {
	return []DensityOf{
		{Name: "cifar10", Density: []float64{0.3, 0.06, 0.6, 0.04}, Exclusive: []int{0, 2}},
		{Name: "mnist", Density: make([]float64, 3)}, // no Fisher information at all
		{Name: "hhar", Density: []float64{0.5, 0.25, 0.125, 0.0625, 0.0625}, Exclusive: []int{0, 1, 2}},
	}
}

func testTables() []page.Table {
	return []page.Table{
		{Shared: 8, Entries: []int32{8, 0, 1, 2, 9}},
		{Shared: 8, Entries: []int32{2, 3, 4}},
		{Shared: 8, Entries: []int32{8, 4, 6, 5}},
	}
}

func testRows() []AccuracyRow {
	return []AccuracyRow{
		{"cifar10", datasets.Real, 0.70, 0.715},
		{"mnist", datasets.Real, 0.98, 0.97},
		{"hhar", datasets.StandIn, 0.05, 0.03},
	}
}

// original is what the original system stores: 128 shared and 94 exclusive pages.
func original() page.Stored {
	s := page.Stored{Shared: 128 * 2048, Exclusive: 94 * 2048, Total: 222 * 2048, Separate: 667582 * 4}
	s.RatioBytes = float64(s.Separate) / float64(s.Total)
	s.RatioWeights = s.RatioBytes
	s.RatioLevel1 = float64(s.Separate) / float64(s.Shared)
	return s
}

// scaledAndKeyed has every part: 151 shared and 30 exclusive pages, scales and keys.
func scaledAndKeyed() page.Stored {
	s := page.Stored{Shared: 151 * 2048, Exclusive: 30 * 2048, Tables: 1310, Scales: 4 * 1310,
		Keys: 1280 * 64, Separate: 667582 * 4}
	s.Total = s.Level1() + s.Exclusive + s.Keys
	s.RatioBytes = float64(s.Separate) / float64(s.Total)
	s.RatioWeights = 7.2
	s.RatioLevel1 = float64(s.Separate) / float64(s.Level1())
	return s
}

// testBench has five switches of each source; cold ones take three times as long.
func testBench() *execution.Result {
	r := &execution.Result{Networks: slices.Repeat([]string{"mnist"}, 5)}
	for name, us := range map[string]float64{execution.PagesSource: 11, execution.CopySource: 10,
		"checkpoint": 520} {
		s := execution.SourceTime{Name: name}
		for _, f := range []float64{0.5, 0.75, 1, 1.25, 1.5} {
			s.Warm.Each = append(s.Warm.Each, time.Duration(us*f*1e3))
			s.Cold.Each = append(s.Cold.Each, time.Duration(3*us*f*1e3))
		}
		s.Warm.Median, s.Cold.Median = s.Warm.Each[2], s.Cold.Each[2]
		s.Warm.Copies = us / 10
		r.Sources = append(r.Sources, s)
	}
	slices.SortFunc(r.Sources, func(a, b execution.SourceTime) int {
		return strings.Compare(b.Name,
			a.Name)
	})
	return r
}

func testLoad() *execution.Load {
	ms := func(all ...float64) (d []time.Duration) {
		for _, v := range all {
			d = append(d, time.Duration(v*1e6))
		}
		return d
	}
	return &execution.Load{Budget: 83000, Requests: 1000, Zipf: 1.1, Rates: []float64{500, 1000, 2000},
		Sources: []execution.LoadTime{{Name: "pages", Capacity: 3000, P95: ms(0.4, 0.6, 1.2)},
			{Name: "from files", Capacity: 700, P95: ms(1.5, 40, 900)}}}
}

// pngOf draws a figure as a picture, to compare with what it looked like.
func pngOf(f *Figure, dpi int) ([]byte, error) {
	var c *vgimg.Canvas
	err := f.render(func() vg.CanvasSizer {
		c = vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
		return c
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = (vgimg.PngCanvas{Canvas: c}).WriteTo(&b)
	return b.Bytes(), err
}

func TestGolden(t *testing.T) {
	for _, c := range charts(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := pngOf(c.figure, 60)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.name+"_golden.png")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			same, err := cmpimg.EqualApprox("png", got, want, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			if !same {
				out := filepath.Join(t.ArtifactDir(), c.name+".png")
				t.Errorf("looks different from %s; see %s, kept with -artifacts", path, out)
				if err := os.WriteFile(out, got, 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestSVG(t *testing.T) {
	for _, c := range charts(t) {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.figure.SVG()
			if err != nil {
				t.Fatal(err)
			}
			again, err := c.figure.SVG()
			if err != nil || again != s {
				t.Errorf("drawn again it is different, or %v", err)
			}
			if !strings.HasPrefix(s, "<svg ") {
				t.Errorf("begins with %.20q: want the svg element, to put into a page", s)
			}
			texts := svgTexts(t, s)
			for _, want := range c.texts {
				if !strings.Contains(texts, want) {
					t.Errorf("%q is missing among the texts:\n%s", want, texts)
				}
			}
		})
	}
}

// svgTexts checks that s is XML, and returns its texts, one a line.
func svgTexts(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for d := xml.NewDecoder(strings.NewReader(s)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && len(bytes.TrimSpace(text)) > 0 {
			b.Write(text)
			b.WriteByte('\n')
		}
	}
}

// Two figures in one page must not share ids, and every text must have its width.
func TestSVGStandsAlone(t *testing.T) {
	for _, c := range charts(t) {
		s, err := c.figure.SVG()
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{" id=", "<?xml", "NaN", "Inf", "image/jpg"} {
			if strings.Contains(s, bad) {
				t.Errorf("%s has %q in its SVG", c.name, bad)
			}
		}
		if n, m := strings.Count(s, "<text "), strings.Count(s, "<text textLength="); n == 0 || n != m {
			t.Errorf("%s: %d of %d texts have a width", c.name, m, n)
		}
	}
}

func TestSave(t *testing.T) {
	f, err := Memory(original())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := f.Save(filepath.Join(dir, "a.svg")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "a.svg"))
	if want, _ := f.SVG(); err != nil || string(data) != want {
		t.Errorf("the file begins with %.9q, error %v: want the figure's SVG", data, err)
	}
	if err := f.Save(filepath.Join(dir, "none", "d.svg")); err == nil {
		t.Error("saved to a folder that is not there: want an error")
	}
}
