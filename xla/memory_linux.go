package xla

/*
#include <malloc.h>
#include <limits.h>

static void keep_memory(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
#endif
}
*/
import "C"

// keepMemory makes the C library's malloc keep what XLA frees after a step for
// the next one. By default buffers of megabytes go back to the system, and every step
// spends up to a third of its time on getting zeroed pages again.
func keepMemory() { C.keep_memory() }
