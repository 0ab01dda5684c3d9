//go:build !amd64

package page

const wide = false

func decode2x16(*float32, *byte, *byte, int, float32)  {}
func decode4x16(*float32, *byte, *byte, int, float32)  {}
func decode8x16(*float32, *byte, *byte, int, float32)  {}
func decode32x16(*float32, *byte, *byte, int, float32) {}
