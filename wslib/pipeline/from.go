package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// earlier is the optimized run that another one goes on from, or a pack, whose networks must be given.
type earlier struct {
	config Config
	set    *page.Set
	id     string // of its optimization; of a pack, a hash of the file
	own    []Own
	data   map[string]datasets.Provenance // nil of a pack
}

// readEarlier reads the run in a directory, or a pack.
func readEarlier(path, dataDir string) (*earlier, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return packedEarlier(path)
	}
	r, err := Reopen(path, dataDir, Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	e := &earlier{config: r.Config(), own: r.options.Own}
	if method := e.config.Optimization.Method; method != optimization.JointMethod {
		return nil, fmt.Errorf("%s: pages of %s optimization have no scales: networks cannot join",
			path, method)
	}
	if e.id, err = r.id(stageOptimize); err == nil {
		e.set, err = r.Set()
	}
	if err == nil {
		e.data, err = r.allProvenance()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

func packedEarlier(path string) (*earlier, error) {
	raw, err := files.ReadPath(path, files.MaxSize)
	if err != nil {
		return nil, err
	}
	f, err := pack.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(f.Networks) == 0 {
		return nil, fmt.Errorf("read %s: no networks in it", path)
	}
	sum := sha256.Sum256(raw)
	e := &earlier{set: f.Set, id: hex.EncodeToString(sum[:8])}
	if e.config, err = Profile("quick"); err != nil {
		return nil, err
	}
	var record modelRecord
	if err := json.Unmarshal(f.Networks[0].Model, &record); err != nil {
		return nil, fmt.Errorf("%s: model: %w", path, err)
	}
	e.config.Pages.Format, e.config.Pages.Order = Format(f.Set.Format), record.Order
	for _, m := range f.Set.Networks {
		if m.Scales == nil {
			return nil, fmt.Errorf("%s: its pages have no scales: networks cannot join", path)
		}
	}
	return e, nil
}

// earlier reads the run of Config.From, once; nil if there is none. Its networks that
// this run has, too, keep their pages and values; others are left out, and networks that
// it has not are placed beside them.
func (r *Run) earlier() (*earlier, error) {
	if r.config.From == "" || r.went != nil {
		return r.went, nil
	}
	e, err := readEarlier(r.config.From, r.config.Data.Dir)
	if err == nil {
		err = r.follows(e)
	}
	if err != nil {
		return nil, fmt.Errorf("run to go on from: %w", err)
	}
	if e.set, err = r.kept(e.set); err != nil {
		return nil, fmt.Errorf("run to go on from: %s: %w", r.config.From, err)
	}
	r.went = e
	return e, nil
}

// follows returns an error if this run cannot go on from an earlier one.
func (r *Run) follows(e *earlier) error {
	path, a, b := r.config.From, e.config.Pages, r.config.Pages
	switch noted := r.Dir.Manifest.From; {
	case noted != "" && noted != e.id:
		return fmt.Errorf("%s has other pages than when run directory %s was begun: choose another "+
			"directory",
			path, r.Dir.Path)
	case a.Order != b.Order || a.Size != b.Size:
		return fmt.Errorf("%s has pages of %d (order %q), want %d (%q)", path, a.Size, a.Order, b.Size, b.Order)
	case e.set.KeyPrecision != b.KeyPrecision:
		return fmt.Errorf("%s has %s, want %s", path, keysOf(e.set.KeyPrecision), keysOf(b.KeyPrecision))
	}
	return r.sameData(e)
}

func keysOf(p page.Precision) string {
	if p == 0 {
		return "no keys"
	}
	return fmt.Sprintf("keys of %v", p)
}

// kept is the part of the earlier run's set that stays, as it is stored.
func (r *Run) kept(set *page.Set) (*page.Set, error) {
	want := r.config.Pages.PageFormat()
	want.Shared = set.Shared
	if have := set.Format; have != want {
		return nil, fmt.Errorf("its pages are %+v; to hold its networks, want %+v", have, want)
	}
	var stay []string
	for _, name := range r.config.Networks {
		if set.Index(name) >= 0 {
			stay = append(stay, name)
		}
	}
	set, err := set.Keep(stay...)
	if err != nil {
		return nil, err
	}
	if joins := len(stay) < len(r.config.Networks); set.Shared > r.config.Pages.Shared || joins &&
		set.Shared == r.config.Pages.Shared {
		return nil, fmt.Errorf("the networks that stay use %d shared pages, and there are %d: want as "+
			"many, and more for those that join", set.Shared, r.config.Pages.Shared)
	}
	return set, nil
}

// held says that a network keeps its weights from the earlier run.
func (r *Run) held(name string) (bool, error) {
	went, err := r.earlier()
	return went != nil && went.set.Index(name) >= 0, err
}

// sameData reports data that differ from the earlier run's: what it was trained on may be
// validation samples here. What a pack was trained on is not checked.
func (r *Run) sameData(e *earlier) error {
	if e.data == nil {
		return nil
	}
	a, b := e.config.Data, r.config.Data
	a.Dir, b.Dir = "", ""
	if a != b {
		return fmt.Errorf("%s has data %+v, want %+v", r.config.From, a, b)
	}
	for _, name := range r.config.Networks {
		ours, known, err := r.provenance(name)
		if err != nil {
			return err
		}
		if theirs, has := e.data[name]; has && known &&
			(!theirs.SameFiles(ours) || theirs.Train != ours.Train) {
			return fmt.Errorf("%s has other %s data: %s; here: %s", r.config.From, name, theirs, ours)
		}
	}
	return nil
}

// place puts a network where the earlier run has it.
func (e *earlier) place(n overlapping.Network) (overlapping.Network, overlapping.Placement, bool) {
	if e == nil {
		return n, nil, false
	}
	i := e.set.Index(n.Name)
	if i < 0 {
		return n, nil, false
	}
	table := e.set.Networks[i].Table
	n.Exclusive = table.Exclusive()
	return n, after(0, table), true
}
