package tfcheckpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/network"
)

// tiny is a network of 71 weights.
var tiny = network.Describe("tiny", network.Described{
	Shape: [3]int{6, 6, 1}, Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 2}},
	Dense: []int{8, 4, 3}, Activation: network.LeakyActivation,
})

// ramp is the numbers from, from+1, …
func ramp(from, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(from + i)
	}
	return values
}

// tinyTensors are the weights of tiny, numbered in the order of its weight vector,
// among moments and other tensors, in two shards. bias_1 is of float64.
func tinyTensors() []tensor {
	return []tensor{
		{"beta1_power", float32Type, nil, 0, float32s(0.9)},
		{"weight_0", float32Type, []int{3, 3, 1, 2}, 1, float32s(ramp(0, 18)...)},
		{"weight_0/optimizer", float32Type, []int{3, 3, 1, 2}, 0, float32s(ramp(1000, 18)...)},
		{"bias_0", float32Type, []int{2}, 0, float32s(ramp(18, 2)...)},
		{"bias_0/optimizer", float32Type, []int{2}, 1, float32s(ramp(2000, 2)...)},
		{"weight_1", float32Type, []int{8, 4}, 0, float32s(ramp(20, 32)...)},
		{"bias_1", float64Type, []int{4}, 1, float64s(52, 53, 54, 55+1e-12)},
		{"weight_2", float32Type, []int{4, 3}, 1, float32s(ramp(56, 12)...)},
		{"bias_2", float32Type, []int{3}, 1, float32s(ramp(68, 3)...)},
		{"step", 9, nil, 0, make([]byte, 8)},
		{"empty", float32Type, []int{0, 5}, 0, nil},
	}
}

func open(t testing.TB, prefix string) *Checkpoint {
	t.Helper()
	c, err := Open(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	c := open(t, writeCheckpoint(t, 2, tinyTensors()))
	var want []string
	for _, x := range tinyTensors() {
		want = append(want, x.name)
	}
	slices.Sort(want)
	var got []string
	for _, e := range c.entries {
		got = append(got, e.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	e := c.find("bias_1")
	if e == nil || e.dtype != float64Type || !slices.Equal(e.shape, []int{4}) || e.shard != 1 ||
		e.size != 32 || e.partitioned {
		t.Errorf("entry %+v", e)
	}
	values, shape, err := c.Float32("bias_1")
	if err != nil || !slices.Equal(values, ramp(52, 4)) || !slices.Equal(shape, []int{4}) {
		t.Errorf("bias_1: %v %v %v", values, shape, err)
	}
	values, shape, err = c.Float32("beta1_power")
	if err != nil || !slices.Equal(values, []float32{0.9}) || len(shape) != 0 {
		t.Errorf("beta1_power: %v %v %v", values, shape, err)
	}
	values, shape, err = c.Float32("empty")
	if err != nil || len(values) != 0 || !slices.Equal(shape, []int{0, 5}) {
		t.Errorf("empty: %v %v %v", values, shape, err)
	}
	_, _, err = c.Float32("weight")
	wantError(t, err, "model.index", `no tensor "weight"`)
	_, _, err = c.Float32("step")
	wantError(t, err, "model.data-00000-of-00002", `"step"`, "int64", "want float32 or float64")
}

// TestMaskCRC has the bytes and checksum of Adam's beta1_power, 0 after many
// steps, from a checkpoint that TensorFlow wrote.
func TestMaskCRC(t *testing.T) {
	if got := writerCRC(make([]byte, 4)); got != 974224294 {
		t.Errorf("got %d, want 974224294", got)
	}
}

func TestOpenMissing(t *testing.T) {
	_, err := Open(t.TempDir() + "/none")
	if wantError(t, err, "none.index"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/x.index", 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir + "/x")
	wantError(t, err, "x.index", "want a regular file")
}

// A checkpoint is found by its prefix, by each of its files, and by its folder.
func TestNamesOfACheckpoint(t *testing.T) {
	prefix := writeCheckpoint(t, 2, tinyTensors())
	dir := filepath.Dir(prefix)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder that names no checkpoint: %v", err)
	}
	line := "model_checkpoint_path: \"/somewhere/else/" + filepath.Base(prefix) + "\"\n"
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{prefix, prefix + ".index", prefix + ".meta",
		prefix + ".data-00000-of-00002", dir} {
		if c, err := Open(name); err != nil || c.prefix != prefix {
			t.Errorf("%s: prefix %+v, %v", name, c, err)
		}
	}
}

func TestMissingShard(t *testing.T) {
	prefix := writeCheckpoint(t, 2, tinyTensors())
	shard := prefix + ".data-00001-of-00002"
	if err := os.Remove(shard); err != nil {
		t.Fatal(err)
	}
	c := open(t, prefix)
	if _, _, err := c.Float32("bias_0"); err != nil {
		t.Error(err)
	}
	_, _, err := c.Float32("weight_0")
	if wantError(t, err, shard, "weight_0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestDamagedIndex(t *testing.T) {
	index, _ := encodeCheckpoint(2, tinyTensors())
	if _, err := parseIndex(index); err != nil {
		t.Fatal(err)
	}
	for n := range index {
		if _, err := parseIndex(index[:n]); err == nil {
			t.Errorf("truncated to %d of %d bytes: no error", n, len(index))
		}
		for bit := range 8 {
			b := slices.Clone(index)
			b[n] ^= 1 << bit
			if _, err := parseIndex(b); err == nil {
				t.Errorf("bit %d of byte %d flipped: no error", bit, n)
			}
		}
	}
	prefix := t.TempDir() + "/cut"
	writeFile(t, prefix+".index", index[:100])
	_, err := Open(prefix)
	wantError(t, err, "cut.index", "truncated or damaged")
}

func TestDamagedData(t *testing.T) {
	prefix := writeCheckpoint(t, 1, []tensor{
		{"a", float32Type, []int{3}, 0, float32s(1, 2, 3)},
		{"b", float64Type, []int{2, 1}, 0, float64s(4, 5)},
	})
	path := prefix + ".data-00000-of-00001"
	c := open(t, prefix)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := func(i int) string { // the tensor of byte i
		if i < 12 {
			return "a"
		}
		return "b"
	}
	for n := range data {
		writeFile(t, path, data[:n])
		_, _, err := c.Float32("b")
		wantError(t, err, path, `"b"`, "truncated")
		if _, _, err := c.Float32("a"); (err == nil) != (n >= 12) {
			t.Errorf("truncated to %d bytes: tensor a: %v", n, err)
		}
		flipped := slices.Clone(data)
		flipped[n] ^= 0x10
		writeFile(t, path, flipped)
		_, _, err = c.Float32(bad(n))
		wantError(t, err, path, bad(n), "checksum", "damaged")
	}
}
