package play

import (
	"bytes"
	"encoding/json"
	"html"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/gridtable"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

var results = filepath.Join("..", "..", "results")

// results/play.html is what the documented runs give, and their rule that of the pack.
func TestDocumented(t *testing.T) {
	p, err := Documented(os.DirFS(results))
	if err != nil {
		t.Fatal(err)
	}
	want := mustHTML(t, p)
	got, err := os.ReadFile(filepath.Join(results, "play.html"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("results/play.html is not of `go run ./wslib/ws figures -results results`: %v", err)
	}
	if len(p.Networks) != 10 || len(p.Points) < 20 || len(want) > 300e3 {
		t.Errorf("%d networks, %d points, %d bytes", len(p.Networks), len(p.Points), len(want))
	}
	own, stored := byGo(t, p, p.Settings)
	if stored.Total != 83418 { // of its summary
		t.Errorf("%d bytes by the rule, the run stores 83418", stored.Total)
	}
	for i, n := range p.Networks {
		table := page.Table{Shared: p.Settings.Shared, Entries: n.Table}
		if len(own[i]) != len(table.Exclusive()) {
			t.Errorf("%s: %d exclusive pages by the rule, %d in the pack", n.Name, len(own[i]),
				len(table.Exclusive()))
		}
	}
}

func mustHTML(t *testing.T, p Page) []byte {
	t.Helper()
	raw, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// byGo are the exclusive pages and bytes that the packages of the library give.
func byGo(t *testing.T, p Page, s Settings) ([][]int, page.Stored) {
	t.Helper()
	set := page.Set{Format: page.Format{Size: p.Size, Shared: s.Shared,
		Precision: page.Precision(s.SharedBits), ExclusivePrecision: page.Precision(s.ExclusiveBits),
		ScaleFormat: map[int]page.ScaleFormat{1: page.ScaleLog8, 2: page.ScaleFloat16}[s.ScaleBytes]}}
	var all [][]int
	for _, n := range p.Networks {
		o := separation.Options{TPR: s.TPR, Margin: s.Margin, Shared: s.Shared}
		if s.Doubling {
			o.Shared = len(n.Density)
		}
		if s.Bounded {
			if o.Max = n.Max; n.Max == 0 {
				o.TPR = 0
			}
		}
		own, err := separation.Separate(n.Density, o)
		if err != nil {
			t.Fatal(err)
		}
		m := page.Member{Name: n.Name, Weights: n.Weights, State: make([]float32, n.State),
			Table: page.Table{Shared: s.Shared}}
		k := 0
		for b := range n.Density {
			entry := s.Shared - 1
			if slices.Contains(own, b) {
				entry = s.Shared + k
				k++
			}
			m.Table.Entries = append(m.Table.Entries, int32(entry))
		}
		if s.ScaleBytes > 0 {
			m.Scales = make([]float32, len(n.Density))
		}
		if s.KeyBits > 0 {
			m.Keys = m.Table.PackKeys(make([]float32, n.Weights), p.Size)
		}
		set.Networks = append(set.Networks, m)
		all = append(all, own)
	}
	return all, set.Stored()
}

// small are networks with random densities, some of them equal or 0.
func small() Page {
	rng := rand.New(rand.NewPCG(1, 2))
	p := Page{Title: "small", Size: 13, Settings: Settings{TPR: 1, Margin: 0.1, Shared: 300, SharedBits: 2,
		ExclusiveBits: 8, ScaleBytes: 1}}
	for i, pages := range []int{1, 7, 40, 290} {
		fisher := make([]float32, 13*pages-i)
		for k := range fisher {
			if i != 1 && k/13%5 != 0 { // network 1 has none
				fisher[k] = float32(math.Exp(3*rng.NormFloat64())) * float32(k/13%3)
			}
		}
		p.Networks = append(p.Networks, Network{Name: "net" + string(rune('a'+i)), Weights: len(fisher),
			State: i, Max: 2 * i, Density: separation.Density(fisher, 13)})
	}
	return p
}

var script = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// The script's rule gives the exclusive pages and the bytes that Go gives, whatever the settings.
func TestRuleOfTheScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node to run the script")
	}
	documented, err := Documented(os.DirFS(results))
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Own    [][]int
		Stored page.Stored
		Ratio  float64
	}
	for _, p := range []Page{small(), documented} {
		var all []Settings
		var want []answer
		for _, margin := range []float64{0.01, 0.1, 0.35, 1} {
			for k, shared := range []int{1, 2, 39, 128, 255, 256, 501, 70000} {
				for flags := range 4 {
					s := Settings{TPR: 1, Margin: margin, Shared: shared, Bounded: flags&1 > 0,
						Doubling: flags&2 > 0, SharedBits: []int{32, 8, 4, 2}[k%4],
						ExclusiveBits: []int{8, 32, 2, 4}[(k+flags)%4], ScaleBytes: []int{4, 1, 2}[k%3],
						KeyBits: 2 * (k % 2)}
					if s.SharedBits == 32 && s.ExclusiveBits == 32 && s.KeyBits == 0 {
						s.ScaleBytes = 0
					}
					own, stored := byGo(t, p, s)
					all, want = append(all, s), append(want, answer{own, stored, stored.RatioBytes})
				}
			}
		}
		raw, err := json.Marshal(map[string]any{"page": p, "all": all})
		if err != nil {
			t.Fatal(err)
		}
		found := script.FindSubmatch(mustHTML(t, p))
		if found == nil {
			t.Fatal("no script")
		}
		cmd := exec.Command(node, "-")
		cmd.Stdin = strings.NewReader(string(found[1]) + "\nconst input = " + string(raw) + `;
console.log(JSON.stringify(input.all.map(s => {
  const {Networks, Size} = input.page, Own = exclusives(Networks, s), Stored = stored(Networks, Own, Size, s);
  return {Own, Stored, Ratio: Stored.ratio};
})));`)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("node: %v", err)
		}
		var got []answer
		if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
			t.Fatalf("%d answers, want %d: %v", len(got), len(want), err)
		}
		for i := range want {
			g, w := &got[i], &want[i]
			w.Stored.RatioBytes, w.Stored.RatioWeights, w.Stored.RatioLevel1 = 0, 0, 0
			if !reflect.DeepEqual(g, w) {
				t.Errorf("%s, %+v:\n%+v, want\n%+v", p.Title, all[i], g, w)
			}
		}
	}
}

