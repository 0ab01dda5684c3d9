package xla

import (
	"os"
	"strings"
)

// oneDNN has XLA's CPU compiler leave convolutions and matrix products to oneDNN,
// which is in the wheel: most convolutions of small networks take half the time.
const oneDNN = "--xla_cpu_experimental_onednn_custom_call"

// setXLAFlag sets a flag to true in XLA_FLAGS, which XLA reads when it compiles for the
// first time, unless the user says otherwise. XLA ends the process at a flag that it
// does not know: this is for plugins that are known to have it. XLA_FLAGS that name a file
// of flags, without a dash in front, stay as they are.
func setXLAFlag(flag string) error {
	flags := strings.TrimSpace(os.Getenv("XLA_FLAGS"))
	if flags != "" && flags[0] != '-' {
		return nil
	}
	for _, f := range strings.Fields(flags) {
		if name, _, _ := strings.Cut(f, "="); name == flag {
			return nil
		}
	}
	return os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" "+flag+"=true"))
}
