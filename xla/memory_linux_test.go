//go:build cgo

package xla

import (
	"syscall"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	_ "weightsep/xla/keepmemory"
)

// A step that is run again gets the memory that it had, without page faults: with
// malloc's defaults every run has them for all of its buffers.
func TestMemoryIsKept(t *testing.T) {
	realPlugin(t)
	b, _, err := Open(t.Context(), Options{Name: "cpu", Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	const n = 16 << 20 // 64 MB a buffer
	exec := graph.MustNewExec(b, func(x *graph.Node) *graph.Node {
		y := graph.Reshape(x, 100, -1)
		y = graph.TransposeAllAxes(graph.MulScalar(y, 2), 1, 0) // needs buffers of its own
		return graph.ReduceSum(graph.Reshape(y, 100, -1), 1)
	})
	defer exec.Finalize()
	x := tensors.FromFlatDataAndDimensions(make([]float32, n/100*100), n/100*100)
	faults := func(runs int) int64 {
		var before, after syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		for range runs {
			y := exec.MustCall1(x)
			tensors.MustConstFlatData(y, func([]float32) {})
			y.FinalizeAll()
		}
		syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		return after.Minflt - before.Minflt
	}
	faults(30) // until every buffer has found its place
	const runs = 10
	if got, pages := faults(runs), int64(runs*n*4/4096); got > pages/3 {
		t.Errorf("%d page faults in %d runs, whose buffers have %d pages", got, runs, pages)
	}
}
