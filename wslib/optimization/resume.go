package optimization

import (
	"fmt"
	"hash/fnv"

	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// fingerprint ties a checkpoint of the alternating method to its inputs.
func (a *alternating) fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintln(h, "alternating 2", identity(a.recipe,
		page.Format{Size: a.set.Size, Shared: a.set.Shared}, a.Seed))
	fingerprintTasks(h, a.tasks)
	for _, n := range a.networks {
		fmt.Fprintln(h, n.Name, n.Exclusive, n.Weights, n.Fisher)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// save writes the state between two turns.
func (a *alternating) save() error {
	a.Fingerprint = a.print
	a.Tables, a.Costs, a.States = nil, nil, nil
	arrays := map[string][]float32{"shared": a.set.SharedValues()}
	for i, m := range a.set.Networks {
		a.Tables = append(a.Tables, m.Table.Entries)
		a.Costs = append(a.Costs, a.plan.Members[i].Cost)
		a.States = append(a.States, m.State)
		arrays[fmt.Sprint("exclusive", i)] = a.set.ExclusiveValues(i)
		arrays[fmt.Sprint("last", i)] = a.last[i]
	}
	return saveCheckpoint(a.Checkpoint, a.alternatingRecord, arrays)
}

// load goes back to the state of the checkpoint, if there is one. The plan is
// built again by placing each network where its table says.
func (a *alternating) load() error {
	var r alternatingRecord
	if err := loadCheckpoint(a.Checkpoint, &r, nil); err != nil || r.Fingerprint == "" {
		return err
	}
	if r.Fingerprint != a.print {
		return fmt.Errorf("checkpoint %s is of another optimization (other networks, data or options): "+
			"remove it to start over", a.Checkpoint)
	}
	var shared []float32
	arrays := map[string]*[]float32{"shared": &shared}
	exclusive := make([][]float32, len(r.Tables))
	for i := range r.Tables {
		arrays[fmt.Sprint("exclusive", i)] = &exclusive[i]
		arrays[fmt.Sprint("last", i)] = &a.last[i]
	}
	if err := loadCheckpoint(a.Checkpoint, &r, arrays); err != nil {
		return err
	}
	for i, table := range r.Tables {
		_, err := a.plan.AddWith(a.networks[i],
			func(_ *overlapping.Plan, _ overlapping.Network, sharable []int) []int {
				placed := make([]int, len(sharable))
				for k, b := range sharable {
					placed[k] = int(table[b])
				}
				return placed
			})
		if err != nil {
			return fmt.Errorf("checkpoint %s: %w", a.Checkpoint, err)
		}
		a.plan.Members[i].Cost = r.Costs[i] // at placement, against pages that are gone
	}
	a.alternatingRecord = r
	a.set = a.plan.Set(false)
	a.set.Pages = page.PackFloats(shared)
	for i := range a.set.Networks {
		a.set.Networks[i].Exclusive = page.PackFloats(exclusive[i])
		a.set.Networks[i].State = r.States[i]
	}
	return a.set.Validate()
}
