package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"weightsep/datasets/files"
)

// Copies of executed notebooks are kept in the checkout, for those who read and do not run. The notebooks
// themselves stay without outputs.

// keptDir is where they are, in the checkout.
var keptDir = filepath.Join("results", "walkthrough")

// A document is a notebook as its file has it.
type document map[string]any

func readDocument(file string) (document, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

func parseDocument(text string) (d document, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err = dec.Decode(&d); err == nil && d == nil {
		err = errors.New("null, want a notebook")
	}
	return d, err
}

// bytes are those that Jupyter writes.
func (d document) bytes() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(d)
	return b.Bytes(), err
}

func (d document) cells() (cells []map[string]any) {
	list, _ := d["cells"].([]any)
	for _, c := range list {
		if cell, ok := c.(map[string]any); ok {
			cells = append(cells, cell)
		}
	}
	return cells
}

func (d document) metadata() map[string]any {
	m, ok := d["metadata"].(map[string]any)
	if !ok {
		m = map[string]any{}
		d["metadata"] = m
	}
	return m
}

// content is what a person wrote: kind and text of each cell.
func (d document) content() (content [][2]string) {
	for _, c := range d.cells() {
		content = append(content, [2]string{fmt.Sprint(c["cell_type"]), text(c["source"])})
	}
	return content
}

// text is a text of a file, which has it as a string or as a list of lines.
func text(v any) string {
	if list, ok := v.([]any); ok {
		var b strings.Builder
		for _, line := range list {
			b.WriteString(text(line))
		}
		return b.String()
	}
	s, _ := v.(string)
	return s
}

// toKeep makes d, a notebook of the checkout, the one to keep, with empty outputs: nothing in it differs
// from run to run, and its links lead to the same from keptDir.
func (d document) toKeep(profile string) {
	for i, c := range d.cells() {
		if _, ok := c["id"]; !ok {
			c["id"] = fmt.Sprintf("cell-%02d", i)
		}
		if c["cell_type"] == "code" {
			c["execution_count"], c["outputs"] = nil, []any{}
		} else {
			c["source"] = strings.ReplaceAll(text(c["source"]), "](../", "](../../")
		}
	}
	d.metadata()["weightsep"] = map[string]any{"profile": profile}
	d["nbformat"], d["nbformat_minor"] = 4, 5
}

// addOutputs makes the source the copy to keep, with the outputs of the executed notebook,
// in which names replaces places of this machine.
func addOutputs(source, executed document, profile string, names *strings.Replacer) error {
	if !reflect.DeepEqual(source.content(), executed.content()) {
		return errors.New("it was executed from other cells than there are now: run it again")
	}
	source.toKeep(profile)
	ran := executed.cells()
	for i, c := range source.cells() {
		if c["cell_type"] != "code" {
			continue
		}
		outputs := []any{}
		all, _ := ran[i]["outputs"].([]any)
		for _, o := range all {
			output, _ := o.(map[string]any)
			if output["execution_count"] != nil {
				output["execution_count"] = nil
			}
			if output["output_type"] == "stream" {
				printed := stageTime.ReplaceAllString(text(output["text"]), "")
				if printed == "" {
					continue
				}
				output["text"] = slices.Collect(strings.Lines(printed))
			}
			raw, err := json.Marshal(output)
			if err != nil {
				return err
			}
			kept, err := parseDocument(names.Replace(string(raw)))
			if err != nil {
				return err
			}
			outputs = append(outputs, map[string]any(kept))
		}
		c["outputs"] = outputs
	}
	return nil
}

// stageTime is a line on how long a stage of the run took.
var stageTime = regexp.MustCompile(`(?m)^\S.* 1/1 done in [\d.]+ s\n`)

// ofMachine is what a copy must not have: paths that are one machine's, and times of day.
var ofMachine = regexp.MustCompile(
	`(?:^|[\s"'(=:>])/(?:home|root|Users|tmp|var|private|mnt|work|opt)/[^\s"]*|\b\d\d:\d\d:\d\d\b`)

// keep writes the copies of what the jobs executed to the checkout at root. Copies of notebooks that are no
// more are removed.
func keep(root string, opts *options, jobs []job, progress *log.Logger) error {
	var pairs []string // places of this machine, and what stands for each
	home, _ := os.UserHomeDir()
	for _, name := range [][2]string{{opts.runDir, "RUN"}, {opts.data, "DATA"}, {root, "."}, {home, "~"}} {
		if len(name[0]) > 1 {
			pairs = append(pairs, name[0], name[1])
		}
	}
	names := strings.NewReplacer(pairs...)
	dir := filepath.Join(root, keptDir)
	copies, all := map[string][]byte{}, 0
	for _, j := range jobs {
		source, err := readDocument(j.source)
		if err != nil {
			return err
		}
		executed, err := readDocument(j.executed)
		if err != nil {
			return err
		}
		if err := addOutputs(source, executed, opts.profile, names); err != nil {
			return fmt.Errorf("%s: %w", j.executed, err)
		}
		b, err := source.bytes()
		if err != nil {
			return err
		}
		name := filepath.Base(j.source)
		if m := ofMachine.Find(b); m != nil {
			return fmt.Errorf("%s: its outputs tell of this machine (%s): not kept", name, m)
		}
		copies[name], all = b, all+len(b)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	earlier, err := fs.Glob(os.DirFS(dir), "*.ipynb")
	for _, name := range earlier {
		if copies[name] == nil {
			err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
		}
	}
	for name, b := range copies {
		err = errors.Join(err, files.WritePath(filepath.Join(dir, name), b))
	}
	progress.Printf("Kept %d copies, %d KB, in %s", len(copies), all/1000, dir)
	return err
}
