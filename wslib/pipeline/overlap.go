package pipeline

import "weightsep/wslib/overlapping"

// Overlapped is the outcome of overlapping, as `ws overlap` prints it.
type Overlapped struct {
	PageSize    int                 `json:"pageSize"`
	SharedPages int                 `json:"sharedPages"`
	Networks    []OverlappedNetwork `json:"networks"`
	TotalCost   float64             `json:"totalCost"`
}

// OverlappedNetwork is one network of [Overlapped].
type OverlappedNetwork struct {
	Name      string  `json:"name"`
	Weights   int     `json:"weights"`
	Pages     int     `json:"pages"`
	Exclusive []int   `json:"exclusive"`
	Table     []int32 `json:"table"`
	Cost      float64 `json:"cost"`
}

// OverlapRecord lists what a plan decided.
func OverlapRecord(p *overlapping.Plan) Overlapped {
	o := Overlapped{PageSize: p.PageSize, SharedPages: p.Shared, Networks: []OverlappedNetwork{},
		TotalCost: p.TotalCost()}
	for _, m := range p.Members {
		o.Networks = append(o.Networks, OverlappedNetwork{
			Name: m.Name, Weights: len(m.Weights), Pages: len(m.Table.Entries),
			Exclusive: append([]int{}, m.Exclusive...), Table: m.Table.Entries, Cost: m.Cost,
		})
	}
	return o
}
