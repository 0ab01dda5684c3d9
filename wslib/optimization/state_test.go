package optimization

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// normalized is a problem for a network with batch normalization, beside one that has no state.
func normalized(t *testing.T) []Task {
	t.Helper()
	n, err := network.FromFunction(xlatest.Backend(t), "n", []int{6, 6, 1},
		func(s *model.Scope, x *graph.Node) *graph.Node {
			x = layers.Dense(s.In("a"), graph.Reshape(x, x.Shape().Dim(0), -1), true, 2)
			return layers.Dense(s.In("b"), graph.Tanh(norm.BatchNorm(s.In("n"), x, -1).Done()), true, 3)
		})
	if err != nil {
		t.Fatal(err)
	}
	tasks := []Task{problem(t, "a", 1, 100), problem(t, "n", 2, 100)}
	tasks[1].Network = n
	return tasks
}

// A network's state is trained beside the pages, comes out with the best of them, and an
// interruption changes nothing of it.
func TestStateIsTrainedAndResumed(t *testing.T) {
	tasks := normalized(t)
	nets := members(t, tasks)
	_, state, err := tasks[1].Network.Initial(1)
	if err != nil {
		t.Fatal(err)
	}
	nets[1].State = state
	set := plan(t, nets).Set(true)
	o := trains(60, 20, 20, 1e-2)
	want, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	got := want.Set.Networks[1].State
	if len(got) != len(state) || slices.Equal(got, state) || want.Set.Networks[0].State != nil {
		t.Fatalf("state %v from %v; the other network's %v, want none", got, state,
			want.Set.Networks[0].State)
	}
	if want.Set.Stored().State != 4*len(state) {
		t.Errorf("%d bytes of state are counted, want %d", want.Set.Stored().State, 4*len(state))
	}
	if first, last := want.History[0], want.History[len(want.History)-1]; last.Validation[1] < first.Validation[1]+0.1 {
		t.Errorf("validation from %v to %v: the network did not learn", first.Validation[1],
			last.Validation[1])
	}
	if again := resumed(t, set, tasks, o, 20); !reflect.DeepEqual(again, want) {
		t.Error("after an interruption the result is another one")
	}
	// The alternating method keeps it, too.
	a := turns()
	a.Rounds = 1
	result, _, err := a.alternating(t, context.Background(), nets, tasks)
	if err != nil {
		t.Fatal(err)
	}
	if after := result.Set.Networks[1].State; len(after) != len(state) || slices.Equal(after, state) {
		t.Errorf("state %v after alternating training from %v", after, state)
	}
}
