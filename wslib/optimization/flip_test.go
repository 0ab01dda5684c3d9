package optimization

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets/files"
)

// A checkpoint that could not be read is refused before there is one, and room is for all arrays together.
func TestCheckpointsThatCanBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npz")
	const most = files.MaxSize / 4
	var r struct{}
	if _, err := loadCheckpoint(path, "print", &r, 1, most+1); err == nil ||
		!strings.Contains(err.Error(), "smaller networks") {
		t.Errorf("%d values: %v", most+1, err)
	}
	if arrays, err := loadCheckpoint(path, "print", &r, most, most, most, most); err != nil || arrays != nil {
		t.Errorf("%d values: %v, %v", most, arrays, err)
	}
}

// A flipped bit of a checkpoint is an error, or changes nothing that is read.
func TestFlippedCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npz")
	type record struct {
		Fingerprint string
		Step        int
	}
	if err := saveCheckpoint(path, record{"print", 7}, map[string][]float32{
		"theta": {1, -2, 3.5, 1e-9}, "m": {0, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) {
		var r record
		arrays, err := loadCheckpoint(path, "print", &r)
		if err == nil && (len(arrays["theta"]) != 4 || len(arrays["m"]) != 4) {
			err = errors.New("want 4 values") // as all who load one say
		}
		text, _ := json.Marshal(r)
		return fmt.Sprint(string(text), arrays["theta"], arrays["m"]), err
	}
	want, err := read()
	if err != nil || want != `{"Fingerprint":"print","Step":7}[1 -2 3.5 1e-09] [0 0 0 1]` {
		t.Fatalf("read %s, %v", want, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if got, err := read(); err == nil && got != want {
				t.Errorf("byte %d, bit %d: read %s", i, bit, got)
			}
		}
	}
}
