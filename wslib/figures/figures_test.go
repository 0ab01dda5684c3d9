package figures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/cmpimg"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/execution"
	"weightsep/wslib/pack"
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
				"6 x 5 x 3, up_hill to flat; samples: 8 training, 0 validation, 8 test; of 100 training",
				"The first 3 classes."}},
		{"samples_features", must(Samples(testData(t, datasets.Real, 2), 1, 9)),
			[]string{"shapes: real data", "real", "Values from -2 (black) to 2 (white), a hundredth",
				"Channel 0 of 2."}},
		{"counts", must(ClassCounts(testCounts(t))),
			[]string{"stand-in", "cifar10: class 0 to class 9; samples: 55 training, 10 " +
				"validation, 5 test", "gtsrb",
				"real", "43 classes", "of the original's 39,209 training and",
				"no samples in 40 classes",
				"training", "validation", "test", "numbered from 0", "40"}},
		{"curves", must(Curves("Training of the baselines", testCurves())),
			[]string{"Training of the baselines", "mnist", "real", "best: 98.0 % at 2,000", "hhar",
				"stand-in", "best: 75.0 % at 100", "training step", "validation accuracy (%)"}},
		{"density", must(Density(testDensities(), 0.9)),
			[]string{"cifar10", "2 of 4 pages: 90.0 %", "mnist", "0 of 3 pages: 0.0 %",
				"cumulative share (%)", "Dotted: 90 %"}},
		{"fisher", must(Fisher(testDensities())),
			[]string{"cifar10", "page 2: 60.0 %", "mnist", "page 0: 0.0 %", "0.001", "(%, log)"}},
		{"pagemap", must(PageMap(testPack())),
			[]string{"6 pages of 2 networks lie on 3 shared pages (int2)", "Exclusive pages (int8): 1.", "conv",
				"dense", "cifar10", "exclusive"}},
		{"costs", must(Costs(testNames(), [][]float64{{0.5, 2, 0}, {2, 0, 1}, {0, 1, 0.25}})),
			[]string{"share pages: 3.75 in all", "cifar10", "0.25", "(wa - wb)²"}},
		{"history", must(History("Optimization", testNames(), []int{0, 50, 100},
			[][]float64{{0.1, 0.2, 0.3}, {0.5, 0.6, 0.7}, {0.6, 0.9, 0.75}})),
			[]string{"Optimization", "60.0 %  cifar10", "90.0 %  mnist", "75.0 %  mean", "optimization step",
				"validation accuracy (%)"}},
		{"beforeafter", must(BeforeAfter(testRows())),
			[]string{"separation: +0.25 points on real data", "2 networks on real data: +0.25 points",
				"1 network on stand-in data (generated, pale), no accuracies on the datasets: -2.00",
				"stand-in", "+1.5", "95 % interval of the change",
				"-1.0", "test accuracy (%)"}},
		{"pareto", must(Pareto("Packing and accuracy", -3, testPareto())),
			[]string{"Packing and accuracy", "joint pages", "8 bits", "nine tenths (-14.0)",
				"With an arrow: changes below -3", "paper: 5.9x, -0.22", "stated by the paper", "interval",
				"packing ratio in bytes (times, log)",
				"mean change of test accuracy (points)"}},
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

// testPack are two networks of pages of 4 weights on 3 shared ones. Page 1 holds weights of both, of the
// first network two pages. An exclusive page is the first of the first network.
func testPack() *pack.File {
	layers := []pack.Layer{{Name: "conv/kernel", Shape: []int{3, 3}, Offset: 1}, {Name: "conv/bias",
		Shape: []int{1}}, {Name: "dense/kernel", Shape: []int{2, 4}, Offset: 10}}
	table := func(entries ...int32) page.Table { return page.Table{Shared: 3, Entries: entries} }
	return &pack.File{
		Set: &page.Set{
			Format: page.Format{Size: 4, Shared: 3, Precision: page.Int2, ExclusivePrecision: page.Int8},
			Networks: []page.Member{
				{Name: "cifar10", Weights: 18, Table: table(3, 0, 1, 2, 1)},
				{Name: "mnist", Weights: 6, Table: table(1, 0)},
			},
		},
		Networks: []pack.Network{{Layers: layers}, {}},
	}
}

func testRows() []AccuracyRow {
	return []AccuracyRow{
		{"cifar10", datasets.Real, 0.70, 0.715, &bootstrap.Interval{Change: 1.5, Low: -1, High: 4}},
		{"mnist", datasets.Real, 0.98, 0.97, &bootstrap.Interval{Change: -1, Low: -1.2, High: -0.8}},
		{"hhar", datasets.StandIn, 0.05, 0.03, nil},
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

func TestGolden(t *testing.T) {
	for _, c := range charts(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.figure.png(72)
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
			if i := strings.Index(s, `style="`+"fill"); i >= 0 || strings.Contains(s, `style="stroke`) {
				t.Errorf("colours are styles, which viewers of notebooks drop: %.80q", s[max(i, 0):])
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

// A figure is heard, too, and fits a telephone: 520 pixels shrink to 390 with text of 8 pixels at least.
func TestSVGForEveryReader(t *testing.T) {
	for _, c := range charts(t) {
		s, err := c.figure.SVG()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`width="520"`, ` viewBox="0 0 390 `,
			` style="max-width:100%" role="img">` + "<title>" + html.EscapeString(c.figure.Title) + "</title>" +
				"<desc>" + html.EscapeString(c.figure.Shows) + "</desc>"} {
			if !strings.Contains(s, want) {
				t.Errorf("%s: its SVG has no %s", c.name, want)
			}
		}
		if len(c.figure.Shows) < 20 {
			t.Errorf("%s says %q to those who do not see it", c.name, c.figure.Shows)
		}
		for _, size := range fontSizes.FindAllStringSubmatch(s, -1) {
			if points, err := strconv.ParseFloat(size[1], 64); err != nil || points*96/72*390/520 < 7 {
				t.Errorf("%s: text of %s points", c.name, size[1])
			}
		}
	}
}

var fontSizes = regexp.MustCompile(`font-size:([0-9.]+)p[xt]`)

// Every format has the same bytes each time, and begins as others know it.
func TestSave(t *testing.T) {
	f, err := PageMap(testPack())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	begins := map[string]string{".svg": "<svg ", ".png": "\x89PNG", ".pdf": "%PDF-", ".csv": "network,page,"}
	for _, format := range Formats() {
		var files [2][]byte
		for i := range files {
			path := filepath.Join(dir, fmt.Sprint(i)+format)
			if err := f.Save(path); err != nil {
				t.Fatal(err)
			}
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) || !strings.HasPrefix(string(files[0]), begins[format]) {
			t.Errorf("%s begins with %.9q, or is different the second time", format, files[0])
		}
	}
	if err := f.Save(filepath.Join(dir, "none", "d.svg")); err == nil {
		t.Error("saved to a folder that is not there: want an error")
	}
	if err := f.Save(filepath.Join(dir, "d.gif")); err == nil {
		t.Error("saved as GIF: want an error")
	}
	f.Data = nil
	if err := f.Save(filepath.Join(dir, "d.csv")); err == nil {
		t.Error("saved numbers that are not there: want an error")
	}
}
