//go:build !cgo

// Package keepmemory does nothing without cgo.
package keepmemory
