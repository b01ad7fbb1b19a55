/* SPDX-License-Identifier: MIT */
/* One object, or one change, as a dictionary. For bus.c. */
#ifndef STORE_BUS_OBJECT_H
#define STORE_BUS_OBJECT_H

#include <systemd/sd-bus.h>

#include "store/change.h"

/* The entries of an object as it is, into an open dictionary. -errno of sd-bus, or not negative. */
int bus_append_whole(sd_bus_message *m, enum store_kind kind, const void *object);
/* Only the fields in @given, those that are empty, too; a name is "newname". */
int bus_append_fields(sd_bus_message *m, enum store_kind kind, const void *object, uint32_t given);

/* (sa{sv}): the word of its kind, and the object as it is. */
#define BUS_OBJECT_TYPE "(sa{sv})"
int bus_append_object(sd_bus_message *m, enum store_kind kind, const void *object);
/*
 * Into a change that adds the object; clear it in any case. 1, 0 at the end of the array, or
 * -errno with a sentence.
 */
int bus_read_object(sd_bus_message *m, struct store_change *ret_change, char *why);

/* The dictionary of a change whose verb and kind are set. As dict_read(). */
int bus_read_values(sd_bus_message *m, struct store_change *change, char *why);

#endif /* STORE_BUS_OBJECT_H */