// Whatever texts from files say, they stay texts, and are all there.
func TestHostileTexts(t *testing.T) {
	const hostile = `</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>"'&{{.}}` +
		"\u2028`${1}"
	p := small()
	p.Title, p.Densities, p.Grids = hostile, hostile, hostile
	for i := range p.Networks {
		n := &p.Networks[i]
		n.Name, n.Data, n.Layers = hostile, hostile, []pack.Layer{{Name: hostile, Shape: []int{1}}}
	}
	p.Points = []Point{{Grid: hostile, Method: hostile, Seeds: hostile, Ratio: 2, Real: &Interval{1, 0, 2}}}
	plain := p
	plain.Networks, plain.Points = slices.Clone(p.Networks), slices.Clone(p.Points)
	plain.Title, plain.Densities, plain.Grids = "t", "d", "g"
	for i := range plain.Networks {
		n := &plain.Networks[i]
		n.Name, n.Data, n.Layers = "n", "k", []pack.Layer{{Name: "l", Shape: []int{1}}}
	}
	plain.Points[0].Grid, plain.Points[0].Method, plain.Points[0].Seeds = "a", "b", "c"
	tags := regexp.MustCompile(`<[A-Za-z/!][^>]*>`)
	raw, harmless := string(mustHTML(t, p)), string(mustHTML(t, plain))
	if got, want := tags.FindAllString(raw, -1), tags.FindAllString(harmless, -1); !slices.Equal(got, want) {
		t.Errorf("%d tags, without hostile texts %d", len(got), len(want))
	}
	_, text, _ := strings.Cut(raw, `id="data">`)
	text, _, _ = strings.Cut(text, "</script>")
	var got Page
	if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("the script reads %.300s: %v", text, err)
	}
	visible, _, _ := strings.Cut(raw, "<script")
	// Twice the title, two sentences, names and data of four networks, three of a point.
	if n := strings.Count(html.UnescapeString(visible), hostile); n != 15 {
		t.Errorf("the text is there %d times, want 15", n)
	}
	for _, bad := range []string{"innerHTML", "outerHTML", "document.write", "insertAdjacent", "eval("} {
		if strings.Contains(script.FindString(raw), bad) {
			t.Errorf("the script has %s, which reads texts as HTML or script", bad)
		}
	}
}

