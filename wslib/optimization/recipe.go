package optimization

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"

	"weightsep/wslib/internal/option"
	"weightsep/wslib/page"
)

// The methods of a recipe.
const (
	JointMethod       = "joint"
	AlternatingMethod = "alternating"
)

// Each is a value for every network, under the key "", and other values for single networks.
type Each map[string]float64

// Of is the value for a network.
func (e Each) Of(name string) float64 {
	if v, ok := e[name]; ok {
		return v
	}
	return e[""]
}

// Recipe says how networks are trained: by [Joint], by [Alternating], or by a method of comparison.
// [Defaults] gives one to change. Package option explains the tags; nothing else lists the fields.
type Recipe struct {
	// Method is JointMethod or AlternatingMethod.
	Method string `json:"method" oneof:"joint alternating" help:"<method>"`
	// Batch is the number of samples of a network in a step. In joint training a network that has none of
	// its own takes fewer, so that it sees its samples no more than 40 times, but 8 at least.
	Batch Each `json:"batch" min:"1" whole:"yes" help:"<samples> of a network in a step"`
	// LearningRate is that of Adam. In joint training it is the highest: it rises over the first 100
	// steps (a tenth, if that is less), then falls as half a cosine.
	LearningRate float64 `json:"rate" over:"0" help:"learning <rate> at its highest"`
	// ValidateEvery is in steps. Joint training writes a checkpoint with each validation.
	ValidateEvery int `json:"validate" min:"1" help:"<steps> between validations"`
	// ValidateOn is the largest number of validation samples of a network; 0 means all.
	ValidateOn int `json:"validate-on" min:"0" help:"most <samples> to validate on; 0: all"`

	// Steps of joint training.
	Steps int `json:"steps" min:"0" only:"joint" help:"<steps> of joint training; 0: none"`
	// Dropout is the rate before each dense layer.
	Dropout Each `json:"dropout" min:"0" under:"1" only:"joint" help:"dropout <rate> before dense layers"`
	// Mixup is the largest share of another sample in each. The teacher sees the mixture, too.
	Mixup Each `json:"mixup" min:"0" max:"1" only:"joint" help:"largest <share> of another sample in each"`
	// RoundBy is the share of the steps by which pages are rounded in full. Until then the forward pass
	// sees a mean of latent and code values, with more and more of the latter; the gradient is that of
	// full rounding.
	RoundBy float64 `json:"round-by" min:"0" max:"1" only:"joint" help:"<share> of the steps until rounding is full"`
	// Distillation is the share of the loss that follows the outputs of Task.Teacher.
	Distillation float64 `json:"distill" min:"0" max:"1" only:"joint" help:"<share> of the loss that follows the teacher"`
	// Temperature divides the logits of network and teacher.
	Temperature float64 `json:"temperature" over:"0" only:"joint" help:"<divisor> of logits in distillation"`
	// TeacherSteps is how far the separate networks are trained before they teach, by whoever makes
	// the tasks. Joint does not read it.
	TeacherSteps int `json:"teacher-steps" min:"0" only:"joint" help:"<steps> of the teachers"`
	// TeacherRate is the learning rate of that, and of the reference; 0: LearningRate.
	TeacherRate float64 `json:"teacher-rate,omitempty" min:"0" only:"joint" help:"<rate> of teachers; 0: -rate"`

	// The alternating schedule: a turn of FirstSteps after a network was added; when all are in, Rounds
	// of Passes over the networks, in turns of TurnSteps. The last step of a turn is not scored.
	FirstSteps int `json:"first" min:"2" only:"alternating" help:"<steps> of a network's first turn"`
	Rounds     int `json:"rounds" min:"0" only:"alternating" help:"<rounds> of alternating training"`
	Passes     int `json:"passes" min:"1" only:"alternating" help:"<passes> in a round"`
	TurnSteps  int `json:"turn" min:"2" only:"alternating" help:"<steps> of a turn in a pass"`
	// Lambda is the weight of the overlapping loss.
	Lambda float64 `json:"lambda" min:"0" only:"alternating" help:"<weight> of the overlapping loss"`
}

// Defaults is a recipe for joint training, with the paper's alternating schedule beside it.
func Defaults() Recipe {
	return Recipe{
		Method: JointMethod, Batch: Each{"": 100}, LearningRate: 2e-3, ValidateEvery: 200,
		Steps: 5000, Dropout: Each{"": 0}, Mixup: Each{"": 0}, Temperature: 2,
		FirstSteps: 2000, Rounds: 100, Passes: 10, TurnSteps: 32, Lambda: 0.1,
	}
}

