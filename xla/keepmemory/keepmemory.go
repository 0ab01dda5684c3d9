// Package keepmemory makes the C library's malloc keep freed memory for the whole process.
// Programs that train or serve ask for it by importing it:
//
//	import _ "weightsep/xla/keepmemory"
//
// XLA frees a step's buffers after it and asks for the same ones in the next. By default
// glibc gives buffers of megabytes back to the system, and a step spends up to a third of
// its time on getting zeroed pages again. With this package the process holds as much
// memory as it ever used at once. With another C library the package does nothing.
//
// It is an import and not a call because it has to come before main: by then the Go
// runtime has started threads that have arenas of their own, from which glibc still gives
// large buffers back.
package keepmemory

/*
#include <limits.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>

__attribute__((constructor)) static void keep_memory(void) {
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
}
#endif
*/
import "C"
