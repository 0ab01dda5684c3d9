package pipeline

import (
	"fmt"

	"weightsep/wslib/optimization"
	"weightsep/wslib/play"
	"weightsep/wslib/separation"
)

// Play is the page to play with, of this run. It needs the Fisher information and the page tables.
func (r *Run) Play() (play.Page, error) {
	densities := map[string][]float64{}
	for _, n := range r.Networks() {
		f, err := r.FisherInformation(n)
		if err != nil {
			return play.Page{}, err
		}
		densities[n.Name] = separation.Density(f, r.config.Pages.Size)
	}
	f, trained, err := r.placed()
	if err != nil {
		return play.Page{}, err
	}
	p, err := play.FromPack(f, densities)
	if err != nil {
		return p, err
	}
	data, err := r.allProvenance()
	if err != nil {
		return p, err
	}
	for i := range p.Networks {
		n := &p.Networks[i]
		n.Data, n.Max = data[n.Name].Kind, int(r.config.Pages.Exclusive.Of(n.Name))
	}
	c, s := r.config.Pages, &p.Settings
	s.TPR, s.Margin, s.Doubling = c.TPR, c.Margin, c.Doubling
	if !trained {
		s.Format(c.PageFormat(), r.config.Optimization.Method == optimization.JointMethod)
	}
	p.Title = fmt.Sprintf("a run of profile %s, packed by the method %s, seed %d", r.config.Profile,
		r.config.Optimization.Method, r.config.Seed)
	p.Densities = fmt.Sprintf("The densities are of this run, from %d samples of each network.",
		c.FisherSamples)
	if r.config.Untrained() || r.config.From != "" {
		p.Densities += " Here the stored ones were not all chosen by the rule."
	}
	return p, nil
}
