package grid

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets/files"
	"weightsep/wslib/pipeline"
)

// A Job is a cell of one seed, what one task of a scheduler computes.
type Job struct {
	Cell
	Seed uint64
}

func (j Job) String() string { return fmt.Sprintf("%s, seed %d", j.Cell, j.Seed) }

// Jobs lists the grid in the order in which [Run] runs it: seed after seed, of each the reference
// first, whether it is among the cells or not, then the other cells as they are given.
func (s Spec) Jobs() (jobs []Job) {
	for _, seed := range s.Seeds {
		jobs = append(jobs, Job{Cell{Method: Further}, seed})
		for _, c := range s.Cells {
			if c.Method != Further {
				jobs = append(jobs, Job{c, seed})
			}
		}
	}
	return jobs
}

// Finished tells of each of [Spec.Jobs] whether the directory has it.
func Finished(dir string, s Spec) ([]bool, error) {
	all, err := readRecords(dir)
	var finished []bool
	for _, j := range s.Jobs() {
		finished = append(finished, all.find(j.Cell, j.Seed) != nil)
	}
	return finished, err
}

// RunJob runs job i of [Spec.Jobs], unless it is finished. Others may run at the same time in the same
// directory, on other machines too if they share it and its file locks. The reference of the job's
// seed comes first: the first process that needs it trains it, the others wait.
func RunJob(ctx context.Context, dir string, s Spec, i int, o pipeline.Options) error {
	g, finished, err := open(ctx, dir, s, o)
	if err != nil {
		return err
	}
	jobs := s.Jobs()
	if i < 0 || i >= len(jobs) {
		return fmt.Errorf("grid: cell %d, want 0 to %d", i, len(jobs)-1)
	}
	job := jobs[i]
	if finished.find(job.Cell, job.Seed) != nil {
		return nil
	}
	for _, j := range slices.Compact([]Job{{Cell{Method: Further}, job.Seed}, job}) {
		if err := g.run(ctx, j.Cell, j.Seed); err != nil {
			return fmt.Errorf("grid: %s: %w", j, err)
		}
	}
	return nil
}

// Merge puts what is finished in the order of [Spec.Jobs], behind it what else there is, and gives the
// numbers of the jobs that are missing. What was made with another configuration or other data is an
// error.
func Merge(ctx context.Context, dir string, s Spec) (missing []int, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	g := &grid{Spec: s, dir: dir}
	if all, err := g.finished(ctx); err != nil {
		return nil, err
	} else if len(all) == 0 {
		return nil, fmt.Errorf("grid: no cell is finished in %s", dir)
	}
	unlock, err := files.Lock(ctx, filepath.Join(dir, lockFile), nil)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := readResults(dir)
	if err != nil {
		return nil, err
	}
	var sorted records
	for i, j := range s.Jobs() {
		if record := r.find(j.Cell, j.Seed); record != nil {
			sorted = append(sorted, *record)
		} else {
			missing = append(missing, i)
		}
	}
	for _, record := range r.records {
		if sorted.find(record.Cell, record.Seed) == nil {
			sorted = append(sorted, record)
		}
	}
	r.records = sorted
	return missing, r.write(dir)
}

// lockFile is locked while files beside it are written: in the grid's directory those with results,
// in a seed's what its cells share.
const lockFile = ".lock"

// share locks what the cells of a seed have in common.
func (g *grid) share(ctx context.Context, seed uint64) (unlock func(), err error) {
	if err := os.MkdirAll(g.path(seed), 0o755); err != nil {
		return nil, fmt.Errorf("grid: %w", err)
	}
	return files.Lock(ctx, g.path(seed, lockFile), func() {
		if g.options.Log != nil {
			fmt.Fprintf(g.options.Log, "another process trains what cells of seed %d share, waiting for it\n",
				seed)
		}
	})
}
