package optimization

// frame has the sizes of theta and of the gradients that a step adds up.
type frame struct {
	regions
	slots   int // pages of the largest network that is trained
	tenants int // as many pages of networks that are trained may lie on a shared page that is trained
}

func (l layout) frame(trained []int) frame {
	f := frame{regions: l.regions, slots: 1, tenants: 1}
	on := make([]int, l.shared)
	for _, i := range trained {
		m := l.set.Networks[i]
		f.slots = max(f.slots, len(m.Table.Entries))
		for _, e := range m.Table.Entries {
			if int(e) < l.shared && !l.fixed[e] {
				on[e]++
				f.tenants = max(f.tenants, on[e])
			}
		}
	}
	return f
}

// sources says where the update finds gradients of the networks, k-th
// network's page b in row k*slots+b: for each shared page the rows of all pages on it
// [S, tenants], for each exclusive page its row, for each scale its value, for each row of
// keys that of the page. What has none names the row after the last.
func (f frame) sources(l layout, networks []int) (shared, exclusive, scales, keys []int32) {
	none := int32(len(networks) * f.slots)
	shared, exclusive = filled(f.shared*f.tenants, none), filled(f.pages-f.shared, none)
	scales, keys = filled(f.scaled(), none), filled(f.rows, none)
	used := make([]int, f.shared)
	for k, i := range networks {
		key := l.keys[i]
		for b, e := range l.table(i) {
			row := int32(k*f.slots + b)
			switch {
			case int(e) >= f.shared:
				exclusive[int(e)-f.shared] = row
			case !l.fixed[e]:
				shared[int(e)*f.tenants+used[e]] = row
				used[e]++
			}
			if l.scales[i] >= 0 {
				scales[l.scales[i]-f.pages*f.width+b] = row
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
