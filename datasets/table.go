package datasets

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// table is a file of comma-separated values that begins with a line of column names.
type table struct {
	rows    *csv.Reader
	columns []string // that are read; there may be more, in any order
	place   []int    // of each of columns in a row
	row     []string
	err     error // the first of a row's numbers
}

func openTable(r io.Reader, comma rune, columns ...string) (*table, error) {
	t := &table{rows: csv.NewReader(skipMark(r)), columns: columns}
	t.rows.Comma, t.rows.ReuseRecord = comma, true
	head, err := t.rows.Read()
	if err != nil {
		return nil, fmt.Errorf("expected a line of column names: %w", err)
	}
	for _, name := range columns {
		i := slices.Index(head, name)
		if i < 0 {
			return nil, fmt.Errorf("expected a column %q, found %q", name, head)
		}
		t.place = append(t.place, i)
	}
	return t, nil
}

// slashed is the name of a file that a text has, in lower case and with slashes: programs that write or move
// files change both.
func slashed(name string) string { return strings.ToLower(strings.ReplaceAll(name, `\`, "/")) }

// skipMark passes over the byte order mark that some programs begin a text with.
func skipMark(r io.Reader) io.Reader {
	const mark = "\ufeff"
	b := bufio.NewReader(r)
	if head, _ := b.Peek(len(mark)); string(head) == mark {
		b.Discard(len(mark))
	}
	return b
}

// each calls f with every row. Errors have the number of the line.
func (t *table) each(f func() error) (err error) {
	for {
		if t.row, err = t.rows.Read(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		line, _ := t.rows.FieldPos(0)
		if err := f(); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// at returns a field of the row. It is gone with the next row.
func (t *table) at(column int) string { return t.row[t.place[column]] }

// number returns a field as a number of these bounds. What is wrong is kept in t.err.
func (t *table) number(column int, least, most float64, whole bool) float64 {
	v, err := strconv.ParseFloat(t.at(column), 64)
	if t.err == nil && (err != nil || !(v >= least && v <= most) || whole && v != math.Trunc(v)) {
		t.err = fmt.Errorf("%s: expected a number from %g to %g, found %q", t.columns[column], least, most,
			t.at(column))
	}
	return v
}
