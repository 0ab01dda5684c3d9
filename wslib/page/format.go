package page

import (
	"cmp"
	"fmt"
)

// Format says how a set is stored: all that is not of a single network.
type Format struct {
	Size               int         `json:"pageSize"`    // values in a page
	Shared             int         `json:"sharedPages"` // number of shared pages
	Precision          Precision   `json:"precision,omitempty"`
	ExclusivePrecision Precision   `json:"exclusivePrecision,omitempty"` // 0: as Precision
	ScaleFormat        ScaleFormat `json:"scaleFormat,omitempty"`
	KeyPrecision       Precision   `json:"keyPrecision,omitempty"` // Int2; 0: no network has keys
}

// Precisions are those of shared and of exclusive pages, the latter as Precision
// where ExclusivePrecision is 0.
func (f Format) Precisions() (shared, exclusive Precision) {
	return f.Precision, cmp.Or(f.ExclusivePrecision, f.Precision)
}

// most is the largest number of pages or of values in a page: products of two such
// numbers and the bytes of a value do not overflow.
const most = 1 << 29

// Validate returns an error for sizes out of range and for unsupported precisions and
// scale formats.
func (f Format) Validate() error {
	if f.Size < 1 || f.Shared < 1 || f.Size > most || f.Shared > most {
		return fmt.Errorf("%d shared pages of %d, want 1 to %d of 1 to %d", f.Shared, f.Size, most, most)
	}
	if err := f.Precision.Validate(); err != nil {
		return err
	}
	if _, exclusive := f.Precisions(); exclusive.Validate() != nil {
		return fmt.Errorf("exclusive pages: %w", exclusive.Validate())
	}
	if f.KeyPrecision != 0 && f.KeyPrecision != Int2 {
		return fmt.Errorf("keys of %v, want %v or none", f.KeyPrecision, Int2)
	}
	return f.ScaleFormat.Validate()
}
