/* SPDX-License-Identifier: MIT */
#ifndef STORE_TEST_KILLS_H
#define STORE_TEST_KILLS_H

/*
 * Starts a process that changes the store @path, kills it after a random time of less than
 * @latest_ms (at most a second), and looks at what is there; @n times. 0, or -1 with a line on
 * stderr. What it saw is printed.
 */
int test_kills(const char *path, unsigned int n, unsigned int latest_ms);

#endif /* STORE_TEST_KILLS_H */
