package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"weightsep/datasets/download"
)

// askAbove is how many bytes are downloaded without asking.
const askAbove = 1e9

// fetch downloads what is missing.
func (a *app) fetch(ctx context.Context, o *options) error {
	items, byHand, err := a.items(o)
	if err != nil {
		return err
	}
	p, err := a.plan(ctx, items)
	if err != nil {
		return err
	}
	absent, err := a.byHand(o, byHand)
	if err != nil {
		return err
	}
	if len(p.todo) > 0 {
		fmt.Fprintf(a.out, "to download into %s: %s\n", o.data, p.total())
		if err := a.confirm(ctx, o, p); err != nil {
			return err
		}
	}
	failed, err := a.download(ctx, p.todo)
	switch {
	case err != nil:
		return err
	case failed > 0:
		return fmt.Errorf("%d of %d files could not be fetched", failed, len(p.todo))
	case absent && !o.all:
		return errors.New("no files to fetch for " + list(byHand))
	}
	return nil
}

// download fetches one file after the other, the rest too if one fails, and counts
// those that do.
func (a *app) download(ctx context.Context, todo []*item) (failed int, err error) {
	for _, i := range todo {
		bar := newProgress(a.err, i.label)
		r, err := a.client.Fetch(ctx, i.file, bar.event)
		bar.close()
		if err == nil {
			fmt.Fprintf(a.out, "%s: %s, %s%s\n", i.label, amount(r.Size), r.State, sumNote(r))
			continue
		}
		if ctx.Err() != nil {
			return failed, err
		}
		failed++
		fmt.Fprintln(a.err, "fetch:", err)
		var m *download.MismatchError
		if errors.As(err, &m) {
			fmt.Fprintf(a.err, "  A mirror has other bytes than the published ones. If you trust them, -accept %s keeps them.\n", i.dataset)
		}
	}
	return failed, nil
}

// sumNote gives the sum of a file that only its record vouches for.
func sumNote(r download.Result) string {
	if r.State == download.Verified {
		return ""
	}
	return ", sha256 " + r.Sums.SHA256
}

// confirm refuses what would not fit on the disk, and asks before a long download.
func (a *app) confirm(ctx context.Context, o *options, p *plan) error {
	if free, ok := a.free(o.data); ok && p.bytes > free {
		return fmt.Errorf("%s has room for %s, %s are missing", o.data, amount(free), amount(p.bytes))
	}
	if o.yes || p.bytes <= askAbove {
		return nil
	}
	if !a.terminal {
		return usagef("no terminal to ask on whether to download %s: want -yes", p.total())
	}
	fmt.Fprintf(a.err, "Download %s? [y/N] ", p.total())
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done(): // the read stays behind: the process ends anyway
		return ctx.Err()
	case s := <-answer:
		if s == "y" || s == "yes" {
			return nil
		}
		return errors.New("nothing was downloaded")
	}
}

// byHand tells what the user has to do for datasets without an address, and whether
// one of them is absent.
func (a *app) byHand(o *options, names []string) (absent bool, err error) {
	for _, name := range names {
		ok, err := hasFolder(o.data, name)
		if err != nil {
			return false, err
		}
		if ok {
			fmt.Fprintf(a.out, "%-40s %10s  %s\n", name, "", download.Present)
			continue
		}
		absent = true
		fmt.Fprintf(a.out, "%s: cannot be fetched; put a folder of images per class into %s: %s\n",
			name, filepath.Join(o.data, name), list(classes(name)))
	}
	return absent, nil
}

// classes are the folders of a dataset that is put there by hand.
func classes(name string) []string {
	if name == "obs" {
		return []string{"Forward", "Left", "Right", "Stop"}
	}
	return nil
}

// hasFolder reports whether the dataset's folder has something in it.
func hasFolder(dir, name string) (bool, error) {
	d, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	if err == io.EOF {
		return false, nil
	}
	return err == nil, err
}
