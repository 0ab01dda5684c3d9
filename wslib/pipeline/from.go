package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"weightsep/wslib/overlapping"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// earlier is the optimized run that this one goes on from.
type earlier struct {
	set *page.Set
	id  string // of its optimization
}

// earlier reads the run of Config.From, once; nil if there is none. Its networks that
// this run has, too, keep their pages and values; others are left out, and networks that
// it has not are placed beside them.
func (r *Run) earlier() (*earlier, error) {
	if r.config.From == "" {
		return nil, nil
	}
	if r.went != nil {
		return r.went, nil
	}
	set, id, err := r.readFrom()
	if err != nil {
		return nil, fmt.Errorf("run to go on from: %w", err)
	}
	if noted := r.Dir.Manifest.From; noted != "" && noted != id {
		return nil, fmt.Errorf("run to go on from: %s has other pages than when run directory %s was "+
			"begun: choose another directory", r.config.From, r.Dir.Path)
	}
	if a, b := set.KeyPrecision, r.config.Pages.KeyPrecision; a != b {
		return nil, fmt.Errorf("run to go on from: %s has %s, want %s", r.config.From, keysOf(a), keysOf(b))
	}
	if r.config.Hold {
		if set, err = r.kept(set); err != nil {
			return nil, fmt.Errorf("run to go on from: %s: %w", r.config.From, err)
		}
	}
	r.went = &earlier{set, id}
	return r.went, nil
}

// readFrom reads the set of the run, or of the pack, that this one goes on from, and what
// identifies it.
func (r *Run) readFrom() (set *page.Set, id string, err error) {
	path := r.config.From
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		f, err := pack.Open(path)
		if err != nil {
			return nil, "", err
		}
		raw, err := os.ReadFile(path)
		sum := sha256.Sum256(raw)
		return f.Set, hex.EncodeToString(sum[:8]), err
	}
	from, err := Reopen(path, r.config.Data.Dir, Options{ReadOnly: true})
	if err != nil {
		return nil, "", err
	}
	defer from.Close()
	if a, b := from.config.Pages, r.config.Pages; a.Order != b.Order || a.Size != b.Size ||
		a.Shared != b.Shared && !r.config.Hold {
		return nil, "", fmt.Errorf("%s has %d shared pages of %d (order %q), want %d of %d (%q)",
			path, a.Shared, a.Size, a.Order, b.Shared, b.Size, b.Order)
	}
	if err := r.sameData(from); err != nil {
		return nil, "", err
	}
	if id, err = from.id(stageOptimize); err == nil {
		set, err = from.Set()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return set, id, err
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
	if !r.config.Hold {
		return false, nil
	}
	went, err := r.earlier()
	return err == nil && went.set.Index(name) >= 0, err
}

// sameData reports data that differ from the earlier run's: what it was trained on may be
// validation samples here.
func (r *Run) sameData(from *Run) error {
	a, b := from.config.Data, r.config.Data
	a.Dir, b.Dir = "", ""
	if a != b {
		return fmt.Errorf("%s has data %+v, want %+v", r.config.From, a, b)
	}
	for _, name := range r.config.Networks {
		theirs, known, err := from.provenance(name)
		if err != nil {
			return err
		}
		if !known {
			continue // it joins
		}
		ours, known, err := r.provenance(name)
		if err != nil {
			return err
		}
		if known && (!theirs.SameFiles(ours) || theirs.Train != ours.Train) {
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
