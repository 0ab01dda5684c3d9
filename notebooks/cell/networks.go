package cell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/figures"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// ShowNetworks shows what the ten networks are made of, and checks the paper's number of weights.
func ShowNetworks() {
	rows := [][]string{{"network", "input", "convolutions", "dense", "activation", "weights", "pages"}}
	weights, pages := 0, 0
	for _, n := range network.Ten() {
		d, w := n.Model.(*network.Described), n.Weights()
		p := page.Count(w, page.DefaultSize)
		weights, pages = weights+w, pages+p
		rows = append(rows, []string{n.Name, fmt.Sprint(d.Shape), fmt.Sprint(len(d.Convs)), fmt.Sprint(d.Dense),
			string(d.Activation), fmt.Sprint(w), fmt.Sprint(p)})
	}
	Table(rows)
	Claim(weights == 667582 && pages == 1310, "%d weights on %d pages", weights, pages)
}

// Datasets are those of a run's networks, real ones first.
func Datasets(run *pipeline.Run) (all []*datasets.Dataset) {
	for _, n := range run.Networks() { // so that it is known which are real
		Must(run.Data(context.Background(), n.Name))
	}
	for _, n := range Must(run.RealFirst()) {
		all = append(all, Must(run.Data(context.Background(), n.Name)))
	}
	return all
}

// ShowData shows where a run's samples are from, and checks that they fit the networks and that no related
// ones are parted.
func ShowData(run *pipeline.Run) {
	rows := [][]string{{"network", "data", "training", "validation", "test", "groups", "source"}}
	fit, whole := true, true
	for _, d := range Datasets(run) {
		n := Must(network.Select(run.Networks(), d.Name))[0]
		seen, parted := map[int32]bool{}, false
		for _, g := range d.Train.Groups {
			seen[g] = true
		}
		for _, g := range d.Validation.Groups {
			parted = parted || g >= 0 && seen[g]
		}
		p := d.Provenance
		rows = append(rows, []string{n.Name, "**" + p.Kind + "**", fmt.Sprint(d.Train.Len()),
			fmt.Sprint(d.Validation.Len()), fmt.Sprint(d.Test.Len()), fmt.Sprint(len(seen)), p.Source})
		fit = fit && slices.Equal(d.Shape, n.Input()) && d.Classes == n.Outputs()
		whole = whole && (!parted || strings.Contains(p.Note, "too few groups"))
		if n.Name == "mnist" && p.Kind != datasets.Real {
			panic("MNIST is not real")
		}
	}
	Table(rows)
	Claim(fit, "the samples of all %d fit their networks", len(rows)-1)
	Claim(whole, "no group is in training and in validation")
}

// ShowBaselines shows how the separate networks of a run were trained, and checks that it was on its data.
func ShowBaselines(run *pipeline.Run) {
	rows := [][]string{{"network", "trained on", "steps", "best step", "validation %", "test %"}}
	var curves []figures.Curve
	here := true
	for _, d := range Datasets(run) {
		n := Must(network.Select(run.Networks(), d.Name))[0]
		var b baseline.Info
		Check(run.Dir.ReadJSON("baseline "+n.Name, n.Name+"/baseline.json", &b))
		rows = append(rows, []string{n.Name,
			fmt.Sprintf("%s, %d of %d", b.Data.Kind, b.Data.Train, b.Data.TrainOf),
			fmt.Sprint(b.Steps), fmt.Sprint(b.BestStep), fmt.Sprintf("%.2f", 100*b.Validation),
			fmt.Sprintf("%.2f", 100*b.Test)})
		c := figures.Curve{Name: n.Name, Data: b.Data.Kind, Best: b.BestStep}
		for _, p := range b.History {
			c.Steps, c.Validation = append(c.Steps, p.Step), append(c.Validation, p.Validation)
		}
		curves = append(curves, c)
		here = here && len(Must(run.Weights(n)).Weights) == n.Weights() && b.Data.Source == d.Provenance.Source
	}
	Table(rows)
	Claim(here, "each was trained on the data used here")
	Show(figures.Curves("The training of the baselines", curves))
}
