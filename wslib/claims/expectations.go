package claims

// IDs that package cell compares by itself.
const (
	QuickChange = "quick-change"
	QuickCost   = "quick-cost"

	SwitchCopies   = "switch-copies"
	SwitchRestores = "switch-restores"
	Executes       = "executes"
)

// Expectations are what the notebooks claim, in their order.
var Expectations = []Expectation{{
	ID: QuickCost, Name: "cost of placement by cost, against placement at random", Unit: "of it",
	Expected: 0.52, Tolerance: 0.1, Bound: AtMost,
	Why: "a run of seed 1: 4.62 against 8.92; another table at random costs a little more or less",
}, {
	ID: QuickChange, Name: "change of MNIST's test accuracy in quick", Unit: "points",
	Expected: -0.25, Tolerance: 0.2,
	Why: "the mean of seeds 2 and 3, -0.27 and -0.22, while a run of one's own has seed 1; with other " +
		"test images each moves by 0.17",
}, {
	ID: SwitchCopies, Name: "median switch, against plain copies of its float32 weights", Unit: "copies",
	Expected: 2, Tolerance: 0.2, Bound: AtMost,
	Why: "results/execution.md: 0.6 to 1.7 with AVX2; processors without it take 7 to 17",
}, {
	ID: SwitchRestores, Name: "reading a checkpoint with Adam's moments, against a median switch",
	Unit: "times as long", Expected: 3, Tolerance: 1, Bound: AtLeast,
	Why: "results/execution.md; the paper's 52 include TensorFlow and a GPU",
}, {
	ID: Executes, Name: "median execution, against that with separate weights", Unit: "times as long",
	Expected: 1.05, Tolerance: 0.05, Bound: AtMost,
	Why: "the weights are the same once they are there; runs on a shared machine scatter by so much",
}, {
	ID: "packed-mnist", Name: "test accuracy of MNIST from the documented pack", Unit: "%",
	Expected: 99.01, Tolerance: 0.011,
	Why: "its summary; another machine may round a sum differently, and one of 10,000 images is 0.01",
}, {
	ID: "packed-mnist-change", Name: "change of MNIST against the reference of README's table",
	Unit: "points", Expected: 0.02, Tolerance: 0.16,
	Why: "the table's mean of two seeds and the half of its 95 % interval",
}}
