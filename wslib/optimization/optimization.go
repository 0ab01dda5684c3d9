// Package optimization trains pages for all networks that live on them.
//
// Two methods: [Joint] trains the pages themselves on the losses of all networks
// at once; [Alternating] is the paper's, network after network. Both choose by
// validation accuracy, checkpoint as they go, and after an interruption go on to
// the result of an undisturbed run.
package optimization

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
)

// Task is one network and the data that it is trained and validated on.
type Task struct {
	Network *network.Network
	Data    *datasets.Dataset
	Teacher network.Values // of the separate network whose outputs it follows; needed for distillation only
	Held    bool           // joint training leaves its weights and state as they are

	// Of [Separate] alone: pages in the format's precision of exclusive pages, rising.
	Exclusive []int
}

// Point is one validation of all networks.
type Point struct {
	Step int `json:"step"` // steps done
	// training loss of each network, mean since the last point; 0 of one that is held
	Loss []float64 `json:"loss"`
	// score of each network, of a classification its accuracy, 0 to 1
	Validation []float64 `json:"validation"`
	Mean       float64   `json:"mean"` // mean validation score
	// Pooled is the mean score, each network counting as often as it has validation samples: of
	// classifications, the share of all samples together that are classified correctly. Errors count in
	// shares of that of the mean target.
	// Unlike Mean it is not at the mercy of networks with few samples. Of joint optimization.
	Pooled float64 `json:"pooled,omitempty"`
}

// Progress is told to the caller as an optimization goes on.
type Progress struct {
	Step, Steps int
	Point       *Point // set after a validation
}

// Note says what a validation gave, "" where there was none.
func (p Progress) Note() string {
	if p.Point == nil {
		return ""
	}
	return fmt.Sprintf("validation %.2f %%", 100*p.Point.Mean)
}

// Result of an optimization.
type Result struct {
	Set      *page.Set // chosen by validation, see [Joint]
	BestStep int
	History  []Point
}

// DivergedError says which network's loss stopped being a number, and when. The
// last good state is in the checkpoint.
type DivergedError struct {
	Network string
	Step    int
	Loss    float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("network %s diverged at step %d: its loss is %v", e.Network, e.Step, e.Loss)
}

// score is what says which of two points is better.
func (p Point) score() float64 { return cmp.Or(p.Pooled, p.Mean) }

// Gained tells whether a training with these validations found anything better than what it started
// from. One validation is of no training, which need not gain.
func Gained(points []Point) bool {
	return len(points) < 2 || slices.ContainsFunc(points[1:], func(p Point) bool {
		return p.score() > points[0].score()
	})
}

// NothingGained is what a person is told where [Gained] is false.
const NothingGained = "nothing was gained: training validated at no time better than at its start"

// checkGain returns an error if training gained nothing and destroyed much: at its end the score is less
// than half of that at its start, or an error more than twice as large. A share of few samples that is
// so by chance is none: three deviations of a share of one half are allowed.
func checkGain(points []Point, samples int, r Recipe) error {
	if Gained(points) {
		return nil
	}
	first, last := points[0].score(), points[len(points)-1].score()
	least := 2 * first
	if first >= 0 {
		least = min(first/2, first-1.5/math.Sqrt(float64(samples)))
	}
	if last >= least {
		return nil
	}
	return fmt.Errorf("training only got worse: its validation score is %.4g at the start, at no time "+
		"better, and %.4g after %d steps: a learning rate of %v may be too large", first, last,
		points[len(points)-1].Step, r.LearningRate)
}

