package cell

import (
	"context"
	"fmt"
	"path/filepath"

	"weightsep/datasets"
	"weightsep/wslib/figures"
	"weightsep/wslib/firmware"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
)

// Out is a path in the directory of what leaves Go, beside the notebooks' run.
func Out(elem ...string) string { return filepath.Join(Path("-devices"), filepath.Join(elem...)) }

// ownPack is the file of the pack of the run.
func ownPack() string { return Path("-devices") + ".safetensors" }

// SavePack saves the pack of the run beside it.
func SavePack(run *pipeline.Run) {
	Check(Must(run.Pack()).Save(ownPack()))
	f, _ := Packed()
	s := f.Set.Stored()
	Claim(s.Total < s.Separate, "%d networks in %d bytes instead of %d, packed %.1f times",
		len(f.Set.Networks), s.Total, s.Separate, s.RatioBytes)
}

// Packed reads that pack, and its networks.
func Packed() (*pack.File, []*network.Network) {
	f := Must(pack.Open(ownPack()))
	return f, Must(pipeline.InPack(nil, f, nil))
}

// InONNXRuntime compares the classes of all test samples of a network, by its exported model and by Go.
func InONNXRuntime(run *pipeline.Run, name string) {
	f, nets := Packed()
	nets = Must(network.Select(nets, name))
	test := Samples(run, nets, 0)
	ours := classesOf(Must(run.Backend(context.Background())), f, nets, test)
	fmt.Printf("Go: test accuracy %.2f %%\n", 100*accuracy(ours, test[0]))
	theirs, version, err := onnxRuntime(Out("onnx", name+".onnx"), test[0])
	if Testable(err) {
		fmt.Printf("ONNX Runtime %s: test accuracy %.2f %%\n", version, 100*accuracy(theirs, test[0]))
		claimSame("ONNX Runtime", theirs, ours)
	}
}

func claimSame(who string, theirs, ours []int32) {
	same := Same(theirs, ours)
	Claim(same == len(ours), "Go and %s find the same class for %d of %d samples", who, same, len(ours))
}

// accuracy is the share of a split's samples whose label is their class.
func accuracy(classes []int32, split *datasets.Split) float64 {
	return float64(Same(classes, split.Labels)) / float64(split.Len())
}

// WriteC writes the pack as C, and shows what its constants take beside the same networks one by one.
func WriteC(o firmware.Options) {
	f, nets := Packed()
	Check(firmware.Write(Out("c"), f, nets, o))
	int8s := 0 // a byte for each weight of a page, and a float32 scale for the page
	for _, n := range f.Set.Networks {
		int8s += len(n.Table.Entries) * (f.Set.Size + 4)
	}
	s := f.Set.Stored()
	Show(figures.Flash(s, int8s))
	times := float64(int8s) / float64(s.Total)
	if !f.Set.Precision.Quantized() { // as in the paper's profile
		fmt.Printf("float32 pages take %.1f times the bytes of 8 bits, a network for itself\n", 1/times)
		return
	}
	Claim(times > 1, "%.1f times fewer bytes than in 8 bits, a network for itself", times)
}

// Program is the path of a program in C of package firmware.
func Program(name string) string { return filepath.Join(Root(), "wslib", "firmware", "testdata", name) }

// InC has C find the classes of the first test samples of each network, and compares them with Go's.
func InC(run *pipeline.Run, each int) {
	f, nets := Packed()
	tests := Samples(run, nets, each)
	ours := classesOf(Must(run.Backend(context.Background())), f, nets, tests)
	writeSamples(Out("c"), tests, ours)
	theirs, err := classesIn(RunC(Out("c"), "classes.c"))
	if Testable(err) {
		showClasses(run, nets, theirs, tests)
		claimSame("C", theirs, ours)
	}
}

// OnBoard is [InC] of the same samples, after it, on an emulated Cortex-M7.
func OnBoard() {
	printed, err := runBoard(Out("c"), "classes.c")
	theirs, err := classesIn(printed, err)
	if Testable(err) {
		fmt.Print(printed)
		claimSame("a Cortex-M7", theirs, readClasses(Out("c")))
	}
}
