//go:build cgo

package xla

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	goxla "github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

const pluginPathsEnv = pjrt.PJRTPluginPathsEnv

var (
	goXLAVersion = pjrt.DefaultCPUVersion
	errNoCgo     error // nil: see nocgo.go
)

// openPlugin opens the PJRT plugin at path. The caller has made sure that the
// file is whole: a truncated one does not fail to load, it kills the process.
//
// It goes by the path because go-xla reads PJRT_PLUGIN_LIBRARY_PATH before
// main starts, and because with a path it installs nothing by itself.
func openPlugin(path, options, origin string) (compute.Backend, Info, error) {
	name := pluginName(path)
	if err := checkPath(path, name); err != nil {
		return nil, Info{}, err
	}
	if origin == cpuWheel.String() {
		if err := setXLAFlag(oneDNN, "true"); err != nil {
			return nil, Info{}, err
		}
	}
	plugin, err := guard(func() (*pjrt.Plugin, error) { return pjrt.GetPlugin(path) })
	if err != nil {
		return nil, Info{}, fmt.Errorf("PJRT plugin %s: %w", path, err)
	}
	b, err := guard(func() (compute.Backend, error) {
		return goxla.New(path + "," + withDefaults(options, name))
	})
	if err != nil {
		return nil, Info{}, fmt.Errorf("PJRT plugin %s: %w", path, err)
	}
	major, minor := plugin.Version()
	version := fmt.Sprintf("PJRT %d.%d (%s)", major, minor, origin)
	return b, Info{Backend: "xla", Plugin: name, Version: version, Device: b.DeviceDescription(0)}, nil
}

// checkPath returns an error if go-xla would take the plugin at path for one
// that it is not, since it looks for these words anywhere in the path, or
// would cut the path where its options start.
func checkPath(path, name string) error {
	switch {
	case strings.Contains(path, ","):
		return fmt.Errorf("PJRT plugin %s: want a path without a comma", path)
	case pjrt.IsCUDAName(path) != pjrt.IsCUDAName(name):
		return fmt.Errorf(`PJRT plugin %s is not CUDA's: want a path without "cuda" and "nvidia"`, path)
	case isCPUName(path) && !isCPUName(name):
		return fmt.Errorf(`PJRT plugin %s is not a CPU's: want a path without "cpu", go-xla goes by it`, path)
	}
	return nil
}
