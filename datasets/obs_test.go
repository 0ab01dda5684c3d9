package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"path"
	"slices"
	"strings"
	"testing"
)

// scene returns a PNG picture of one colour.
func scene(t *testing.T, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// obsClass returns the label of a class.
func obsClass(name string) int32 { return int32(slices.Index(obsClasses, name)) }

// level returns a picture that becomes one grey level all over.
func level(t *testing.T, v int) []byte { return scene(t, 8, 5, color.Gray{Y: uint8(v)}) }

func TestOBSPixels(t *testing.T) {
	exact := image.NewGray(image.Rect(0, 0, obsWidth, obsHeight)) // as large as a sample
	for i := range exact.Pix {
		exact.Pix[i] = byte(i * 7)
	}
	var exactPNG bytes.Buffer
	if err := png.Encode(&exactPNG, exact); err != nil {
		t.Fatal(err)
	}
	halves := image.NewGray(image.Rect(0, 0, 320, 180)) // the left one black, the right one grey
	for y := range 180 {
		for x := 160; x < 320; x++ {
			halves.SetGray(x, y, color.Gray{Y: 200})
		}
	}
	var halvesJPEG bytes.Buffer
	if err := jpeg.Encode(&halvesJPEG, halves, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	files := []file{
		{"Forward/a.png", exactPNG.Bytes()},
		{"Left/b.jpg", halvesJPEG.Bytes()},
		{"Right/c.PNG", scene(t, 320, 180, color.NRGBA{R: 200, G: 100, B: 50, A: 255})},
		{"Stop/d.Jpeg", halvesJPEG.Bytes()},
	}
	s, err := loadFresh(t, entryOf("obs"), unpack(t, t.TempDir(), files...))
	if err != nil {
		t.Fatal(err)
	}
	// In the order of the files' names.
	if want := []int32{obsClass("Forward"), obsClass("Left"), obsClass("Right"),
		obsClass("Stop")}; !slices.Equal(s.Train.Labels, want) {
		t.Fatalf("labels %v, want %v", s.Train.Labels, want)
	}
	for i, v := range s.Train.Sample(0) {
		if v != float32(byte(i*7))/255 {
			t.Errorf("value %d of a picture of the right size is %v, want %v", i, v, float32(byte(i*7))/255)
			break
		}
	}
	for _, sample := range []int{1, 3} {
		v := s.Train.Sample(sample)
		for _, p := range []struct{ x, want int }{{0, 0}, {37, 0}, {42, 200}, {79, 200}} {
			for _, y := range []int{0, 22, 44} {
				if got := float64(v[y*obsWidth+p.x]) * 255; math.Abs(got-float64(p.want)) > 1.5 {
					t.Errorf("sample %d, row %d, column %d: %v, want %d", sample, y, p.x, got, p.want)
				}
			}
		}
	}
	for i, v := range s.Train.Sample(2) { // 0.299*200 + 0.587*100 + 0.114*50 = 124.2
		if v != float32(124)/255 {
			t.Errorf("value %d of a coloured picture is %v, want 124/255", i, v*255)
			break
		}
	}
}

// What class, video and frame a name says.
func TestOBSNames(t *testing.T) {
	for _, c := range []struct {
		name, class string // no class if it is no sample
		video       string // without the class
	}{
		{"Forward/Forward_bg1_obj4.jpg", "Forward", "forward_bg1_obj4"},
		{"Left/Left_bg2_obj1-100006.jpg", "Left", "left_bg2_obj1-1"},
		{"Left/Left_bg2_obj500046.jpg", "Left", "left_bg2_obj5"},
		{"Left/Left_bg1_obj2-2.jpg", "Left", "left_bg1_obj2-2"},
		{"Right/RIght_bg1_obj1-100045.jpg", "Right", "right_bg1_obj1-1"},
		{"any/depth/STOP/Stop_bg1_obj5-100046.png", "Stop", "stop_bg1_obj5-1"},
		{"stop/anything.jpeg", "Stop", "anything"},
		{"Stop/deeper/x.jpg", "", ""},
		{"Back/Back_bg1_obj1.jpg", "", ""},
		{"x.jpg", "", ""},
		{"Stop/x.gif", "", ""},
		{"Stop/jpg", "", ""},
		{"Stop/x.jpg.txt", "", ""},
	} {
		s, ok, _ := obsSample(c.name)
		if ok != (c.class != "") {
			t.Errorf("%s: is a sample: %v", c.name, ok)
			continue
		}
		if ok && (s.Label != obsClass(c.class) || s.Group != c.class+"/"+c.video ||
			s.Name != c.class+"/"+path.Base(c.name)) {
			t.Errorf("%s: %+v, want class %s and the video %q", c.name, s, c.class, c.video)
		}
	}
}

// Trained networks of the original have the classes in this order.
func TestOBSClasses(t *testing.T) {
	if want := []string{"Right", "Forward", "Stop", "Left"}; !slices.Equal(entryOf("obs").ClassNames, want) {
		t.Errorf("classes %v, want %v", entryOf("obs").ClassNames, want)
	}
}

// videos returns pictures: of each class the given number of videos of 1 to 3 frames.
// The grey levels tell the pictures of a class from each other.
func videos(t *testing.T, of map[string]int) (files []file) {
	t.Helper()
	for class, n := range of {
		at := 0
		for v := range n {
			for frame := range 1 + v%3 {
				name := fmt.Sprintf("%s/%s_bg%d_obj%d%05d.png", class, class, 1+v/10, v%10, 40+3*frame)
				files = append(files, file{name, level(t, at)})
				at++
			}
		}
	}
	return files
}

func TestOBSTestVideos(t *testing.T) {
	of := map[string]int{"Forward": 12, "Left": 5, "Right": 2, "Stop": 1}
	folder := unpack(t, t.TempDir(), videos(t, of)...)
	s, err := loadFresh(t, entryOf("obs"), folder)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Provenance; p.Kind != Real || p.Source != "pictures of 20 videos" || p.TrainOf != 0 {
		t.Errorf("provenance %+v", p)
	}
	in := map[int32]map[int32]bool{} // test videos of each class
	trained := map[int32]bool{}
	for _, g := range s.Train.Groups {
		trained[g] = true
	}
	for i, g := range s.Test.Groups {
		if trained[g] {
			t.Errorf("video %d is in both splits", g)
		}
		c := s.Test.Labels[i]
		if in[c] == nil {
			in[c] = map[int32]bool{}
		}
		in[c][g] = true
	}
	// A fifth, but one of two, and none of one.
	for class, want := range map[string]int{"Forward": 2, "Left": 1, "Right": 1, "Stop": 0} {
		if got := len(in[obsClass(class)]); got != want {
			t.Errorf("%d test videos of %s, want %d", got, class, want)
		}
	}
	if len(trained) != 16 {
		t.Errorf("%d training videos, want 16", len(trained))
	}

	// The choice is by the videos' names alone: more frames do not change it, nor where
	// the folder is, nor how the names of classes are written.
	want := testLevels(s)
	more := under("deeper", append(videos(t, of), file{"Forward/Forward_bg1_obj000099.png", level(t, 200)}))
	for i := range more {
		more[i].name = strings.Replace(more[i].name, "/Left/Left_", "/LEFT/leFt_", 1)
	}
	again, err := loadFresh(t, entryOf("obs"), unpack(t, t.TempDir(), more...))
	if err != nil {
		t.Fatal(err)
	}
	got := testLevels(again)
	delete(got, fmt.Sprint(obsClass("Forward"), 200))
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("other test samples: %v, want %v", got, want)
	}
}

// testLevels returns class and grey level of the test samples.
func testLevels(s *Dataset) map[string]bool {
	set := map[string]bool{}
	for i, c := range s.Test.Labels {
		set[fmt.Sprint(c, math.Round(255*float64(s.Test.Sample(i)[0])))] = true
	}
	return set
}

func TestOBSOpen(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, under("obs", append(videos(t,
		map[string]int{"Forward": 30, "Left": 30, "Right": 30, "Stop": 30}),
		file{"README.md", nil}, file{"Forward/.hidden.png", nil}, file{"Forward/Thumbs.db", nil}))...)
	d, err := Open(t.Context(), "obs", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	checkGroups(t, "obs", d)
	n := d.Train.Len() + d.Validation.Len()
	if v := d.Validation.Len(); v < n/20 || v > n/5 {
		t.Errorf("%d of %d samples are held out", v, n)
	}
	for part, s := range map[string]*Split{"training": d.Train, "validation": d.Validation, "test": d.Test} {
		for c, n := range classCounts(s, 4) {
			if n == 0 {
				t.Errorf("no %s samples of %s", part, obsClasses[c])
			}
		}
	}
}

func TestOBSErrors(t *testing.T) {
	cut := level(t, 9)[:40]
	for _, c := range []struct {
		name  string
		files []file
		want  []string
	}{
		{"no folder of a class", []file{{"forwards/x.jpg", level(t, 1)}},
			[]string{"expected folders " + strings.Join(obsClasses, ", ") + " of .jpg or .png pictures"}},
		{"no pictures", []file{{"Forward/x.txt", nil}},
			[]string{"expected folders " + strings.Join(obsClasses, ", ")}},
		{"one picture", []file{{"Forward/x.png", level(t, 1)}},
			[]string{"found 1 training and 0 test samples"}},
		{"empty", []file{{"Left/x.jpg", nil}}, []string{"Left/x.jpg", "found no data"}},
		{"cut", []file{{"Left/x.png", cut}}, []string{"Left/x.png", "PNG"}},
		{"text", []file{{"Left/x.png", []byte("<html>")}}, []string{"Left/x.png", "<html>"}},
		{"no pixels", []file{{"Left/x.png", bytes.Replace(level(t, 1), []byte{0, 0, 0, 8, 0, 0, 0, 5},
			make([]byte, 8), 1)}}, []string{"Left/x.png", "PNG"}},
	} {
		dir := t.TempDir()
		unpack(t, dir, under("obs", c.files)...)
		_, err := Open(t.Context(), "obs", Options{Dir: dir})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, want)
			}
		}
	}
}
