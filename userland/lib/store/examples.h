/* SPDX-License-Identifier: MIT */
/* The three example policies that every store begins with: objects.md 8. */
#ifndef STORE_EXAMPLES_H
#define STORE_EXAMPLES_H

#include "store/object.h"

/*
 * Client (Respond Only), Server (Request Security), Secure Server (Require Security), their lists
 * and actions, with their GUIDs. NULL without memory. Import them to have them again.
 */
struct store_content *store_examples_new(void);

#endif /* STORE_EXAMPLES_H */
