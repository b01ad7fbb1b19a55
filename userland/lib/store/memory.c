// SPDX-License-Identifier: MIT
#include "store/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/cleanup.h"

static void *take(int size)
{
	return malloc((size_t)size);
}

static int size_of(void *p)
{
	return p ? (int)malloc_usable_size(p) : 0;
}

static void give(void *p)
{
	if (p)
		wipe(p, malloc_usable_size(p));
	free(p);
}

/* realloc() would leave the old place as it is. */
static void *resize(void *p, int size)
{
	size_t old = malloc_usable_size(p), wanted = (size_t)size;
	void *bigger = malloc(wanted);

	if (!bigger)
		return NULL;
	memcpy(bigger, p, old < wanted ? old : wanted);
	give(p);
	return bigger;
}

static int round_up(int size)
{
	return (size + 7) & ~7;
}

static int start(void *data)
{
	(void)data;
	return SQLITE_OK;
}

static void stop(void *data)
{
	(void)data;
}

static void configure(void)
{
	static const sqlite3_mem_methods methods = {
		.xMalloc = take,
		.xFree = give,
		.xRealloc = resize,
		.xSize = size_of,
		.xRoundup = round_up,
		.xInit = start,
		.xShutdown = stop,
	};

	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void memory_use(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, configure);
}
