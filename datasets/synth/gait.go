package synth

import (
	"math"
	"math/rand/v2"
)

// overtones is the number of multiples of the step frequency in a movement.
const overtones = 4

// partials are the strengths of the multiples of the step frequency: the cosine's and
// the sine's.
type partials [overtones][2]float64

// newPartials draws strengths whose squares sum up to the square of the given one.
func newPartials(strength float64, r *rand.Rand) partials {
	var p partials
	var power float64
	for h := range p {
		for k := range p[h] {
			p[h][k] = r.NormFloat64() / float64(h+1)
			power += p[h][k] * p[h][k]
		}
	}
	scale := strength / math.Sqrt(power)
	for h := range p {
		for k := range p[h] {
			p[h][k] *= scale
		}
	}
	return p
}

// by returns the partials as a person moves this time.
func (p partials) by(habits [overtones]float64, vigor float64, r *rand.Rand) partials {
	for h := range p {
		f := habits[h] * vigor * about(r, 0.4)
		p[h][0] *= f
		p[h][1] *= f
	}
	return p
}

// gait is how a movement goes on in time: the number of steps done, which grows
// unevenly, and the strength, at multiples of gaitStep.
type gait struct{ steps, strength []float64 }

// gaitStep is the time, in seconds, between the points of a gait.
const gaitStep = 0.25

// gait draws a gait at about the given steps a second, for some seconds.
func (m Motion) gait(pace, seconds float64, r *rand.Rand) gait {
	n := int(seconds/gaitStep) + 3
	g := gait{make([]float64, n), make([]float64, n)}
	at, wander := r.Float64(), 0.0
	usual := r.Float64() < m.usual/(m.usual+m.other)
	change := m.change * about(r, 0.7)
	for i := range n {
		g.steps[i] = at
		wander = 0.9*wander + 0.02*r.NormFloat64()
		at += pace * gaitStep * math.Exp(wander)

		lasts := m.usual
		g.strength[i] = 1
		if !usual {
			lasts = m.other
			g.strength[i] = change
		}
		if r.Float64() < gaitStep/lasts {
			usual = !usual
		}
	}
	return g
}

// at returns the steps done by a time in seconds, and the strength.
func (g gait) at(t float64) (steps, strength float64) {
	x := t / gaitStep
	i := int(x)
	x -= float64(i)
	return g.steps[i] + x*(g.steps[i+1]-g.steps[i]), g.strength[i] + x*(g.strength[i+1]-g.strength[i])
}
