package page

// wide says that the machine has AVX2, which decodes sixteen weights at a time.
var wide = hasAVX2()

func hasAVX2() bool

// Each of these writes n weights to dst, a multiple of 16 and not 0, from packed codes of so many bits:
// values times scale, then times the values of keys, unless nil.

//go:noescape
func decode2x16(dst *float32, packed, keys *byte, n int, scale float32)

//go:noescape
func decode4x16(dst *float32, packed, keys *byte, n int, scale float32)

//go:noescape
func decode8x16(dst *float32, packed, keys *byte, n int, scale float32)

//go:noescape
func decode32x16(dst *float32, packed, keys *byte, n int, scale float32)