// checkTasks returns an error if tasks are not those of n networks of the given names, numbers of
// weights and of values of state.
func checkTasks(tasks []Task, n int, network func(i int) (name string, weights, state int)) error {
	if len(tasks) == 0 || len(tasks) != n {
		return fmt.Errorf("%d tasks for %d networks", len(tasks), n)
	}
	for i, t := range tasks {
		name, weights, state := network(i)
		if t.Network.Name != name || t.Network.Weights() != weights {
			return fmt.Errorf("task %d is network %s of %d weights, want %s of %d", i, t.Network.Name,
				t.Network.Weights(), name, weights)
		}
		if want := t.Network.StateSize(); state != want {
			return fmt.Errorf("network %s has %d values of state, want %d", name, state, want)
		}
		if slices.ContainsFunc(tasks[:i], func(o Task) bool { return o.Network.Name == name }) {
			return fmt.Errorf("network %s is there twice", name)
		}
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if the data do not fit the network, or there are none.
func (t Task) check() error {
	if !slices.Equal(t.Data.Shape, t.Network.Input()) || t.Data.Classes != t.Network.Outputs() {
		return fmt.Errorf("network %s expects data of shape %v and %d classes, got %v and %d",
			t.Network.Name, t.Network.Input(), t.Network.Outputs(), t.Data.Shape, t.Data.Classes)
	}
	if !t.Held && (t.Data.Train.Len() == 0 || t.Data.Validation.Len() == 0) {
		return fmt.Errorf("network %s: %d training and %d validation samples, want some of each",
			t.Network.Name, t.Data.Train.Len(), t.Data.Validation.Len())
	}
	return nil
}

// checkTeacher returns an error if there are no weights to distil from, or other than the network's.
func (t Task) checkTeacher() error {
	if len(t.Teacher.Weights) == 0 {
		return fmt.Errorf("network %s has no weights to distil from", t.Network.Name)
	}
	if len(t.Teacher.State) != t.Network.StateSize() {
		return fmt.Errorf("network %s has %d values of state, those to distil from are %d", t.Network.Name,
			t.Network.StateSize(), len(t.Teacher.State))
	}
	return page.CheckWeights("weights to distil "+t.Network.Name+" from", t.Teacher.Weights,
		t.Network.Weights())
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// validator scores weights on validation data, with one executable an architecture.
type validator struct {
	tasks    []Task
	scorers  []*score.Scorer          // of each network
	distinct map[string]*score.Scorer // the same by architecture, each once
	spreads  []float64                // of each network, the unit of its errors
	samples  int                      // at most this many per network; 0 all
}

func newValidator(backend compute.Backend, tasks []Task, samples int) (*validator, error) {
	v := &validator{tasks: tasks, samples: samples, distinct: map[string]*score.Scorer{}}
	for _, t := range tasks {
		kind := t.Network.Architecture()
		if v.distinct[kind] == nil {
			c, err := score.New(backend, t.Network, 100)
			if err != nil {
				v.close()
				return nil, err
			}
			v.distinct[kind] = c
		}
		v.scorers = append(v.scorers, v.distinct[kind])
		v.spreads = append(v.spreads, t.spread())
	}
	return v, nil
}

func (v *validator) close() {
	for _, c := range v.distinct {
		c.Close()
	}
}

// size is the number of validation samples of all networks.
func (v *validator) size() int {
	all := 0
	for i := range v.tasks {
		all += v.split(i).Len()
	}
	return all
}

// pooled is the mean of the networks' scores by their numbers of samples, errors (below 0) in their unit.
func (v *validator) pooled(scores []float64) float64 {
	right := 0.0
	for i, a := range scores {
		if a < 0 {
			a /= v.spreads[i]
		}
		right += a * float64(v.split(i).Len())
	}
	return right / float64(v.size())
}

// deviation is the standard deviation of the pooled score, related samples counted as one. Scores that are
// no shares, errors of regressions, have none.
func (v *validator) deviation(scores []float64) float64 {
	variance := 0.0
	for i, a := range scores {
		s := v.split(i)
		share := float64(s.Len()) / float64(v.size())
		variance += share * share * max(0, a*(1-a)) / float64(max(1, independent(s)))
	}
	return math.Sqrt(variance)
}

// independent is the number of samples, those counted as one that are related.
func independent(s *datasets.Split) int {
	n, seen := s.Len(), map[int32]bool{}
	for _, g := range s.Related() {
		if g >= 0 && seen[g] {
			n--
		}
		seen[g] = true
	}
	return n
}

// split is network i's validation data.
func (v *validator) split(i int) *datasets.Split {
	s := v.tasks[i].Data.Validation
	if v.samples > 0 {
		s = s.Slice(v.samples)
	}
	return s
}

// score is that of network i's weights and state.
func (v *validator) score(ctx context.Context, i int, values network.Values) (float64, error) {
	if v.split(i).Len() == 0 {
		return 0, nil // a held network without samples
	}
	on := values.On()
	defer network.Free(on...)
	return v.scorers[i].Score(ctx, on, v.split(i))
}
