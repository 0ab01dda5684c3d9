package cell

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/grid"
	"weightsep/wslib/gridtable"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
	"weightsep/wslib/separation"
	"weightsep/xla"
)

// CheckFormation forms every network of the run and takes the weights from the pages again.
func CheckFormation(run *pipeline.Run) {
	size, weights, count, equal := run.Config().Pages.Size, 0, 0, true
	for _, n := range run.Networks() {
		w := Must(run.Weights(n)).Weights
		pages := page.Form(w, size)
		weights, count, equal = weights+len(w), count+len(pages)/size, equal && slices.Equal(pages[:len(w)], w)
	}
	Claim(equal, "%d weights of %d networks onto %d pages, and back: the same", weights, len(run.Networks()),
		count)
}

// ShowExclusive shows the exclusive pages of the run, and checks that no denser page was left out.
func ShowExclusive(run *pipeline.Run) {
	rows := [][]string{{"network", "pages", "exclusive", "their share of the density"}}
	for _, n := range Must(run.RealFirst()) {
		m := Must(run.Separate(n))
		density := separation.Density(m.Fisher, run.Config().Pages.Size)
		carried, least, left := 0.0, 1.0, 0.0
		for p, d := range density {
			if _, own := slices.BinarySearch(m.Exclusive, p); own {
				carried, least = carried+d, min(least, d)
			} else {
				left = max(left, d)
			}
		}
		if len(m.Exclusive) > 0 && left > least {
			panic(n.Name + ": a denser page was left out")
		}
		rows = append(rows, []string{n.Name, fmt.Sprint(len(density)), fmt.Sprint(m.Exclusive),
			fmt.Sprintf("%.0f %%", 100*carried)})
	}
	Table(rows)
}

// Ways of placement, see [ShowPlacements].
const byCost, atRandom = "by cost", "at random"

// ShowPlacements places the run's networks in other ways, too, and returns what each costs in all.
func ShowPlacements(run *pipeline.Run) map[string]float64 {
	plan := Must(run.Plan())
	rows := [][]string{{"placement", "cost"}, {"of this run: " + run.Config().Pages.Placement,
		fmt.Sprintf("%.3f", plan.TotalCost())}}
	costs := map[string]float64{}
	for _, way := range []struct {
		name  string
		place overlapping.Placement
	}{
		{byCost, overlapping.Greedy}, {atRandom, overlapping.Random(1)},
		{"of each network optimal", overlapping.Optimal},
	} {
		other := Must(overlapping.New(plan.PageSize, plan.Shared))
		other.Doubling = plan.Doubling
		for _, m := range plan.Members {
			Must(other.AddWith(m.Network, way.place))
			other.Average()
		}
		costs[way.name] = other.TotalCost()
		rows = append(rows, []string{way.name, fmt.Sprintf("%.3f", costs[way.name])})
	}
	Table(rows)
	return costs
}

// ShowChanges shows scores before and after, real data first, and the means of each kind of data.
func ShowChanges(s *pipeline.Summary) {
	rows := [][]string{{"network", "data", "before, %", "after, %", "change, points"}}
	for _, n := range s.RealFirst() {
		before, after, change := n.Texts()
		rows = append(rows, []string{n.Name, n.Data, before, after, change})
	}
	Table(rows)
	for _, m := range s.Means {
		fmt.Println(m)
	}
}

// readme are the grids and cells of the rows of README's table.
var readme = [][2]string{{"packing-eight", "joint-32"}, {"packing-eight", "joint-16"},
	{"packing-eight", "joint-50"}, {"packing-mixup", "joint-32bit-5.8"},
	{"packing", "joint-32"}, {"packing-loads", "joint-50"}, {"packing", grid.Alternating}}

// ShowComparison shows the rows of README's table, then other methods, each against separate networks
// after as many further steps. It checks that means are those of their networks.
func ShowComparison() {
	rows := [][]string{{"method", "in README", "packing in bytes", "seeds", "real networks",
		"change, their mean"}}
	add := func(dir, in string, take func(method string) bool) {
		sum, count := 0.0, 0.0
		for _, l := range Must(gridtable.Read(os.DirFS(Documented()), dir)) {
			if l.Network != gridtable.MeanOfReal {
				if l.Data == datasets.Real {
					sum, count = sum+l.Change.Change, count+1
				}
				continue
			}
			if !take(l.Method) {
				sum, count = 0, 0
				continue
			}
			if !(math.Abs(sum/count-l.Change.Change) < 1e-3) {
				panic(fmt.Sprintf("%s: the mean of %s is not that of its networks", dir, l.Method))
			}
			rows = append(rows, []string{l.Method, in, fmt.Sprintf("%.1f", l.Ratio), l.Seeds,
				fmt.Sprint(count), l.Change.String()})
			sum, count = 0, 0
		}
	}
	for _, r := range readme {
		add(r[0], "yes", func(method string) bool { return method == r[1] })
	}
	add("packing", "", func(method string) bool {
		return method != grid.Further && method != grid.Alternating && !strings.HasPrefix(method, "joint-32")
	})
	Table(rows)
}