// Validate returns an error for the first value that cannot work.
func (r Recipe) Validate() error {
	if err := option.Check(r); err != nil {
		return err
	}
	for name, m := range r.Mixup {
		if m > 0 && r.Method == AlternatingMethod {
			return fmt.Errorf("mixup %v of %q: alternating training has no mixup", m, name)
		}
	}
	return nil
}

// Separate is the part of the recipe that networks with pages of their own heed.
func (r Recipe) Separate() Recipe {
	s := r.Reference(r.Steps)
	s.Dropout, s.Mixup = r.Dropout, r.Mixup
	s.Distillation, s.Temperature, s.TeacherSteps = r.Distillation, r.Temperature, r.TeacherSteps
	return s
}

// Reference is the recipe of separate networks that learn from labels alone, as many steps further.
func (r Recipe) Reference(steps int) Recipe {
	s := Defaults()
	s.Steps, s.Batch, s.Dropout = steps, r.Batch, Each{"": r.Dropout[""]}
	s.LearningRate = cmp.Or(r.TeacherRate, r.LearningRate)
	s.ValidateEvery, s.ValidateOn = r.ValidateEvery, r.ValidateOn
	return s
}

// batch is the number of samples of a task's network in a step of joint training.
func (r Recipe) batch(t Task) int {
	const passes, least = 40, 8
	most := int(r.Batch.Of(t.Network.Name))
	if _, own := r.Batch[t.Network.Name]; own || r.Steps == 0 {
		return most
	}
	return min(most, max(least, passes*t.Data.Train.Len()/r.Steps))
}

// Of is the recipe of one network: what others have of their own is left out.
func (r Recipe) Of(name string) Recipe {
	for _, f := range option.Fields(&r) {
		if e, ok := f.Value.Interface().(Each); ok {
			f.Value.Set(reflect.ValueOf(Each{"": e.Of(name)}))
		}
	}
	return r
}

// Options say how a recipe is carried out. Of these only Seed changes the result.
type Options struct {
	Seed       uint64
	Workers    int    // networks at a time, of joint training; 0: 2
	Checkpoint string // file of the checkpoint; "": none
	// of alternating training: checkpoint at the first end of a turn after this; 0: 10 s
	SaveEvery time.Duration
	Progress  func(Progress)
}

func (o Options) withDefaults() Options {
	o.Workers, o.SaveEvery = cmp.Or(o.Workers, 2), cmp.Or(o.SaveEvery, 10*time.Second)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// checkJoint returns an error for what joint training of a set cannot start from or end in.
func checkJoint(set *page.Set, tasks []Task, as page.Format, r Recipe) error {
	if err := set.Validate(); err != nil {
		return err
	}
	err := checkTasks(tasks, len(set.Networks), func(i int) (string, int, int) {
		m := set.Networks[i]
		return m.Name, m.Weights, len(m.State)
	})
	if err := cmp.Or(err, r.Validate()); err != nil {
		return err
	}
	if r.Method != JointMethod {
		return fmt.Errorf("the recipe is of method %q", r.Method)
	}
	if err := as.Validate(); err != nil {
		return err
	}
	if as.Size != set.Size || as.Shared != set.Shared || as.KeyPrecision != set.KeyPrecision {
		return fmt.Errorf("it starts from %d shared pages of %d with keys of %d bits, and is to end in %d "+
			"of %d with %d",
			set.Shared, set.Size, set.KeyPrecision, as.Shared, as.Size, as.KeyPrecision)
	}
	if set.Precision.Quantized() || set.ExclusivePrecision.Quantized() {
		return errors.New("it starts from quantized pages, want float32")
	}
	for i, m := range set.Networks {
		if (as.Precision.Quantized() || as.ExclusivePrecision.Quantized()) && m.Scales == nil {
			return fmt.Errorf("network %s has no scales, which pages of %v need", m.Name, as.Precision)
		}
		if tasks[i].Held {
			if err := checkHeld(set, i, as); err != nil {
				return fmt.Errorf("network %s is held: %w", m.Name, err)
			}
		} else if r.Distillation > 0 {
			if err := tasks[i].checkTeacher(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkHeld returns an error if something of network i is not as it is stored.
func checkHeld(set *page.Set, i int, as page.Format) error {
	m, values := set.Networks[i], set.SharedValues()
	shared, exclusive := as.Precisions()
	for b, e := range m.Table.Entries {
		if int(e) < set.Shared {
			if err := shared.Check(values[int(e)*set.Size : (int(e)+1)*set.Size]); err != nil {
				return fmt.Errorf("page %d, shared page %d: %w", b, e, err)
			}
		}
	}
	if err := exclusive.Check(set.ExclusiveValues(i)); err != nil {
		return fmt.Errorf("exclusive pages: %w", err)
	}
	return as.ScaleFormat.Check(m.Scales)
}
