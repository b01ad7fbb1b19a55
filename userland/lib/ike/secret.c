// SPDX-License-Identifier: MIT
#include "ike/secret.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define SLAB_LEN ((size_t)64 * 1024)

/* A free block holds the link to the next one; slabs are never given back. */
struct free_block {
	struct free_block *next;
};

static struct free_block *free_blocks;

static int add_slab(void)
{
	uint8_t *slab = mmap(NULL, SLAB_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

	if (slab == MAP_FAILED)
		return -1;
	/* Both are best effort: RLIMIT_MEMLOCK is small unless the service raises it. */
	(void)mlock2(slab, SLAB_LEN, MLOCK_ONFAULT);
	(void)madvise(slab, SLAB_LEN, MADV_DONTDUMP);
	for (size_t at = 0; at < SLAB_LEN; at += SECRET_BLOCK_LEN) {
		struct free_block *block = (struct free_block *)(void *)(slab + at);

		block->next = free_blocks;
		free_blocks = block;
	}
	return 0;
}

void *secret_alloc(void)
{
	struct free_block *block;

	if (!free_blocks && add_slab())
		return NULL;
	block = free_blocks;
	free_blocks = block->next;
	block->next = NULL;
	return block;
}

void *secret_free(void *block)
{
	struct free_block *link = block;

	if (block) {
		wipe(block, SECRET_BLOCK_LEN);
		link->next = free_blocks;
		free_blocks = link;
	}
	return NULL;
}
