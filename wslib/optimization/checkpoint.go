package optimization

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
	"github.com/sbinet/npyio/npz"

	"weightsep/datasets"
)

// jointState is what a checkpoint of [Joint] holds.
type jointState struct {
	Theta, M, V []float32
	Best        []float32
	jointRecord
}

type jointRecord struct {
	Fingerprint string
	Step        int // steps done
	BestStep    int
	BestPooled  float64
	State       []float32 // of all networks, one after another
	BestState   []float32
	History     []Point
}

// fingerprint ties a checkpoint to what it is a checkpoint of: going on with
// other networks, pages, data or options would give neither result.
func (j *joint) fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintln(h, "joint 3", identity(j.Recipe, j.Format, j.Seed))
	fingerprintTasks(h, j.tasks)
	for _, m := range j.layout.set.Networks {
		fmt.Fprintln(h, m.Name, m.Table, m.Scales != nil)
	}
	binary.Write(h, binary.LittleEndian, j.layout.pack(j.layout.set))
	return fmt.Sprintf("%016x", h.Sum64())
}

// save writes the state whole or not at all; the old checkpoint stays until the
// new one is synced.
func (s *jointState) save(path, fingerprint string) error {
	s.Fingerprint = fingerprint
	return saveCheckpoint(path, s.jointRecord, map[string][]float32{
		"theta": s.Theta, "m": s.M, "v": s.V, "best": s.Best,
	})
}

// loadJoint reads a checkpoint; a missing one is an empty state.
func loadJoint(path, fingerprint string, size int) (jointState, error) {
	var s jointState
	arrays := map[string]*[]float32{"theta": &s.Theta, "m": &s.M, "v": &s.V, "best": &s.Best}
	if err := loadCheckpoint(path, &s.jointRecord, arrays); err != nil || s.Theta == nil {
		return s, err
	}
	if s.Fingerprint != fingerprint {
		return s, fmt.Errorf("checkpoint %s is of another optimization (other networks, pages, data or "+
			"options): remove it to start over", path)
	}
	for name, a := range arrays {
		if len(*a) != size {
			return s, fmt.Errorf("checkpoint %s: %s has %d values, want %d", path, name, len(*a), size)
		}
	}
	return s, nil
}

// saveCheckpoint writes a record and arrays as one .npz, whole or not at all.
func saveCheckpoint(path string, record any, arrays map[string][]float32) error {
	if path == "" {
		return nil
	}
	meta, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	defer f.Cleanup()
	w := npz.NewWriter(f)
	errs := []error{w.Write("record.npy", []uint8(meta))}
	for name, a := range arrays {
		errs = append(errs, w.Write(name+".npy", a))
	}
	errs = append(errs, w.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return nil
}

// loadCheckpoint fills record and arrays from path; a missing file changes
// nothing and is no error.
func loadCheckpoint(path string, record any, arrays map[string]*[]float32) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	if err := readNPZ(f, record, arrays); err != nil {
		return fmt.Errorf("checkpoint %s is damaged (remove it to start over): %w", path, err)
	}
	return nil
}

func readNPZ(f *os.File, record any, arrays map[string]*[]float32) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// npyio takes a truncated array for zeros; the zip has lengths and checksums.
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	for _, entry := range z.File {
		r, err := entry.Open()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	r, err := npz.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	var meta []uint8
	errs := []error{r.Read("record.npy", &meta)}
	for name, a := range arrays {
		errs = append(errs, r.Read(name+".npy", a))
	}
	return errors.Join(append(errs, json.Unmarshal(meta, record))...)
}

// fingerprintSplit writes labels, and about a hundred samples: of data that somebody made
// there is no provenance.
func fingerprintSplit(w io.Writer, s *datasets.Split) {
	binary.Write(w, binary.LittleEndian, s.Labels)
	binary.Write(w, binary.LittleEndian, s.Targets)
	for i := 0; i < s.Len(); i += max(1, s.Len()/100) {
		binary.Write(w, binary.LittleEndian, s.Sample(i))
	}
}

// fingerprintTasks writes what identifies networks, their data and their teachers.
func fingerprintTasks(w io.Writer, tasks []Task) {
	for _, t := range tasks {
		samples := t.Data.Provenance
		samples.Note = ""
		fmt.Fprintf(w, "%s %s\n%s %v\n%d %d %v\n", t.Network.Name, t.Network.Architecture(), samples,
			samples.Content, t.Data.Train.Len(), t.Data.Validation.Len(), t.Held)
		binary.Write(w, binary.LittleEndian, t.Teacher.Weights)
		binary.Write(w, binary.LittleEndian, t.Teacher.State)
		fingerprintSplit(w, t.Data.Train)
		fingerprintSplit(w, t.Data.Validation)
	}
}
