/* SPDX-License-Identifier: MIT */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include "store/object.h"
#include "store/sql.h"

/* Everything of store_open() that comes after the file is open: @store has db and path. */
int store_take_database(struct store *store, unsigned int flags, struct fault *fault);

/* Imports all of @content. In a transaction: what was imported before a failure is in it. */
int store_import(struct store *store, const struct store_content *content, struct fault *fault);

#endif /* STORE_OPEN_H */
