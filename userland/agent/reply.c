// SPDX-License-Identifier: MIT
#include "agent/reply.h"

#include <errno.h>
#include <stdio.h>

#include "policy/bus.h"

int reply_fault(sd_bus_message *m, const struct fault *fault)
{
	char name[64];

	if (!fault->number)
		return sd_bus_reply_method_errorf(m, fault->name, "%s", fault->text);
	snprintf(name, sizeof(name), "%s%d", POLICY_BUS_NUMBER, fault->number);
	return sd_bus_reply_method_errorf(m, name, "%s", fault->text);
}

int reply_invalid(sd_bus_message *m, int error, const char *why)
{
	struct fault fault;

	if (error == -EINVAL || !error)
		fault_invalid(&fault, "%s", error ? why : "the dictionary is missing");
	else
		fault_failed(&fault, "%s", why);
	return reply_fault(m, &fault);
}

int reply_change(sd_bus_message *m, int r, const struct fault *fault)
{
	return r ? reply_fault(m, fault) : sd_bus_reply_method_return(m, NULL);
}

int reply_shown(sd_bus_message *m, sd_bus_message *reply, int r, const struct fault *fault)
{
	if (r >= 0)
		return sd_bus_send(sd_bus_message_get_bus(m), reply, NULL);
	if (fault->text[0])
		return reply_fault(m, fault);
	return sd_bus_reply_method_errno(m, r, NULL);
}

int reply_busy(sd_bus_message *m)
{
	struct fault fault;

	fault_failed(&fault, "too many calls are waiting; try again");
	return reply_fault(m, &fault);
}
