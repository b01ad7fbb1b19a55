/* SPDX-License-Identifier: MIT */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

/*
 * Makes SQLite wipe what it frees: its page cache has preshared keys. Before its first use in the
 * process, again without effect.
 */
void memory_use(void);

#endif /* STORE_MEMORY_H */
