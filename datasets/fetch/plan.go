package main

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"

	"weightsep/datasets"
	"weightsep/datasets/download"
)

// item is one file of the command line's datasets.
type item struct {
	dataset string
	label   string // DATASET/FILE
	file    download.File
	size    int64 // 0 if not known
	status  download.Status
}

// missing is how much there is to download, 0 if not known.
func (i *item) missing() int64 {
	if i.status.State.Good() {
		return 0
	}
	return max(0, i.size-i.status.Part)
}

// items are the files of the datasets in their order. A dataset that cannot be
// fetched is among byHand.
func (a *app) items(o *options) (items []*item, byHand []string, err error) {
	for _, name := range o.names {
		files, err := a.sources(name)
		if err != nil {
			return nil, nil, err
		}
		if len(files) == 0 {
			byHand = append(byHand, name)
		}
		for _, s := range files {
			items = append(items, newItem(o, name, s))
		}
	}
	return items, byHand, nil
}

func newItem(o *options, dataset string, s datasets.Source) *item {
	var urls []string
	for _, m := range o.mirrors {
		urls = append(urls, m+"/"+dataset+"/"+url.PathEscape(s.File))
	}
	return &item{
		dataset: dataset,
		label:   path.Join(dataset, s.File),
		size:    s.Size,
		file: download.File{
			Path:   filepath.Join(o.data, dataset, s.File),
			URLs:   append(urls, s.URLs...),
			MD5:    s.MD5,
			SHA256: s.SHA256,
			Size:   s.Size,
			Accept: slices.Contains(o.accept, dataset),
		},
	}
}

// plan is what there is to do.
type plan struct {
	todo    []*item
	bytes   int64 // of the files whose size is known
	unknown int   // files whose size is not
}

// plan looks at all files and asks for sizes that are not known. It says what it
// found.
func (a *app) plan(ctx context.Context, items []*item) (*plan, error) {
	p := &plan{}
	for _, i := range items {
		bar := newProgress(a.err, i.label)
		status, err := download.Check(ctx, i.file, bar.event)
		bar.close()
		if err != nil {
			return nil, err
		}
		i.status = status
		if status.State.Good() {
			fmt.Fprintf(a.out, "%-40s %10s  %s\n", i.label, amount(status.Size), status.State)
			continue
		}
		if i.size == 0 {
			// A size that nobody tells is no reason not to try.
			if i.size, err = a.client.Size(ctx, i.file); err != nil && ctx.Err() != nil {
				return nil, err
			}
		}
		p.todo = append(p.todo, i)
		p.bytes += i.missing()
		size := "?"
		if i.size > 0 {
			size = amount(i.size)
		} else {
			p.unknown++
		}
		fmt.Fprintf(a.out, "%-40s %10s  %s\n", i.label, size, describe(i))
	}
	return p, nil
}

// describe says what is at the place of a file.
func describe(i *item) string {
	s := i.status.State.String()
	if i.status.Why != nil {
		s += ", " + i.status.Why.Error()
	}
	if i.status.Part > 0 {
		s += ", " + amount(i.status.Part) + " received"
	}
	return s
}

// total says how much there is to download.
func (p *plan) total() string {
	s := amount(p.bytes)
	switch {
	case p.unknown == 1:
		s += " and a file of unknown size"
	case p.unknown > 1:
		s += fmt.Sprintf(" and %d files of unknown size", p.unknown)
	}
	return s
}

// amount prints a number of bytes with three or four digits.
func amount(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1000, 0
	for v >= 999.95 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	if units[u] == "GB" || units[u] == "TB" {
		return fmt.Sprintf("%.2f %s", v, units[u])
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}
