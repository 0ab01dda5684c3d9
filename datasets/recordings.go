package datasets

// Recording is what samples are made of before their features are computed: a sound, or
// the movement of a phone.
type Recording struct {
	Label  int32
	Traces []Trace // one for a sound; x, y, z of accelerometer and gyroscope for a movement
}

// Trace is a quantity over time.
type Trace struct {
	Name   string    // "sound", or the sensor and its axis
	Unit   string    // "m/s²" or "rad/s"; empty for a sound, whose full scale is -1 to 1
	Times  []float64 // seconds from the beginning, rising
	Values []float64
}
