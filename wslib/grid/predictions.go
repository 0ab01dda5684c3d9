package grid

import (
	"context"

	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
)

// score reads the test data of a network, once: it adds the network to the record, and what it
// has right, and groups, to the vectors.
func (record *Record) score(
	ctx context.Context, r *pipeline.Run, n *network.Network, values network.Values, v vectors,
) error {
	backend, err := r.Backend(ctx)
	if err != nil {
		return err
	}
	data, err := r.Data(ctx, n.Name)
	if err != nil {
		return err
	}
	c, err := score.New(backend, n, 100)
	if err != nil {
		return err
	}
	defer c.Close()
	on := values.On()
	defer network.Free(on...)
	validation, err := c.Score(ctx, on, data.Validation)
	if err != nil {
		return err
	}
	classes, err := c.Predict(ctx, on, data.Test)
	if err != nil {
		return err
	}
	right := right(classes, data.Test.Labels)
	v.right[record.vectorName(n.Name)] = right
	if data.Test.Groups != nil {
		v.groups[n.Name] = renumbered(data.Test.Groups)
	} else if data.Test.Clips != nil { // segments of one recording are related
		v.groups[n.Name] = renumbered(data.Test.Clips)
	}
	record.Separate += 4 * n.Weights()
	record.Networks = append(record.Networks, NetworkRecord{Name: n.Name, Data: data.Provenance.Kind,
		Samples: samples(data), Validation: validation, Test: share(right)})
	return nil
}

// right is 1 for each sample whose class is its label, else 0.
func right(classes, labels []int32) []uint8 {
	r := make([]uint8, len(classes))
	for i, c := range classes {
		if c == labels[i] {
			r[i] = 1
		}
	}
	return r
}

// share of the samples that are right.
func share(right []uint8) float64 {
	n := 0
	for _, v := range right {
		n += int(v)
	}
	return float64(n) / float64(len(right))
}

// renumbered gives groups the numbers 0, 1, … in the order in which they appear; -1 stays.
func renumbered(groups []int32) []int32 {
	numbers := map[int32]int32{-1: -1}
	r := make([]int32, len(groups))
	for i, g := range groups {
		if _, ok := numbers[g]; !ok {
			numbers[g] = int32(len(numbers) - 1)
		}
		r[i] = numbers[g]
	}
	return r
}
