/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * _cleanup_(f) calls f(&variable) when the variable goes out of scope. The functions below are
 * made for it: they take a pointer to the variable and accept NULL or -1 in it.
 */
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Gives ownership away: the value, and NULL stays behind. */
#define TAKE_PTR(ptr)                                   \
	({                                              \
		__typeof__(ptr) *take_ptr_ = &(ptr);    \
		__typeof__(ptr) taken_ptr_ = *take_ptr_; \
		*take_ptr_ = NULL;                      \
		taken_ptr_;                             \
	})

#define TAKE_FD(fd)                    \
	({                             \
		int *take_fd_ = &(fd); \
		int taken_fd_ = *take_fd_; \
		*take_fd_ = -1;        \
		taken_fd_;             \
	})

/* Declares cleanup function name##p for a destructor that takes and returns the pointer. */
#define DEFINE_CLEANUP(type, name)           \
	static inline void name##p(type *p)  \
	{                                    \
		if (*p)                      \
			*p = name(*p);       \
	}                                    \
	struct cleanup_semicolon_##name

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

/* Overwrites with zeros in a way that the compiler may not leave out. */
static inline void wipe(void *p, size_t len)
{
	if (len)
		explicit_bzero(p, len);
}

/* A secret of @len bytes on the heap: wiped, then freed; NULL is allowed. Returns NULL. */
static inline void *wipe_free(void *p, size_t len)
{
	if (p)
		wipe(p, len);
	free(p);
	return NULL;
}

#endif
