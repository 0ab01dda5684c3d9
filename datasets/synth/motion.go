package synth

import (
	"math"
	"math/rand/v2"
)

// gravity is the acceleration that a phone at rest measures, in m/s².
const gravity = 9.81

// Motion is something that a person does with a phone about them. It is either a
// repeated movement, such as walking, with short stops, or a rest, such as sitting, with
// a slow sway and a fidget now and then.
type Motion struct {
	pace     float64    // repetitions a second: 0.7 to 3, or 0.1 to 0.5 at rest
	attitude [3]float64 // direction of gravity as the phone sees it, of length 1
	acc      [3]partials
	gyro     [3]partials
	shake    float64 // standard deviation of irregular movement, in m/s²

	// The movement goes over to another strength, and back after some time.
	usual, other float64 // seconds that each lasts on average
	change       float64 // the other strength, in usual ones
}

// NewMotion draws something to do. One in three is a rest.
func NewMotion(r *rand.Rand) Motion {
	m := Motion{pace: octaves(r, 0.7, 3), shake: octaves(r, 0.3, 1), usual: 12, other: 2, change: 0.05}
	strength := octaves(r, 1.5, 4)
	if r.IntN(3) == 0 {
		m = Motion{pace: octaves(r, 0.1, 0.5), shake: octaves(r, 0.01, 0.06), usual: 12, other: 2, change: 15}
		strength = octaves(r, 0.05, 0.25)
	}
	// Upright in a pocket, more or less.
	m.attitude = direction(between(r, -0.3, 0.3), 1, between(r, -0.3, 0.3))
	for axis := range 3 {
		m.acc[axis] = newPartials(strength*about(r, 0.5), r)
		m.gyro[axis] = newPartials(0.3*strength*about(r, 0.5), r)
	}
	return m
}

// Person is who moves and how they carry the phone. To choose some of it, set fields of
// one that [NewPerson] drew.
type Person struct {
	Pace  float64 // factor of the step frequency: 0.8 to 1.25
	Vigor float64 // factor of the movement's strength: 0.5 to 2

	// Turn is a rotation, applied to what the phone measures. NewPerson draws one of up
	// to 50 degrees around any axis.
	Turn [3][3]float64

	// habits are factors of a person's overtones, for both sensors.
	habits [2][3][overtones]float64
}

// NewPerson draws a person.
func NewPerson(r *rand.Rand) Person {
	p := Person{
		Pace:  octaves(r, 0.8, 1.25),
		Vigor: octaves(r, 0.5, 2),
		Turn:  newRotation(50*math.Pi/180, r),
	}
	for sensor := range p.habits {
		for axis := range 3 {
			for h := range overtones {
				p.habits[sensor][axis][h] = about(r, 0.7)
			}
		}
	}
	return p
}

// Record records a person for some seconds with both sensors of a phone. acc and gyro
// are their rates in samples a second, on average while none is missing. The first
// series is in m/s² and includes gravity, the second in rad/s. Both count time from the
// beginning of the recording.
func (m Motion) Record(seconds float64, p Person, acc, gyro float64, r *rand.Rand) (a, g Series) {
	const (
		accNoise  = 0.04  // m/s²
		gyroNoise = 0.005 // rad/s
	)
	walk := m.gait(m.pace*p.Pace*about(r, 0.15), seconds, r)
	vigor := p.Vigor * about(r, 0.3)
	// The phone does not sit the same way every time.
	turn := times(p.Turn, newRotation(0.4, r))
	var mean [3]float64
	var moves, turns [3]partials
	for axis := range 3 {
		mean[axis] = gravity * m.attitude[axis]
		moves[axis] = m.acc[axis].by(p.habits[0][axis], vigor, r)
		turns[axis] = m.gyro[axis].by(p.habits[1][axis], vigor, r)
	}
	a = sensor{acc, accNoise, m.shake * vigor, mean, moves}.record(seconds, walk, turn, r)
	g = sensor{gyro, gyroNoise, 0.3 * m.shake * vigor, [3]float64{}, turns}.record(seconds, walk, turn, r)
	return a, g
}
