/* SPDX-License-Identifier: MIT */
#ifndef IKE_BLOB_H
#define IKE_BLOB_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/* Bytes on the heap that their struct owns. Wiped when freed: some of them are secrets. */
struct blob {
	uint8_t *data;
	size_t len;
};

static inline void blob_free(struct blob *blob)
{
	blob->data = wipe_free(blob->data, blob->len);
	blob->len = 0;
}

/* Replaces the content by a copy; -ENOMEM leaves the blob empty. */
static inline int blob_set(struct blob *blob, struct bytes bytes)
{
	blob_free(blob);
	if (!bytes.len)
		return 0;
	blob->data = malloc(bytes.len);
	if (!blob->data)
		return -ENOMEM;
	memcpy(blob->data, bytes.data, bytes.len);
	blob->len = bytes.len;
	return 0;
}

/* Adds a copy at the end; -ENOMEM leaves the blob as it was. */
static inline int blob_append(struct blob *blob, struct bytes bytes)
{
	uint8_t *data;

	if (!bytes.len)
		return 0;
	data = malloc(blob->len + bytes.len);
	if (!data)
		return -ENOMEM;
	if (blob->len)
		memcpy(data, blob->data, blob->len);
	memcpy(data + blob->len, bytes.data, bytes.len);
	(void)wipe_free(blob->data, blob->len);
	blob->data = data;
	blob->len += bytes.len;
	return 0;
}

static inline struct bytes blob_bytes(const struct blob *blob)
{
	return (struct bytes){ blob->data, blob->len };
}

#endif
