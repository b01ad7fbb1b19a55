/* SPDX-License-Identifier: MIT */
#ifndef CRED_GSS_MESSAGE_H
#define CRED_GSS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cred/helper.h"
#include "cred/principal.h"
#include "ike/reason.h"

/*
 * What ipsec-cred and its Kerberos process say to each other. Lengths and values are checked on both
 * sides; views point into the buffer that was read.
 */

#define GSS_REALMS_SIZE 1025		/* with the NUL */
#define GSS_DETAIL_SIZE 513
#define GSS_NAMES_MAX 16		/* of machines in one keytab, those beyond do not count */

enum gss_op {
	GSS_STEP = 1,
	GSS_WRAP,
	GSS_UNWRAP,
	GSS_END,		/* no answer */
	GSS_END_ALL,		/* no answer */
};

struct gss_request {
	enum gss_op op;
	uint64_t context;
	/* GSS_STEP only, but for data */
	bool is_initiator;
	char own_name[PRINCIPAL_SIZE];
	char realms[GSS_REALMS_SIZE];
	struct bytes peer_name;	/* UTF-16LE */
	struct bytes data;	/* token; hash; wrapped hash */
};

struct gss_answer {
	enum ike_reason reason;
	bool is_complete;
	char peer[PRINCIPAL_SIZE];
	char detail[GSS_DETAIL_SIZE];
	struct bytes data;	/* token; wrapped hash; hash */
};

/* Said without being asked whenever it changes: the machines that the keytab has keys of. */
struct gss_names {
	char names[GSS_NAMES_MAX][PRINCIPAL_SIZE];
	size_t n_names;
};

/* Length of the message in @buf, 0 if there is no room for it. */
size_t gss_request_write(const struct gss_request *request,
			 uint8_t buf[static HELPER_MESSAGE_MAX_LEN]);
size_t gss_answer_write(const struct gss_answer *answer,
			uint8_t buf[static HELPER_MESSAGE_MAX_LEN]);
size_t gss_names_write(const struct gss_names *names, uint8_t buf[static HELPER_MESSAGE_MAX_LEN]);

/* 0 or -EBADMSG. */
int gss_request_read(struct bytes message, struct gss_request *ret_request);
int gss_answer_read(struct bytes message, struct gss_answer *ret_answer);
int gss_names_read(struct bytes message, struct gss_names *ret_names);

#endif
