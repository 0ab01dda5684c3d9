package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"weightsep/datasets/download"
)

// askAbove is how many bytes are downloaded without asking.
const askAbove = 1e9

// item is one file of the command line's datasets.
type item struct {
	label  string // DATASET/FILE
	file   download.File
	status download.Status
}

// items are the files of the datasets in their order. A dataset that cannot be
// fetched is among byHand.
func (a *app) items() (items []*item, byHand []string, err error) {
	for _, name := range a.names {
		files, err := a.sources(name)
		if err != nil {
			return nil, nil, err
		}
		if len(files) == 0 {
			byHand = append(byHand, name)
		}
		for _, s := range files {
			var urls []string
			for _, m := range a.mirrors {
				urls = append(urls, m+"/"+name+"/"+url.PathEscape(s.File))
			}
			for _, scheme := range []string{"https:", "http:"} {
				for _, u := range s.URLs {
					if strings.HasPrefix(u, scheme) {
						urls = append(urls, u)
					}
				}
			}
			items = append(items, &item{label: path.Join(name, s.File),
				file: download.File{Path: filepath.Join(a.data, name, s.File), URLs: urls,
					MD5: s.MD5, SHA256: s.SHA256, Size: s.Size}})
		}
	}
	return items, byHand, nil
}

// fetch says what there is and downloads what is missing. To list, it does not read files,
// nor uses the network.
func (a *app) fetch(ctx context.Context) error {
	items, byHand, err := a.items()
	if err != nil {
		return err
	}
	var todo []*item
	for _, i := range items {
		if err := a.look(ctx, i); err != nil {
			return err
		}
		a.print(i)
		if i.status.State != download.Verified {
			todo = append(todo, i)
		}
	}
	absent := false
	for _, name := range byHand {
		dir := filepath.Join(a.data, name)
		switch entries, err := os.ReadDir(dir); {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return err
		case len(entries) > 0:
			fmt.Fprintf(a.out, "%-40s %10s  %s\n", name, "", download.Present)
		default:
			absent = true
			fmt.Fprintf(a.out, "%s: cannot be fetched; put a folder of images per class into %s: %s\n",
				name, dir, "Forward, Left, Right, Stop")
		}
	}
	if a.list {
		return nil
	}
	if err := a.confirm(ctx, todo); err != nil {
		return err
	}
	if err := a.download(ctx, todo); err != nil {
		return err
	}
	if absent && !a.all {
		return errors.New("no files to fetch for " + list(byHand))
	}
	return nil
}

// look finds out what is at the place of a file.
func (a *app) look(ctx context.Context, i *item) (err error) {
	if a.list {
		i.status, err = download.Stat(i.file)
		return err
	}
	bar := newProgress(a.err, i.label)
	i.status, err = download.Check(ctx, i.file, bar.event)
	bar.close()
	return err
}

// print says what is at the place of a file and, to list, where it comes from.
func (a *app) print(i *item) {
	s := i.status
	size, state := "?", string(s.State)
	if s.State == download.Verified {
		size = amount(s.Size)
	} else if i.file.Size > 0 {
		size = amount(i.file.Size)
	}
	if s.Why != nil {
		state += ", " + s.Why.Error()
	}
	if s.Part > 0 && s.State != download.Verified {
		state += ", " + amount(s.Part) + " received"
	}
	if a.list {
		state += ", from " + i.file.URLs[0]
	}
	fmt.Fprintf(a.out, "%-40s %10s  %s\n", i.label, size, state)
}

// confirm says how much there is to download, refuses what would not fit on the disk, and
// asks before a long download.
func (a *app) confirm(ctx context.Context, todo []*item) error {
	if len(todo) == 0 {
		return nil
	}
	bytes, unknown := int64(0), 0
	for _, i := range todo {
		bytes += max(0, i.file.Size-i.status.Part)
		if i.file.Size == 0 {
			unknown++
		}
	}
	total := amount(bytes)
	if unknown > 0 {
		total += fmt.Sprintf(" and %d of unknown size", unknown)
	}
	fmt.Fprintf(a.out, "to download into %s: %s\n", a.data, total)
	if free, ok := a.client.Free(a.data); ok && bytes > free {
		return fmt.Errorf("%s has room for %s, %s are missing", a.data, amount(free), amount(bytes))
	}
	if a.yes || bytes <= askAbove {
		return nil
	}
	if !a.terminal {
		return usagef("no terminal to ask on whether to download %s: want -yes", total)
	}
	fmt.Fprintf(a.err, "Download %s? [y/N] ", total)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done(): // the read stays behind: the process ends anyway
		return ctx.Err()
	case s := <-answer:
		if s != "y" && s != "yes" {
			return errors.New("nothing was downloaded")
		}
		return nil
	}
}

// download fetches one file after the other, the rest too if one fails.
func (a *app) download(ctx context.Context, todo []*item) error {
	failed := 0
	for _, i := range todo {
		bar := newProgress(a.err, i.label)
		s, err := a.client.Fetch(ctx, i.file, bar.event)
		bar.close()
		if err == nil {
			fmt.Fprintf(a.out, "%s: %s, %s\n", i.label, amount(s.Size), s.State)
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		failed++
		fmt.Fprintln(a.err, "fetch:", err)
		if m := (*download.MismatchError)(nil); errors.As(err, &m) {
			fmt.Fprintf(a.err, "  A mirror has other bytes than the published ones. "+
				"If you trust them, put its file at %s by hand.\n", i.file.Path)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files could not be fetched", failed, len(todo))
	}
	return nil
}

// amount prints a number of bytes with three or four digits.
func amount(n int64) string {
	for _, u := range []struct {
		name   string
		size   float64
		digits int
	}{{"kB", 1e3, 1}, {"MB", 1e6, 1}, {"GB", 1e9, 2}, {"TB", 1e12, 2}} {
		if v := float64(n) / u.size; n >= 1000 && v < 999.95 {
			return fmt.Sprintf("%.*f %s", u.digits, v, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
