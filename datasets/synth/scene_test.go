package synth

import (
	"bytes"
	"image"
	"testing"
)

// What hides the floor in front of the robot, on the left and on the right, is found by
// comparing pictures of a scene with those of the same scene without boxes.
func TestSceneIsBlockedAsTheWaySays(t *testing.T) {
	want := map[Way][2]bool{Forward: {}, Left: {false, true}, Right: {true, false}, Stop: {true, true}}
	for i := range uint64(80) {
		way := Way(i % 4)
		s := NewScene(way, seeded(1, i))
		s.sway = 0 // the middle of the picture is straight ahead
		empty := s
		empty.boxes = nil
		for k := range 5 {
			a, b := image.NewRGBA(image.Rect(0, 0, 320, 180)), image.NewRGBA(image.Rect(0, 0, 320, 180))
			s.Draw(a, k, 5, seeded(2, i))
			empty.Draw(b, k, 5, seeded(2, i))
			horizon := newView(a, s, float64(k)/4, seeded(2, i)).horizon
			got := [2]bool{hidden(a, b, horizon, -0.5, -0.25), hidden(a, b, horizon, 0.25, 0.5)}
			if got != want[way] {
				t.Errorf("scene %d, picture %d: the left and the right are hidden: %v, want %v", i, k, got, want[way])
			}
		}
	}
}

// hidden tells whether two pictures differ in a near part of the floor, from one place
// across to another.
func hidden(a, b *image.RGBA, horizon int, from, to float64) bool {
	deep := a.Rect.Dy() - horizon
	differ, all := 0, 0
	for y := horizon + deep*2/5 + 1; y < a.Rect.Dy(); y++ {
		near := float64(y-horizon) / float64(deep)
		for x := range a.Rect.Dx() {
			across := (2*(float64(x)+0.5)/float64(a.Rect.Dx()) - 1) / near
			if across < from || across > to {
				continue
			}
			all++
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
				differ++
			}
		}
	}
	return differ > all/200
}

// A picture that is part of a larger one is drawn as one of its own, and nothing beside it.
func TestSceneInPartOfPicture(t *testing.T) {
	s := NewScene(Left, seeded(1, 1))
	alone := image.NewRGBA(image.Rect(0, 0, 80, 45))
	s.Draw(alone, 0, 1, seeded(2, 2))
	large := image.NewRGBA(image.Rect(-3, 5, 120, 90))
	part := image.Rect(10, 20, 90, 65)
	s.Draw(large.SubImage(part).(*image.RGBA), 0, 1, seeded(2, 2))
	for y := large.Rect.Min.Y; y < large.Rect.Max.Y; y++ {
		for x := large.Rect.Min.X; x < large.Rect.Max.X; x++ {
			got, want := large.RGBAAt(x, y), alone.RGBAAt(x-10, y-20) // 0 outside
			if got != want {
				t.Fatalf("pixel %d, %d is %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestSceneIsOpaque(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range uint64(40) {
		r := seeded(3, i)
		clear(img.Pix)
		s := NewScene(Way(i%4), r)
		s.Draw(img, 0, 2, r)
		first := bytes.Clone(img.Pix)
		for at := 3; at < len(first); at += 4 {
			if first[at] != 255 {
				t.Fatalf("scene %d: pixel %d was not drawn", i, at/4)
			}
		}
		if s.Draw(img, 1, 2, r); bytes.Equal(first, img.Pix) {
			t.Errorf("scene %d: the next picture is the same", i)
		}
	}
}
