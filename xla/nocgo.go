//go:build !cgo

package xla

import (
	"errors"

	"github.com/gomlx/compute"
)

const (
	goXLAVersion   = "unknown"
	pluginPathsEnv = "PJRT_PLUGIN_LIBRARY_PATH"
)

// errNoCgo is why there is only the Go backend. Go itself turns cgo off where it finds no C compiler.
var errNoCgo = errors.New("this program was built without cgo, which XLA needs: install a C compiler " +
	"(Debian, Ubuntu: apt install gcc), leave CGO_ENABLED unset, and build again")

func openPlugin(path, options, origin string) (compute.Backend, Info, error) {
	return nil, Info{}, errNoCgo
}
