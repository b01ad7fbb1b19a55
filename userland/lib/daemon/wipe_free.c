// SPDX-License-Identifier: MIT
/*
 * For programs that handle keys: whatever is freed is wiped, libraries' memory included.
 *
 * We wipe what we copy, and sd-bus wipes messages that are marked as sensitive; but a message
 * that grew while it was written, or a receive buffer that did while it was filled, has left its
 * beginning behind in the heap. So these programs bring their own free() and realloc(), in front
 * of glibc's. Not part of the library: a program that wants it names this file among its
 * sources.
 *
 * The sanitizers have their own allocator and see use of freed memory better.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __SANITIZE_ADDRESS__

/* glibc's own, under names that nobody replaces. */
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

void free(void *p)
{
	int saved_errno = errno;

	if (!p)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	__libc_free(p);
	errno = saved_errno;
}

void *realloc(void *p, size_t size)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *bigger;

	if (p && size == 0) {
		free(p);
		return NULL;
	}
	if (p && size <= old && size >= old / 2)
		return p;
	bigger = __libc_malloc(size);
	if (bigger && p) {
		memcpy(bigger, p, size < old ? size : old);
		free(p);
	}
	return bigger;
}

void *reallocarray(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, n * size);
}

#endif