// Reference is the test accuracy of a network of README's table before packing: the separate network
// after as many further steps, the mean of the table's seeds.
func Reference(name string) float64 {
	lines := Must(gridtable.Read(os.DirFS(Documented()), "packing"))
	i := slices.IndexFunc(lines, func(l gridtable.Line) bool {
		return l.Method == grid.Further && l.Network == name
	})
	return lines[i].Test
}

// packFile is the documented pack.
func packFile() string { return Documented("joint-32", "pack.safetensors") }

// ShowStored shows what the documented pack stores, and checks that its bytes add up to those of the file
// after its header.
func ShowStored() {
	set := Must(pack.Open(packFile())).Set
	b := set.Stored()
	shared, exclusive := set.Precisions()
	own := 0
	for _, m := range set.Networks {
		own += len(m.Table.Exclusive())
	}
	Table([][]string{
		{"part", "what", "bytes"},
		{"shared pages", fmt.Sprintf("%d of %d values, %s", set.Shared, set.Size, shared),
			fmt.Sprint(b.Shared)},
		{"exclusive pages", fmt.Sprintf("%d, %s", own, exclusive), fmt.Sprint(b.Exclusive)},
		{"page tables", "where each page of a network is", fmt.Sprint(b.Tables)},
		{"scales", fmt.Sprintf("one for each of them, %s", set.ScaleFormat), fmt.Sprint(b.Scales)},
		{"total", "", fmt.Sprint(b.Total)},
		{"separate networks", "float32", fmt.Sprint(b.Separate)},
		{"**packing**", "separate / total", fmt.Sprintf("**%.2f**", b.RatioBytes)},
	})
	raw := Must(os.ReadFile(packFile()))
	header := 8 + int(binary.LittleEndian.Uint64(raw))
	Claim(b.Total == b.Shared+b.Exclusive+b.Tables+b.Scales && b.Total == len(raw)-header,
		"%d bytes counted, as many as the file has after its header of %d", b.Total, header)
	Claim(b.RatioBytes >= 32, "%d networks packed %.2f times", len(set.Networks), b.RatioBytes)
}

// ShowRooms shows how much room each network of the documented pack has.
func ShowRooms() {
	f := Must(pack.Open(packFile()))
	var made struct {
		Config struct{ Loads map[string]float64 }
	}
	Do(func(context.Context) error { return json.Unmarshal(f.Made, &made) })
	var tables []page.Table
	for _, n := range f.Set.Networks {
		tables = append(tables, n.Table)
	}
	occupancy := page.Occupancy(tables, f.Set.Shared)
	rows := [][]string{{"network", "pages", "load", "exclusive pages", "networks on a shared page"}}
	for _, n := range f.Set.Networks {
		used, networks := map[int32]bool{}, 0
		for _, e := range n.Table.Entries {
			if int(e) < f.Set.Shared && !used[e] {
				used[e] = true
				networks += occupancy[e]
			}
		}
		rows = append(rows, []string{n.Name, fmt.Sprint(len(n.Table.Entries)),
			fmt.Sprintf("%g", cmp.Or(made.Config.Loads[n.Name], 1)), fmt.Sprint(len(n.Table.Exclusive())),
			fmt.Sprintf("%.2f", float64(networks)/float64(len(used)))})
	}
	Table(rows)
}

// PackedAccuracy is the test accuracy of a network from the documented pack.
func PackedAccuracy(name string) float64 {
	ctx := context.Background()
	backend, _, err := xla.Open(ctx, xla.Options{})
	own := Must(pipeline.FromPack(Must(backend, err), Must(pack.Open(packFile())), nil))
	i := slices.IndexFunc(own, func(o pipeline.Own) bool { return o.Network.Name == name })
	test := Must(datasets.Open(ctx, name, datasets.Options{})).Test
	scorer := Must(score.New(backend, own[i].Network, 100))
	return Must(scorer.Score(ctx, own[i].Values.On(), test))
}

// ShowBudgets shows how budgets of the ten networks are spent, each given by how many times they are packed.
// Networks have equal loads.
func ShowBudgets(times ...float64) {
	rows := [][]string{{"packed", "bytes", "shared pages", "exclusive pages of a network"}}
	for _, ratio := range times {
		c := Must(pipeline.Profile("packing"))
		plan := Must(c.ApplyBudget(nil, budget.Budget{Total: Must(c.Budget(nil, ratio))}))
		rows = append(rows, []string{fmt.Sprintf("%g times", ratio), fmt.Sprint(plan.Bytes),
			fmt.Sprintf("%d, %s", plan.Shared, plan.Precision),
			fmt.Sprintf("%s, %s", plan.ExclusiveRange(), plan.ExclusivePrecision)})
	}
	Table(rows)
}
