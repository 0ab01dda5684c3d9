package optimization

import "slices"

// frame has the sizes of the vector that a step works on, divided as theta is. Where all
// networks take part in a step it is theta. Where some do, it has room for what any of as
// many use, so nothing is compiled anew, and a step costs no more when there are more
// networks.
type frame struct {
	regions
	slots   int // pages of the largest network that is trained
	tenants int // as many pages of a step's networks may lie on a shared page that is trained
}

// all says that the vector is theta itself.
func (f frame) all(l layout) bool { return f.regions == l.regions }

// frame of steps in which n of the trained networks take part.
func (l layout) frame(trained []int, n int) frame {
	f := frame{regions: l.regions, slots: 1}
	var used, own, scales, keys []int // by each network: shared pages, exclusive ones, …
	on := make([][]int, l.shared)     // pages of each network on each shared page
	for _, i := range trained {
		m := l.set.Networks[i]
		count := map[int32]int{}
		for _, e := range m.Table.Entries {
			if int(e) < l.shared {
				count[e]++
			}
		}
		for e, c := range count {
			if !l.fixed[e] {
				on[e] = append(on[e], c)
			}
		}
		used, own = append(used, len(count)), append(own, len(m.Table.Exclusive()))
		scales, keys = append(scales, len(m.Scales)), append(keys, l.keyed(i))
		f.slots = max(f.slots, len(m.Table.Entries))
	}
	f.tenants = 1
	for _, counts := range on {
		f.tenants = max(f.tenants, largest(counts, n))
	}
	if n < len(trained) {
		f.shared = max(1, min(l.shared, largest(used, n)))
		f.pages = f.shared + largest(own, n)
		f.latent = f.pages*f.width + largest(scales, n)
		f.rows = largest(keys, n)
	}
	return f
}

// largest is the sum of the n largest values, which it sorts.
func largest(values []int, n int) int {
	slices.SortFunc(values, func(a, b int) int { return b - a })
	sum := 0
	for _, v := range values[:min(n, len(values))] {
		sum += v
	}
	return sum
}

// view says where the networks of one step find what they use in the vector that the step
// works on, and where in theta that comes from.
type view struct {
	tables [][]int32 // of each network: its pages among all of the vector's
	scales []int     // of each: place of its first scale; -1: none
	keys   []int     // of each: its first row of keys; -1: none
	fixed  []bool    // of all pages, those that are not trained

	// Pages, scales and rows of keys of theta that the vector's are, -1 of room that is left;
	// nil where the vector is theta.
	pagesOf, scalesOf, keysOf []int32
}

// whole is the view of networks for which the step works on theta itself.
func (l layout) whole(networks []int) view {
	v := view{fixed: l.fixed}
	for _, i := range networks {
		v.tables = append(v.tables, l.table(i))
		v.scales, v.keys = append(v.scales, l.scales[i]), append(v.keys, l.keys[i])
	}
	return v
}

// part is the view of networks that work on a frame of what they use, one after another.
func (l layout) part(f frame, networks []int) view {
	v := view{fixed: make([]bool, f.pages), pagesOf: filled(f.pages, -1), scalesOf: filled(f.scaled(), -1), keysOf: filled(f.rows, -1)}
	shared, own, scales, keys := 0, f.shared, 0, 0
	place := map[int32]int32{} // in the frame, of theta's pages
	for _, i := range networks {
		m, table := l.set.Networks[i], l.table(i)
		for b, e := range table {
			at, ok := place[e]
			if !ok {
				next := &shared
				if int(e) >= l.shared {
					next = &own
				}
				at = int32(*next)
				*next++
				place[e], v.pagesOf[at], v.fixed[at] = at, e, l.fixed[e]
			}
			table[b] = at
		}
		v.tables = append(v.tables, table)
		v.scales, v.keys = append(v.scales, -1), append(v.keys, -1)
		if l.scales[i] >= 0 {
			v.scales[len(v.scales)-1] = f.pages*f.width + scales
			for b := range m.Scales {
				v.scalesOf[scales] = int32(l.scales[i] - l.pages*l.width + b)
				scales++
			}
		}
		if n := l.keyed(i); n > 0 {
			v.keys[len(v.keys)-1] = keys
			for b := range n {
				v.keysOf[keys] = int32(l.keys[i] + b)
				keys++
			}
		}
	}
	return v
}

// each visits what the view has of theta: n values at here in the frame, at there in theta.
func (v view) each(f frame, l layout, visit func(here, there, n int)) {
	for at, from := range v.pagesOf {
		if from >= 0 {
			visit(at*f.width, int(from)*f.width, f.width)
		}
	}
	for at, from := range v.scalesOf {
		if from >= 0 {
			visit(f.pages*f.width+at, l.pages*l.width+int(from), 1)
		}
	}
	for at, from := range v.keysOf {
		if from >= 0 {
			visit(f.latent+at*f.width, l.latent+int(from)*f.width, f.width)
		}
	}
}

// sources says where the update finds gradients of a step of a view's networks, k-th
// network's page b in row k*slots+b: for each shared page the rows of all pages on it
// [S, tenants], for each exclusive page its row, for each scale its value, for each row of
// keys that of the page. What has none names the row after the last.
func (f frame) sources(v view) (shared, exclusive, scales, keys []int32) {
	none := int32(len(v.tables) * f.slots)
	shared, exclusive = filled(f.shared*f.tenants, none), filled(f.pages-f.shared, none)
	scales, keys = filled(f.scaled(), none), filled(f.rows, none)
	used := make([]int, f.shared)
	for k, table := range v.tables {
		key := v.keys[k]
		for b, e := range table {
			row := int32(k*f.slots + b)
			switch {
			case int(e) >= f.shared:
				exclusive[int(e)-f.shared] = row
			case !v.fixed[e]:
				shared[int(e)*f.tenants+used[e]] = row
				used[e]++
			}
			if v.scales[k] >= 0 {
				scales[v.scales[k]-f.pages*f.width+b] = row
			}
			if key >= 0 && int(e) < f.shared {
				keys[key] = row
				key++
			}
		}
	}
	return shared, exclusive, scales, keys
}

func filled(n int, value int32) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = value
	}
	return v
}
