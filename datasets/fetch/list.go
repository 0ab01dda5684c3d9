package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"weightsep/datasets/download"
)

// list prints a table of the files, without reading them and without the network.
func (a *app) list(o *options) error {
	items, byHand, err := a.items(o)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "dataset\tfile\tsize\tin "+o.data+"\taddress")
	for _, i := range items {
		if i.status, err = download.Stat(i.file); err != nil {
			return err
		}
		size := "?"
		switch {
		case i.size > 0:
			size = amount(i.size)
		case i.status.State != download.Missing:
			size = amount(i.status.Size)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", i.dataset, filepath.Base(i.file.Path), size, state(i), i.file.URLs[0])
	}
	for _, name := range byHand {
		ok, err := hasFolder(o.data, name)
		if err != nil {
			return err
		}
		state := download.Missing
		if ok {
			state = download.Present
		}
		fmt.Fprintf(w, "%s\t%s/\t?\t%s\tby hand\n", name, strings.Join(classes(name), "/, "), state)
	}
	w.Flush() // a.out keeps the error
	return nil
}

// state is one word, and how much of a missing file has come.
func state(i *item) string {
	s := i.status.State.String()
	if i.status.State.Good() || i.status.Part == 0 {
		return s
	}
	if i.size > 0 {
		return fmt.Sprintf("%s, %d%% received", s, 100*i.status.Part/i.size)
	}
	return fmt.Sprintf("%s, %s received", s, amount(i.status.Part))
}
