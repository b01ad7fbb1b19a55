/* SPDX-License-Identifier: MIT */
#ifndef STORE_TEST_KILLS_H
#define STORE_TEST_KILLS_H

/*
 * Starts a process that changes the store @path, kills it after a random time of less than
 * @latest_ms (at most a second), and looks at what is there; @n times. 0, or -1 with a line on
 * stderr. What it saw is printed.
 */
int test_kills(const char *path, unsigned int n, unsigned int latest_ms);

/* The number of changes that the store has; -1 if it has half of one, or cannot be read. */
int test_kills_count(const char *path);
/* Removes the store. */
void test_kills_begin_anew(const char *path);

#endif /* STORE_TEST_KILLS_H */
