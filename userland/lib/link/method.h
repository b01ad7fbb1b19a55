/* SPDX-License-Identifier: MIT */
#ifndef LINK_METHOD_H
#define LINK_METHOD_H

#include <stdbool.h>
#include <stddef.h>

struct codec_type;

/* One call of link/messages.h; inside lib/link only. */
struct link_method {
	const char *name;			/* D-Bus member */
	const struct codec_type *request;	/* NULL: no argument */
	const struct codec_type *reply;		/* NULL: nothing is answered but success */
	bool is_one_way;
	bool has_secret_request;
	bool has_secret_reply;
};

/* All methods there are, for tests. */
extern const struct link_method *const link_methods[];
extern const size_t link_n_methods;

#endif
