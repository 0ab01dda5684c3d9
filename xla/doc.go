// Package xla opens the compute backend (CUDA, XLA's CPU plugin, pure Go) and
// holds the graph pieces whose lowering decides the speed of training:
// convolution, pooling, page gather.
package xla
