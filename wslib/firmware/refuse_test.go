package firmware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// What cannot be written is an error of one line, before anything is written.
func TestRefuses(t *testing.T) {
	renamed := func(names ...string) func(*pack.File, []*network.Network, *Options) {
		return func(f *pack.File, nets []*network.Network, _ *Options) {
			for i, name := range names {
				nets[i] = network.Describe(name, *nets[i].Model.(*network.Described)).WithOrder(nets[i].Order)
				f.Set.Networks[i].Name = name
			}
		}
	}
	prefix := func(p string) func(*pack.File, []*network.Network, *Options) {
		return func(_ *pack.File, _ []*network.Network, o *Options) { o.Prefix = p }
	}
	for _, c := range []struct {
		change func(*pack.File, []*network.Network, *Options)
		want   string
	}{
		{prefix("9x"), `prefix "9x": want a C identifier`},
		{prefix("_x"), "want a C identifier"},
		{prefix("a-b"), "want a C identifier"},
		{prefix("../x"), "want a C identifier"},
		{prefix("int"), "no word or header of C"},
		{prefix("String"), "no word or header of C"}, // where case does not matter, string.h is that of libc
		{prefix("WeightSep"), "not with weightsep"},
		{renamed("a*b"), `network name "a*b": want letters`},
		{renamed("ä"), `network name "ä": want letters`},
		{renamed("x-1", "x.1"), "network x.1: its name in C, packed_x_1, is that of x-1"},
		{renamed("x", "X"), "network X: its name in C, PACKED_X_WEIGHTS, is that of x"},
		{func(f *pack.File, nets []*network.Network, o *Options) {
			renamed("x", "X_INPUT")(f, nets, o)
			o.Prefix = "P"
		}, "network X_INPUT: its name in C, P_X_INPUT, is that of x"},
		{func(f *pack.File, nets []*network.Network, o *Options) {
			renamed("NETWORKS")(f, nets, o)
			o.Prefix = "P"
		}, "network NETWORKS: its name in C, P_NETWORKS, is that of all of the pack"},
		{func(f *pack.File, nets []*network.Network, o *Options) {
			renamed("net", "net-8")(f, nets, o)
			o.Samples = samplesOf(nets)
		}, "network net-8: its name in C, packed_net_8, is that of net"},
		{func(f *pack.File, nets []*network.Network, o *Options) {
			renamed("NETWORKS8")(f, nets, o)
			o.Prefix, o.Samples = "P", samplesOf(nets)
		}, "network NETWORKS8: its name in C, P_NETWORKS8, is that of all of the pack"},
		{func(_ *pack.File, nets []*network.Network, _ *Options) { nets[0], nets[1] = nets[1], nets[0] },
			"network 0 of the pack is a, want b-1.x"},
		{func(_ *pack.File, nets []*network.Network, _ *Options) {
			nets[0] = &network.Network{Name: "a", Model: other{nets[0].Model}}
		}, "network a: its model is a GoMLX function, want a described network or an ONNX file"},
		{func(f *pack.File, _ []*network.Network, _ *Options) { f.Set.Networks[0].State = []float32{1} },
			"network a has 60 weights and 1 of state in the pack, its model 60 and 0"},
		{func(f *pack.File, _ []*network.Network, _ *Options) { f.Set.Networks[1].Scales = nil },
			"pages: b-1.x: no scales"},
		{func(_ *pack.File, _ []*network.Network, o *Options) { o.RAM = 207 },
			"network a needs 208 bytes of RAM for 10 weights of a channel of conv0, activations, a sample " +
				"and outputs, want 207 at most"},
	} {
		f, nets := small(page.Format{Precision: page.Int8})
		dir, o := filepath.Join(t.TempDir(), "out"), Options{}
		c.change(f, nets, &o)
		err := Write(dir, f, nets, o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q, but %s is there", c.want, dir)
		}
	}
	f, nets := small(page.Format{Precision: page.Int8})
	if err := Write(t.TempDir(), f, nets, Options{RAM: 208}); err != nil {
		t.Error(err)
	}
	renamed("net", "net-8")(f, nets, nil) // a name that C has only with samples
	if err := Write(t.TempDir(), f, nets, Options{}); err != nil {
		t.Error(err)
	}
	if err := Write(t.TempDir(), &pack.File{Set: &page.Set{Format: f.Set.Format, Pages: f.Set.Pages}}, nil,
		Options{}); err == nil || !strings.Contains(err.Error(), "0 networks for a pack of 0") {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Write(file, f, nets, Options{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("%v of a file for a directory", err)
	}
}

// other is a model that is no described one.
type other struct{ network.Model }
