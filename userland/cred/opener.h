/* SPDX-License-Identifier: MIT */
#ifndef CRED_OPENER_H
#define CRED_OPENER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The helper (cred/helper.h) that opens the files of the store for ipsec-cred, which cannot open any
 * itself once it is confined. It reads none of them, so it holds no secret; and it opens nothing
 * else, so who has taken ipsec-cred over gets no other file through it.
 *
 * What lies in the folders comes as notices: BEGIN, a FILE with its descriptor for each, END. First of
 * all, when something in the folders has changed, and whenever ipsec-cred says anything.
 */
enum opener_kind {
	OPENER_BEGIN,
	OPENER_FILE,		/* with a descriptor */
	OPENER_FAILED,		/* error and name */
	OPENER_END,
};

#define OPENER_NAME_MAX 255
#define OPENER_FILES_MAX 1024		/* in one folder */

struct opener_notice {
	uint8_t kind;
	uint8_t folder;			/* enum store_folder */
	uint16_t error;			/* errno */
	char name[OPENER_NAME_MAX + 1];	/* of the file in its folder; "": the folder itself */
};

struct opener {
	const char *path;
	/* Its own. */
	int dir;		/* opened before it lost its rights; -1: not there yet */
	int watch;		/* inotify; -1: changes are not noticed */
	int socket;
};

/* For struct helper_config; userdata is a struct opener with its path set. */
int opener_prepare(void *userdata);
int opener_run(void *userdata, int fd);

#endif
