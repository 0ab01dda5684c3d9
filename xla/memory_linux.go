package xla

// XLA frees a step's buffers after it and asks for the same ones in the next. By
// default the C library's malloc gives buffers of megabytes back to the system, and a
// step spends up to a third of its time on getting zeroed pages again. Programs with
// this package keep them. It is done before main, when no thread has an arena of its
// own yet, which would stay.

/*
#include <limits.h>
#include <malloc.h>

__attribute__((constructor)) static void keep_memory(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
#endif
}
*/
import "C"
