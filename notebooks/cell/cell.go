// Package cell is what the walkthrough's cells are made of: open the run that all
// notebooks share, show a chart or a table, check a claim. Every cell is a process
// of its own; what lasts is in the run directory.
//
// Errors end a cell by a panic, which the runner of the notebooks notices.
package cell

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"weightsep/datasets"
	"weightsep/wslib/figures"
	"weightsep/wslib/pipeline"
	_ "weightsep/xla/keepmemory"
)

// Profile is the profile that the notebooks run in: WEIGHTSEP_PROFILE, or quick.
func Profile() string { return cmp.Or(os.Getenv("WEIGHTSEP_PROFILE"), "quick") }

// Root is the checkout.
func Root() string { return cmp.Or(os.Getenv("WEIGHTSEP_ROOT"), "..") } // cells run beside their notebook

// Open opens the run of the notebooks, WEIGHTSEP_RUN or results/runs/PROFILE in
// the checkout, making it if need be.
func Open() *pipeline.Run {
	return Must(pipeline.Open(Path(""), config(), pipeline.Options{Log: os.Stdout, Progress: report}))
}

// Try opens a run of a changed configuration, in a directory of its own that is named by what was
// changed. Stages that the change leaves as they are, it copies from the notebooks' run, which must
// not be open at the same time.
func Try(change func(*pipeline.Config)) (*pipeline.Run, error) {
	c := config()
	change(&c)
	if err := c.Validate(); err != nil {
		return nil, err
	}
	changes := c.Changes(config())
	if len(changes) == 0 {
		return nil, errors.New("try: nothing is changed: use Open")
	}
	o := pipeline.Options{Log: os.Stdout, Progress: report, Adopt: Path("")}
	return pipeline.Open(Path("-try-"+strings.Join(changes, "-")), c, o)
}

// config is the configuration of the notebooks' run: the profile, packed as it is made for.
func config() pipeline.Config {
	c := Must(pipeline.Profile(Profile()))
	c.Data.Dir = os.Getenv(datasets.DirEnv)
	if ratio := pipeline.Ratio(Profile()); ratio > 0 {
		Check(c.ApplyRatio(ratio))
	}
	return c
}

// Path is a path beside the notebooks' run: that of its directory with more at the end of its name,
// in letters, digits and "-.=_". A long end is cut, and a hash of all of it added.
func Path(more string) string {
	path := cmp.Or(os.Getenv("WEIGHTSEP_RUN"), filepath.Join(Root(), "results", "runs", Profile()))
	clean := strings.Trim(notOfNames.ReplaceAllString(more, "-"), "-.")
	if clean == "" {
		return path
	}
	if len(clean) > 100 {
		clean = fmt.Sprintf("%.100s-%x", clean, sha256.Sum256([]byte(more)))[:110]
	}
	return path + "-" + clean
}

var notOfNames = regexp.MustCompile(`[^A-Za-z0-9.=_]+`)

// report prints what takes time: a line for a finished stage and for a validation.
func report(stage string, done, of int, note string) {
	if note != "" && of > 20 || strings.HasPrefix(note, "done in") && !strings.HasSuffix(note, " 0.0 s") {
		fmt.Printf("%-16s %d/%d %s\n", stage, done, of, note)
	}
}

// Do runs stages of the run and ends the cell where one fails.
func Do(stages ...func(context.Context) error) {
	for _, stage := range stages {
		Check(stage(context.Background()))
	}
}

// Must unwraps a result and ends the cell on an error.
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// Check ends the cell on an error.
func Check(err error) {
	if err != nil {
		panic(inWords(err))
	}
}

// inWords says what to run first where err comes of a cell that was run out of order.
func inWords(err error) error {
	var file *fs.PathError
	switch {
	case errors.Is(err, pipeline.ErrNotDone):
		for _, n := range notebooks {
			if strings.Contains(err.Error(), "stage "+n.stage) {
				return fmt.Errorf("run first the notebook %s and what comes after it, up to this cell: %w",
					n.name, err)
			}
		}
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &file) && strings.HasPrefix(file.Path, Path("")):
	default:
		return err
	}
	return fmt.Errorf("run first the cells above this one, which make what it needs: %w", err)
}

// notebooks are those that do the stages of a run.
var notebooks = []struct{ stage, name string }{
	{"baseline", "01_networks_and_data"},
	{"fisher", "02_formation_and_separation"},
	{"overlap", "02_formation_and_separation"},
	{"teacher", "03_optimization"},
	{"optimize", "03_optimization"},
	{"evaluate", "03_optimization"},
	{"bench", "04_execution"},
}

// Show displays a chart. It goes out as an image of its own type, not as HTML,
// which some viewers strip.
func Show(f *figures.Figure, err error) {
	showSVG(Must(Must(f, err).SVG()))
}

// ShowFile displays a chart that a documented run left as an SVG file, in the way of
// [Show]. It ends the cell if there is none at path.
func ShowFile(path string) {
	svg := string(Must(os.ReadFile(path)))
	if !strings.Contains(svg, "<svg") {
		panic(fmt.Sprintf("%s: no SVG", path))
	}
	showSVG(svg)
}

func showSVG(svg string) {
	gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMEImageSVG: svg}})
	gonbui.Sync()
}

// Table displays rows of a table; the first is the header. Columns of numbers, which the caller formats,
// are aligned to the right.
func Table(rows [][]string) {
	gonbui.DisplayMarkdown(markdown(rows))
	gonbui.Sync()
}

// markdown is a table in Markdown.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		for column := range row {
			switch {
			case i > 0:
			case slices.ContainsFunc(rows[1:], func(r []string) bool { return !number.MatchString(r[column]) }):
				b.WriteString("| --- ")
			default:
				b.WriteString("| ---: ")
			}
		}
		if i == 0 {
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// number is a cell of a column of numbers; there may be none in it.
var number = regexp.MustCompile(`^\**([+-]?[\d,]+(\.\d+)?)?\**$`)

// Claim states what holds by construction, and ends the cell if it does not. What may fail is measured
// against an expectation, see [Measured].
func Claim(holds bool, format string, args ...any) {
	claim := fmt.Sprintf(format, args...)
	if !holds {
		panic("claim does not hold: " + claim)
	}
	fmt.Println("✓", claim)
}
