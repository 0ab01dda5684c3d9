package datasets

import (
	"context"
	"fmt"
	"image"

	"weightsep/datasets/prepared"
	"weightsep/datasets/synth"
)

// shot is what a worker makes of a track or video.
type shot struct {
	sample prepared.Sample
	pixels [][]byte
}

// standInSigns generates traffic signs: tracks of some ten pictures.
func standInSigns(ctx context.Context, g generation, r *recorder) error {
	const pictures = 10
	plates := make([]synth.Plate, g.classes)
	for c := range plates {
		plates[c] = synth.NewPlate(g.prototype(c))
	}
	return g.shots(ctx, r, func(t take) (shot, error) {
		random := g.random(drawSample, t.class, t.number)
		track := plates[g.truth(t.class, random)].Track(random)
		s := shot{sample: t.sample(g)}
		for i := range pictures {
			img, bounds := track.Draw(i, pictures, random)
			pixels, err := signPixels(img, bounds)
			if err != nil {
				return s, err
			}
			s.pixels = append(s.pixels, pixels)
		}
		return s, nil
	})
}

// obsWays are the classes of obs in their order.
var obsWays = []synth.Way{synth.Right, synth.Forward, synth.Stop, synth.Left}

// standInScenes generates the view of a robot: videos of some ten pictures. What a class
// is does not depend on the seed.
func standInScenes(ctx context.Context, g generation, r *recorder) error {
	const pictures = 10
	return g.shots(ctx, r, func(t take) (shot, error) {
		random := g.random(drawSample, t.class, t.number)
		scene := synth.NewScene(obsWays[g.truth(t.class, random)], random)
		s := shot{sample: t.sample(g)}
		img := image.NewRGBA(image.Rect(0, 0, 320, 180))
		for i := range pictures {
			scene.Draw(img, i, pictures, random)
			s.pixels = append(s.pixels, scenePixels(img))
		}
		return s, nil
	})
}

// shots adds the pictures of tracks or videos until there are as many of each class as
// asked for.
func (g generation) shots(ctx context.Context, r *recorder, work func(take) (shot, error)) error {
	return addTakes(ctx, g, r, func() func(take) (shot, error) { return work },
		func(s shot) int { return int(s.sample.Label) },
		func(s shot, most int) (int, error) {
			n := min(most, len(s.pixels))
			for i, v := range s.pixels[:n] {
				at := s.sample
				at.Name = fmt.Sprintf("%s#%02d", at.Name, i)
				if err := r.addBytes(at, v); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
}
