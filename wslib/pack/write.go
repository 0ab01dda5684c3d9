package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Write writes the pack. Equal packs are equal bytes.
func (f *File) Write(w io.Writer) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	tensors := f.tensors()
	header, err := f.header(tensors)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.data); err != nil {
			return err
		}
	}
	return nil
}

// header is all of the file before its data.
func (f *File) header(tensors []tensor) ([]byte, error) {
	var records []record
	for i, m := range f.Set.Networks {
		n := f.Networks[i]
		records = append(records, record{m.Name, m.Weights, n.Layers, n.Model})
	}
	digest := sha256.New()
	all := map[string]any{} // encoding/json sorts it
	for _, t := range tensors {
		digest.Write(t.data)
		all[t.name] = t
	}
	metadata := map[string]string{"weightsep": Version, "sha256": hex.EncodeToString(digest.Sum(nil))}
	for key, value := range map[string]any{"format": f.Set.Format, "networks": records, "made": f.Made} {
		if key == "made" && f.Made == nil {
			continue
		}
		text, err := marshal(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		metadata[key] = string(text)
	}
	all["__metadata__"] = metadata
	text, err := marshal(all)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 { // the data begin at a multiple of 8
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
