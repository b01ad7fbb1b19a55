/* SPDX-License-Identifier: MIT */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include <stddef.h>

#include "ctl/ctl.h"

/*
 * Calls @each for every whole word that the last of @words can become; an empty last word can
 * become anything that fits there. Words that end with "=" want a value next, so that nothing is
 * put behind them.
 */
void ctl_complete_each(struct ctl *ctl, char *const *words, size_t n,
		       void (*each)(void *data, const char *word), void *data);

/* For the shells: prints them, one per line. */
void ctl_complete(struct ctl *ctl, char *const *words, size_t n);

#endif /* CTL_COMPLETE_H */
