/* SPDX-License-Identifier: MIT */
#ifndef CRED_FETCH_PROCESS_H
#define CRED_FETCH_PROCESS_H

#include <stdint.h>

#include "cred/guard.h"

/*
 * The helper (cred/helper.h) that fetches CRLs. A call is a URL without NUL; its answer a struct
 * fetch_answer, with a sealed memory file when the error is 0.
 *
 * Each URL is fetched by a process of its own, which has no rights, no secret, bounds on memory, time and what
 * it writes, and only the system calls that a client of a server needs; when it dies, of what a stranger sent or
 * otherwise, that was one fetch that failed.
 */

#define FETCH_LEN_MAX (8 << 20)
#define FETCH_SECONDS 10
#define FETCH_CONNECT_SECONDS 3
#define FETCH_PROCESSES_MAX 8		/* at once; more calls wait */
#define FETCH_CALLS_MAX 256
#define FETCH_URL_MAX_LEN 1024

struct fetch_answer {
	int32_t error;			/* negative errno, as of fetch_url() */
};

struct fetch_process {
	struct guard guard;
	unsigned int seconds;		/* for one URL */
};

/* For struct helper_config; userdata is a struct fetch_process. */
int fetch_process_run(void *userdata, int fd);

#endif
