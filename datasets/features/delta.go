package features

// deltaReach is the number of frames on each side that a delta looks at.
const deltaReach = 4

// Delta returns the change over time of x, frames x width values in row-major order:
// for every value the slope, per frame, of the straight line that fits best the 9
// frames around it,
//
//	d[t] = sum_{n=1..4} n (x[t+n] - x[t-n]) / (2 sum_{n=1..4} n*n).
//
// The first and the last frame are repeated beyond the ends. Values at the end of x
// that do not fill a frame are left out. The width must be positive.
func Delta(x []float64, width int) []float64 {
	frames := len(x) / width
	var norm float64
	for n := 1; n <= deltaReach; n++ {
		norm += 2 * float64(n*n)
	}
	out := make([]float64, frames*width)
	for t := range frames {
		row := out[t*width:][:width]
		for n := 1; n <= deltaReach; n++ {
			after := x[min(t+n, frames-1)*width:][:width]
			before := x[max(t-n, 0)*width:][:width]
			w := float64(n) / norm
			for i := range row {
				row[i] += w * (after[i] - before[i])
			}
		}
	}
	return out
}
