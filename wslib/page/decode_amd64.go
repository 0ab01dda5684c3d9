package page

// wide says that the machine has AVX2, which decodes 16 weights at a time.
var wide = hasAVX2()

func hasAVX2() bool

// Each of these writes n weights to dst, a multiple of 16 and not 0, from packed codes.

// lookup2 looks codes of 2 bits up in values.
//
//go:noescape
func lookup2(dst *float32, packed *byte, n int, values *[4]float32)

// multiply2 multiplies what is in dst by what lookup2 would write.
//
//go:noescape
func multiply2(dst *float32, packed *byte, n int, values *[4]float32)

// scale4, scale8 and scale32 multiply codes of 4 and 8 bits, and float32, by scale.
//
//go:noescape
func scale4(dst *float32, packed *byte, n int, scale float32)

//go:noescape
func scale8(dst *float32, packed *byte, n int, scale float32)

//go:noescape
func scale32(dst *float32, packed *byte, n int, scale float32)