// The page asks for nothing from anywhere.
func TestSelfContained(t *testing.T) {
	raw := strings.ReplaceAll(string(mustHTML(t, small())), "http://www.w3.org/2000/svg", "")
	for _, bad := range []string{"http:", "https:", "src=", "url(", "@import", "<link", "fetch("} {
		if strings.Contains(raw, bad) {
			t.Errorf("%q in the page", bad)
		}
	}
	if !strings.Contains(raw, "default-src 'none'") {
		t.Error("the page does not forbid requests")
	}
	if again := mustHTML(t, small()); !bytes.Equal(again, mustHTML(t, small())) {
		t.Error("equal pages are other bytes")
	}
	if !strings.Contains(raw, "ws grid") { // instead of points
		t.Error("a page without points does not say where they come from")
	}
}

func TestWrongPages(t *testing.T) {
	for want, spoil := range map[string]func(*Page){
		"0 networks":                   func(p *Page) { p.Networks = nil },
		"neta: 2 densities":            func(p *Page) { p.Networks[0].Density = []float64{0.5, 0.5} },
		"netb: a page has density NaN": func(p *Page) { p.Networks[1].Density[0] = math.NaN() },
		"neta: page table: entry 0":    func(p *Page) { p.Networks[0].Table = []int32{301} },
		"a of g: packing ratio 0":      func(p *Page) { p.Points = []Point{{Grid: "g", Method: "a"}} },
		"unsupported value: NaN": func(p *Page) {
			p.Points = []Point{{Ratio: 1, All: &Interval{math.NaN(), 0, 0}}}
		},
	} {
		p := small()
		spoil(&p)
		if _, err := p.HTML(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestPoints(t *testing.T) {
	line := func(method, network, data string, ratio, change float64) gridtable.Line {
		return gridtable.Line{Method: method, Seeds: "1 2", Network: network, Data: data, Bytes: 2, Ratio: ratio,
			Change: bootstrap.Interval{Change: change, Low: change - 1, High: change + 1}}
	}
	got := Points("g", []gridtable.Line{
		line(gridtable.Further, "a", datasets.Real, 1, 0),
		line("joint-4", "a", datasets.Real, 4, 1),
		line("joint-4", "b", datasets.StandIn, 4, 3),
		line("joint-4", gridtable.MeanOfReal, datasets.Real, 4, 1),
		line("joint-4", gridtable.MeanOfAll, "", 4, 2),
		line("no-real", "b", datasets.StandIn, 4, 3),
		line("no-real", gridtable.MeanOfReal, datasets.Real, 4, math.NaN()),
		line("no-real", gridtable.MeanOfAll, "", 4, 3),
	})
	want := []Point{
		{"g", "joint-4", "1 2", 2, 4, 2, 1, &Interval{1, 0, 2}, &Interval{2, 1, 3}},
		{"g", "no-real", "1 2", 2, 4, 1, 1, nil, &Interval{3, 2, 4}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// What is missing or damaged is named.
func TestDocumentedErrors(t *testing.T) {
	for name, text := range map[string]string{
		"pack.safetensors": "x", "density.json": "{", "summary.json": "[]", "table.csv": "no table\n",
	} {
		for _, there := range []bool{true, false} {
			files := fstest.MapFS{}
			for _, file := range []string{"joint-32/pack.safetensors", "joint-32/density.json",
				"joint-32/summary.json", "packing/table.csv"} {
				raw, err := os.ReadFile(filepath.Join(results, file))
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(file, name) {
					raw = []byte(text)
					if !there {
						continue
					}
				}
				files[file] = &fstest.MapFile{Data: raw}
			}
			_, err := Documented(files)
			if !there && name == "table.csv" {
				if err != nil { // there may be no grid
					t.Error(err)
				}
			} else if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, there %v: %v", name, there, err)
			}
		}
	}
}
