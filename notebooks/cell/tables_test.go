package cell

import (
	"testing"

	"weightsep/wslib/claims"
	"weightsep/wslib/pipeline"
)

// The notebooks pack the ten networks as the profile is made for, in 2 bits, with teachers; the paper's are
// float32.
func TestConfigIsPacked(t *testing.T) {
	for _, profile := range pipeline.Profiles() {
		t.Setenv("WEIGHTSEP_PROFILE", profile)
		c := config()
		packed := c.Pages.Precision.Quantized() && c.Optimization.Distillation > 0 && c.Pages.Doubling
		if err := c.Validate(); err != nil || len(c.Networks) != 10 || packed == (profile == "paper") {
			t.Errorf("%s: %v, %+v", profile, err, c)
		}
	}
}

// What is documented can be shown, and adds up.
func TestDocumented(t *testing.T) {
	t.Setenv("WEIGHTSEP_ROOT", "../..")
	ShowComparison()
	ShowStored()
	ShowRooms()
	ShowBudgets(8, 32)
	if r := Reference("mnist"); r != 0.9886 {
		t.Errorf("the reference of mnist is %v", r)
	}
}

// A verdict goes to the notebooks' run. Numbers of another profile are not compared with those of quick.
func TestMeasured(t *testing.T) {
	t.Setenv("WEIGHTSEP_RUN", t.TempDir()+"/run")
	t.Setenv("WEIGHTSEP_PROFILE", "smoke")
	run := Open()
	defer run.Close()
	MeasureCost(run, nil)
	Measured("packed-mnist", 0)
	all, err := claims.Outcomes(Path(""))
	if err != nil || len(all) != 2 || all[0].Verdict != claims.NotTestable ||
		all[1].Verdict != claims.Missed {
		t.Errorf("%v, %+v", err, all)
	}
}
