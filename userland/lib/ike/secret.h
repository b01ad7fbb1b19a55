/* SPDX-License-Identifier: MIT */
#ifndef IKE_SECRET_H
#define IKE_SECRET_H

#include <stddef.h>

/*
 * Memory for keys that live long: pages that are kept out of swap where the limit allows it, and
 * out of core dumps. Blocks are wiped when they are freed.
 */
#define SECRET_BLOCK_LEN 512

/* Zeroed; NULL when out of memory. */
void *secret_alloc(void);
/* NULL is allowed. Returns NULL. */
void *secret_free(void *block);

#endif
