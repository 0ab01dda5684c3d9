package xla_test

import (
	"os"
	"os/exec"
	"testing"
)

// Where there is no C compiler, or CGO_ENABLED=0, programs compute with the Go backend and say why.
func TestWithoutCgo(t *testing.T) {
	if os.Getenv("CGO_ENABLED") == "0" {
		t.Skip("is what it runs")
	}
	cmd := exec.Command("go", "test", "-count=1", "-run=TestOpenWithoutCgo", "-v", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
}
