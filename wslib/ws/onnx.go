package main

import (
	"context"
	"fmt"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// exportONNX writes networks of a run as ONNX models.
func (f *flags) exportONNX(r *pipeline.Run, nets []*network.Network, out string) error {
	set, err := r.Set()
	if err != nil {
		return err
	}
	return f.saveONNX(set, nets, func() (string, error) { return inRun(r, out, "onnx") })
}

// exportONNXOfPack writes networks of a pack as ONNX models.
func (f *flags) exportONNXOfPack(ctx context.Context, format, path, out string) error {
	if format != "onnx" {
		return usagef("-pack is for -format onnx and c, not %s", format)
	}
	if err := f.refuse("ws export takes a run or a pack: leave out -%s", "run"); err != nil {
		return err
	}
	if out == "" {
		return usagef("ws export -pack needs -out")
	}
	set, nets, _, err := f.inPack(ctx, path)
	if err != nil {
		return err
	}
	return f.saveONNX(set, nets, func() (string, error) { return out, nil })
}

// saveONNX writes networks of a set into a directory, which is asked for when all of them can be written.
func (f *flags) saveONNX(set *page.Set, nets []*network.Network, directory func() (string, error)) error {
	exported, err := onnx.Export(set, nets)
	if err != nil {
		return err
	}
	dir, err := directory()
	if err != nil {
		return err
	}
	if err := exported.Save(dir); err != nil {
		return err
	}
	models := 0
	for name, raw := range exported {
		if name != onnx.PagesFile {
			models += len(raw)
		}
	}
	fmt.Fprintf(f.out, "%s: %d ONNX models of %d bytes, %s of %d bytes\n", dir, len(nets), models,
		onnx.PagesFile, len(exported[onnx.PagesFile]))
	return nil
}
