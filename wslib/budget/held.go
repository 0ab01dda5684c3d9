package budget

import "weightsep/wslib/page"

// Held counts pages of networks that are packed already.
type Held struct {
	Pages     int // of all networks: entries of tables, and scales
	Shared    int // shared pages that they use
	Exclusive int // exclusive pages of all
	Most      int // exclusive pages of the network that has most
	Keys      int // bytes of the keys of all
}

// HeldBy counts what the networks of a set use.
func HeldBy(s *page.Set) Held {
	h := Held{Shared: s.Shared}
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		h.Pages += len(m.Table.Entries)
		h.Keys += len(m.Keys)
		h.Exclusive, h.Most = h.Exclusive+own, max(h.Most, own)
	}
	return h
}
