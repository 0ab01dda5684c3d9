package xla

// The ways between which the exported functions choose.
var (
	ConvolveTurned          = convolveTurned
	ShiftedSums             = shiftedSums
	AutomaticKernelGradient = automaticKernelGradient
)
