package optimization

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"slices"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// fingerprint ties a checkpoint to what it is a checkpoint of: going on with other networks, pages,
// data or options would give neither result. rest writes what is of one method only.
func fingerprint(method string, r Recipe, as page.Format, seed uint64, tasks []Task,
	rest func(w io.Writer)) string {
	h := fnv.New64a()
	identity, err := json.Marshal(struct {
		Recipe Recipe
		Pages  page.Format
		Seed   uint64
	}{r, as, seed})
	if err != nil {
		panic(err) // the recipe was validated: its numbers are finite
	}
	fmt.Fprintln(h, method, string(identity))
	for _, t := range tasks {
		samples := t.Data.Provenance
		samples.Note = ""
		fmt.Fprintf(h, "%s %s\n%s %v\n%d %d %v\n", t.Network.Name, t.Network.Architecture(), samples,
			samples.Content, t.Data.Train.Len(), t.Data.Validation.Len(), t.Held)
		binary.Write(h, binary.LittleEndian, t.Teacher.Weights)
		binary.Write(h, binary.LittleEndian, t.Teacher.State)
		// Labels, and about a hundred samples: of data that somebody made there is no provenance.
		for _, s := range []*datasets.Split{t.Data.Train, t.Data.Validation} {
			binary.Write(h, binary.LittleEndian, s.Labels)
			binary.Write(h, binary.LittleEndian, s.Targets)
			for i := 0; i < s.Len(); i += max(1, s.Len()/100) {
				binary.Write(h, binary.LittleEndian, s.Sample(i))
			}
		}
	}
	rest(h)
	return fmt.Sprintf("%016x", h.Sum64())
}

// saveCheckpoint writes a record and arrays as one .npz, whole or not at all; the old one stays
// until the new one is synced.
func saveCheckpoint(path string, record any, arrays map[string][]float32) error {
	if path == "" {
		return nil
	}
	meta, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	entries := []npy.Entry{{Name: recordEntry}}
	if entries[0].Raw, err = npy.Values(meta); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		raw, err := npy.Values(arrays[name])
		if err != nil {
			return fmt.Errorf("checkpoint %s: %w", path, err)
		}
		entries = append(entries, npy.Entry{Name: name, Raw: raw})
	}
	if err := npy.SaveArchive(path, entries); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

const recordEntry = "record"

// loadCheckpoint reads arrays and fills record, which has a field Fingerprint; it gives nil where
// there is no checkpoint. The arrays have at most the given numbers of values; it is an error, also where
// there is no checkpoint yet, if one would be too large to be read.
func loadCheckpoint(path, fingerprint string, record any, values ...int) (map[string][]float32, error) {
	if path == "" {
		return nil, nil
	}
	room := int64(files.MaxSize) // for the record, beside the arrays
	for _, n := range values {
		if n > files.MaxSize/4 {
			return nil, fmt.Errorf("checkpoint %s would have arrays of %d values, and none of more than %d "+
				"can be read: want fewer or smaller networks", path, n, files.MaxSize/4)
		}
		room += 4 * int64(n)
	}
	meta, arrays, err := readCheckpoint(path, room)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var of struct{ Fingerprint string }
	if err == nil {
		err = errors.Join(json.Unmarshal(meta, &of), json.Unmarshal(meta, record))
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s is damaged or cannot be read (remove it to start over): %w",
			path, err)
	}
	if of.Fingerprint != fingerprint {
		return nil, fmt.Errorf("checkpoint %s is of another optimization (other networks, pages, data or "+
			"options): remove it to start over", path)
	}
	return arrays, nil
}

func readCheckpoint(path string, max int64) (record []byte, arrays map[string][]float32, err error) {
	raw, err := npy.ReadArchive(path, max)
	if err != nil {
		return nil, nil, err
	}
	arrays = map[string][]float32{}
	for name, content := range raw {
		if name == recordEntry {
			a, err := npy.Array(name, content, "|u1")
			if err != nil {
				return nil, nil, err
			}
			record = a.Data
		} else if arrays[name], _, err = npy.Floats(name, content); err != nil {
			return nil, nil, err
		}
	}
	return record, arrays, nil
}

