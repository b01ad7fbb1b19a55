// SPDX-License-Identifier: MIT
#include "ike/mismatch.h"

#include <stdio.h>
#include <string.h>

static bool has(const struct mismatch_values *values, const char *name)
{
	for (size_t i = 0; i < values->n; i++) {
		if (!strcmp(values->names[i], name))
			return true;
	}
	return false;
}

void mismatch_add(struct mismatch_values *values, const char *name)
{
	if (values->n < MISMATCH_VALUES_MAX && !has(values, name))
		values->names[values->n++] = name;
}

static void format(const struct mismatch_values *values, char *buf, size_t cap)
{
	size_t len = 0;

	(void)snprintf(buf, cap, "nothing that we know");
	for (size_t i = 0; i < values->n; i++) {
		if (len + strlen(values->names[i]) + 3 > cap)
			return;
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", i ? ", " : "",
					values->names[i]);
	}
}

static void point(struct mismatch *mismatch, const char *attribute)
{
	mismatch->event = (struct ike_mismatch){
		.attribute = attribute,
		.expected = mismatch->expected,
		.received = mismatch->received,
	};
}

bool mismatch_is(struct mismatch *mismatch, const char *attribute,
		 const struct mismatch_values *ours, const struct mismatch_values *theirs)
{
	if (!ours->n)
		return false;
	for (size_t i = 0; i < theirs->n; i++) {
		if (has(ours, theirs->names[i]))
			return false;
	}
	format(ours, mismatch->expected, sizeof(mismatch->expected));
	format(theirs, mismatch->received, sizeof(mismatch->received));
	point(mismatch, attribute);
	return true;
}

void mismatch_set(struct mismatch *mismatch, const char *attribute, const char *expected,
		  const char *received)
{
	(void)snprintf(mismatch->expected, sizeof(mismatch->expected), "%s", expected);
	(void)snprintf(mismatch->received, sizeof(mismatch->received), "%s", received);
	point(mismatch, attribute);
}
