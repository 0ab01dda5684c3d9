package page

// Stored is what a set takes in memory, in bytes, beside what the networks would
// take separately. Everything counts as it is stored, packed pages and keys, scales
// in their format and tables in their width; headers of files do not.
type Stored struct {
	Shared    int `json:"shared"`         // shared pages, level 1
	Exclusive int `json:"exclusive"`      // exclusive pages, level 2
	Keys      int `json:"keys,omitempty"` // level 2, too
	State     int `json:"state,omitempty"`
	Tables    int `json:"tables"`
	Scales    int `json:"scales"`
	Total     int `json:"total"`
	Separate  int `json:"separate"` // float32 weights of all networks

	RatioBytes   float64 `json:"packingRatioBytes"`   // Separate / Total
	RatioWeights float64 `json:"packingRatioWeights"` // weights of the networks / values in pages
	RatioLevel1  float64 `json:"packingRatioLevel1"`  // Separate / (Shared + Tables + Scales)
}

// Level1 is what of it is in device memory: shared pages, tables and scales.
func (b Stored) Level1() int { return b.Shared + b.Tables + b.Scales }

// Stored counts the bytes of the set.
func (s *Set) Stored() Stored {
	shared, exclusive := s.Precisions()
	b := Stored{Shared: s.Shared * shared.Bytes(s.Size)}
	weights, values := 0, s.Shared*s.Size
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		b.Exclusive += own * exclusive.Bytes(s.Size)
		b.Tables += m.Table.Width() * len(m.Table.Entries)
		b.Scales += s.ScaleFormat.Bytes() * len(m.Scales)
		b.Keys += len(m.Keys)
		b.State += 4 * len(m.State)
		weights += m.Weights
		values += own * s.Size
	}
	b.Separate = 4 * weights
	b.Total = b.Level1() + b.Exclusive + b.Keys + b.State
	b.RatioBytes = float64(b.Separate) / float64(b.Total)
	b.RatioWeights = float64(weights) / float64(values)
	b.RatioLevel1 = float64(b.Separate) / float64(b.Level1())
	return b
}
