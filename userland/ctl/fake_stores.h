/* SPDX-License-Identifier: MIT */
/* The fake agent's stores: real ones, in its run directory. */
#ifndef CTL_FAKE_STORES_H
#define CTL_FAKE_STORES_H

#include <stdio.h>

#include <systemd/sd-bus.h>

/*
 * The answer to StoreApply, StoreRead or GetStores, @m, from the files in @dir; a store that is not
 * there is made. Writes to @log what was asked. The caller sends *ret_reply. 0, or -errno of sd-bus.
 */
int fake_stores_answer(sd_bus_message *m, const char *dir, FILE *log, sd_bus_message **ret_reply);

/* Removes the files, so that the next call finds new stores. */
void fake_stores_remove(const char *dir);

#endif /* CTL_FAKE_STORES_H */
