/* SPDX-License-Identifier: MIT */
#ifndef CTL_FAKE_FIXTURE_H
#define CTL_FAKE_FIXTURE_H

#include <stdbool.h>

#include <systemd/sd-bus.h>

/* Appends the answer to @call, a method that shows something. 0 or -errno. */
int fake_fixture_append(sd_bus_message *reply, sd_bus_message *call, bool is_empty);

#endif /* CTL_FAKE_FIXTURE_H */