// jointState is what a checkpoint of [Joint] holds, its vectors as arrays.
type jointState struct {
	Theta, M, V []float32 `json:"-"`
	Best        []float32 `json:"-"`
	Fingerprint string
	Step        int // steps done
	BestStep    int
	BestPooled  float64
	State       []float32 // of all networks, one after another
	BestState   []float32
	History     []Point
}

func (j *joint) save() error {
	s := j.state
	return saveCheckpoint(j.Checkpoint, s,
		map[string][]float32{"theta": s.Theta, "m": s.M, "v": s.V, "best": s.Best})
}

// load goes back to the state of the checkpoint or, without one, to the start.
func (j *joint) load() error {
	l, s := j.layout, &j.state
	print := fingerprint("joint 3", j.Recipe, j.Format, j.Seed, j.tasks, func(w io.Writer) {
		for _, m := range l.set.Networks {
			fmt.Fprintln(w, m.Name, m.Table, m.Scales != nil)
		}
		binary.Write(w, binary.LittleEndian, l.pack(l.set))
	})
	arrays, err := loadCheckpoint(j.Checkpoint, print, s, l.size(), l.size(), l.size(), l.size())
	if err != nil {
		return err
	}
	if arrays == nil {
		s.Fingerprint, s.Theta = print, l.pack(l.set)
		s.M, s.V = make([]float32, l.size()), make([]float32, l.size())
		for _, m := range l.set.Networks {
			s.State = append(s.State, m.State...)
		}
		return nil
	}
	for name, to := range map[string]*[]float32{"theta": &s.Theta, "m": &s.M, "v": &s.V, "best": &s.Best} {
		if *to = arrays[name]; len(*to) != l.size() {
			return fmt.Errorf("checkpoint %s: %s has %d values, want %d", j.Checkpoint, name, len(*to),
				l.size())
		}
	}
	return nil
}

type alternatingRecord struct {
	Fingerprint string
	Turn        int // turns done
	Steps       int // steps done, over all networks
	Batches     []int
	Tables      [][]int32
	Costs       []float64
	States      [][]float32
	History     []Point
}

// save writes the state between two turns.
func (a *alternating) save() error {
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
	as := page.Format{Size: a.set.Size, Shared: a.set.Shared}
	a.Fingerprint = fingerprint("alternating 2", a.recipe, as, a.Seed, a.tasks, func(w io.Writer) {
		for _, n := range a.networks {
			fmt.Fprintln(w, n.Name, n.Exclusive, n.Weights, n.Fisher)
		}
	})
	values := []int{a.set.Shared * a.set.Size}
	for _, n := range a.networks {
		padded := a.set.Size * page.Count(len(n.Weights), a.set.Size)
		values = append(values, padded, padded) // of its exclusive pages, and its last weights
	}
	arrays, err := loadCheckpoint(a.Checkpoint, a.Fingerprint, &a.alternatingRecord, values...)
	if arrays == nil {
		return err
	}
	if len(a.Tables) > len(a.networks) || len(a.Costs) != len(a.Tables) {
		return fmt.Errorf("checkpoint %s: %d tables and %d costs of %d networks", a.Checkpoint,
			len(a.Tables),
			len(a.Costs), len(a.networks))
	}
	for i, table := range a.Tables {
		if want := page.Count(len(a.networks[i].Weights), a.plan.PageSize); len(table) != want {
			return fmt.Errorf("checkpoint %s: a table of %d pages of network %s, want %d", a.Checkpoint,
				len(table),
				a.networks[i].Name, want)
		}
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
		a.plan.Members[i].Cost = a.Costs[i] // at placement, against pages that are gone
		a.last[i] = arrays[fmt.Sprint("last", i)]
		if want := len(a.networks[i].Weights); len(a.last[i]) != want {
			return fmt.Errorf("checkpoint %s: %d weights of network %s, want %d", a.Checkpoint,
				len(a.last[i]), a.networks[i].Name, want)
		}
	}
	a.set = a.plan.Set(false)
	a.set.Pages = page.PackFloats(arrays["shared"])
	for i := range a.set.Networks {
		a.set.Networks[i].Exclusive = page.PackFloats(arrays[fmt.Sprint("exclusive", i)])
		a.set.Networks[i].State = a.States[i]
	}
	return a.set.Validate()
}
