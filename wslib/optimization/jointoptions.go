package optimization

import (
	"cmp"
	"errors"
	"fmt"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// JointOptions of [Joint]. Zero values mean the defaults in brackets.
type JointOptions struct {
	Steps        int            // [5000]
	Batch        int            // samples of each network in a step [100]
	LearningRate float64        // of Adam at its highest; cosine decay after a short rise [2e-3]
	ScaleRate    float64        // learning rate of scales, as a factor [1]
	Dropout      float64        // before each dense layer [0: none]
	Precision    page.Precision // that the pages are trained and stored in [float32]
	// ExclusivePrecision is that of exclusive pages [Precision].
	ExclusivePrecision page.Precision
	ScaleFormat        page.ScaleFormat // that the scales are stored in [float32]
	// RoundBy is the share of the steps by which pages are rounded in full: until then the
	// forward pass sees a mean of latent and code values, with more and more of the latter;
	// the gradient is that of full rounding [0: in full from the first step].
	RoundBy float64
	// Distillation from Task.Teachers [none].
	Distillation  network.Distillation
	Sample        int // networks in a step; each takes part once in as many steps as it takes, and what is trained stays on the host but for these [0: all]
	Workers       int // networks at a time; does not change the result [2]
	ValidateEvery int // steps between validations and checkpoints [200]
	ValidateOn    int // at most so many validation samples a network [0: all]
	Seed          uint64
	Checkpoint    string // file of the checkpoint; "" none
	Progress      func(Progress)
}

func (o JointOptions) withDefaults() JointOptions {
	if o.Steps == 0 {
		o.Steps = 5000
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.LearningRate == 0 {
		o.LearningRate = 2e-3
	}
	if o.ValidateEvery == 0 {
		o.ValidateEvery = 200
	}
	if o.ScaleRate == 0 {
		o.ScaleRate = 1
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

func (o JointOptions) check(set *page.Set, tasks []Task) error {
	if err := cmp.Or(o.Precision.Validate(), o.ExclusivePrecision.Validate(), o.ScaleFormat.Validate()); err != nil {
		return err
	}
	if set.Precision.Quantized() || set.ExclusivePrecision.Quantized() {
		return errors.New("it starts from quantized pages, want float32 (overlapping.Plan.Continue makes some)")
	}
	if o.Steps < 0 || o.Batch < 0 || o.ValidateEvery < 0 || o.ValidateOn < 0 || o.Workers < 0 || o.Sample < 0 {
		return fmt.Errorf("%d steps, batches of %d, validation every %d on %d, %d workers, %d networks a step: want none below 0",
			o.Steps, o.Batch, o.ValidateEvery, o.ValidateOn, o.Workers, o.Sample)
	}
	if o.LearningRate < 0 || o.ScaleRate < 0 || o.Dropout < 0 || o.Dropout >= 1 {
		return fmt.Errorf("learning rate %v, scale rate %v, dropout %v: want none below 0, and dropout below 1",
			o.LearningRate, o.ScaleRate, o.Dropout)
	}
	if !(o.RoundBy >= 0 && o.RoundBy <= 1) {
		return fmt.Errorf("pages rounded by %v of the steps, want 0 to 1", o.RoundBy)
	}
	if err := o.Distillation.Validate(); err != nil {
		return err
	}
	for i, m := range set.Networks {
		if (o.Precision.Quantized() || o.ExclusivePrecision.Quantized()) && m.Scales == nil {
			return fmt.Errorf("network %s has no scales, which pages of %v need", m.Name, o.Precision)
		}
		if tasks[i].Held {
			if err := o.checkHeld(set, i); err != nil {
				return fmt.Errorf("network %s is held: %w", m.Name, err)
			}
			continue
		}
		if o.Distillation.Share > 0 {
			if err := tasks[i].CheckTeachers(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkHeld reports what of network i is not as it is stored.
func (o JointOptions) checkHeld(set *page.Set, i int) error {
	m, values := set.Networks[i], set.SharedValues()
	for b, e := range m.Table.Entries {
		if int(e) < set.Shared {
			if err := o.Precision.Check(values[int(e)*set.Size : (int(e)+1)*set.Size]); err != nil {
				return fmt.Errorf("page %d, shared page %d: %w", b, e, err)
			}
		}
	}
	if err := cmp.Or(o.ExclusivePrecision, o.Precision).Check(set.ExclusiveValues(i)); err != nil {
		return fmt.Errorf("exclusive pages: %w", err)
	}
	return o.ScaleFormat.Check(m.Scales)
}
