/* SPDX-License-Identifier: MIT */
#ifndef AGENT_REPLY_H
#define AGENT_REPLY_H

#include <systemd/sd-bus.h>

#include "policy/fault.h"

/* Answers of the control socket. All return what a handler of sd-bus returns. */

int reply_fault(sd_bus_message *m, const struct fault *fault);
/* After reading @m: @error 0 is "nothing there", -EINVAL has its sentence in @why. */
int reply_invalid(sd_bus_message *m, int error, const char *why);
/* After a change: 0, or what the fault says. */
int reply_change(sd_bus_message *m, int r, const struct fault *fault);
/* Sends @reply when @r is 0, the fault when it has a text, else an error for @r. */
int reply_shown(sd_bus_message *m, sd_bus_message *reply, int r, const struct fault *fault);
/* Too many calls wait already. */
int reply_busy(sd_bus_message *m);

#endif /* AGENT_REPLY_H */
