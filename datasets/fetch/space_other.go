//go:build !linux && !darwin

package main

// freeSpace does not know how to ask.
func freeSpace(dir string) (int64, bool) { return 0, false }
