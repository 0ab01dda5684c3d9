package claim

// IDs of [Expectations] that are compared in one place only of the library.
const (
	QuickChange = "quick-change"
	QuickCost   = "quick-cost"
)

// Expectations are what the notebooks claim, in their order.
var Expectations = []Expectation{{
	ID: QuickCost, Name: "cost of placement by cost, for 1 at random", Unit: "times",
	Expected: 0.95, Tolerance: 0.02, Bound: AtMost,
	Why: "TODO",
}, {
	ID: QuickChange, Name: "change of MNIST's test accuracy in quick", Unit: "points",
	Expected: -0.5, Tolerance: 0.4,
	Why: "TODO",
}, {
	ID: "packed-mnist", Name: "test accuracy of MNIST from the documented pack", Unit: "%",
	Expected: 99.01, Tolerance: 0.011,
	Why: "its summary; another machine may round a sum differently, and one of 10,000 images is 0.01",
}, {
	ID: "packed-mnist-change", Name: "change of MNIST against the reference of README's table", Unit: "points",
	Expected: 0.02, Tolerance: 0.16,
	Why: "the table's mean of two seeds and the half of its 95 % interval",
}}
