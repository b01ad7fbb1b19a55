// SPDX-License-Identifier: MIT
#include "agent/bus_request.h"

#include <stdlib.h>

#include "agent/bus.h"
#include "agent/resolve.h"
#include "policy/model.h"

struct bus_request *bus_request_free(struct bus_request *request)
{
	if (!request)
		return NULL;
	*request->place = request->next;
	if (request->next)
		request->next->place = request->place;
	bus_requests(request->bus)->n--;
	resolver_cancel(request->question);
	policy_rule_free(request->rule);
	sd_bus_message_unref(request->message);
	free(request);
	return NULL;
}

struct bus_request *bus_request_new(struct bus *bus, sd_bus_message *m)
{
	struct bus_requests *requests = bus_requests(bus);
	struct bus_request *request = requests->n < BUS_REQUESTS_MAX ?
				      calloc(1, sizeof(*request)) : NULL;

	if (!request)
		return NULL;
	request->bus = bus;
	request->message = sd_bus_message_ref(m);
	request->next = requests->first;
	request->place = &requests->first;
	if (request->next)
		request->next->place = &request->next;
	requests->first = request;
	requests->n++;
	return request;
}
