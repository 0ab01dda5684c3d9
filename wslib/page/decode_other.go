//go:build !amd64

package page

const wide = false

func lookup2(*float32, *byte, int, *[4]float32)   {}
func multiply2(*float32, *byte, int, *[4]float32) {}
func scale4(*float32, *byte, int, float32)        {}
func scale8(*float32, *byte, int, float32)        {}
func scale32(*float32, *byte, int, float32)       {}
