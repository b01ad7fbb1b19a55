// SPDX-License-Identifier: MIT
#include "agent/bus_sas.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/bus.h"
#include "agent/bus_request.h"
#include "agent/reply.h"
#include "agent/show.h"
#include "agent/stats.h"
#include "base/log.h"
#include "policy/fault.h"
#include "policy/model.h"

/* --- lists -------------------------------------------------------------------------------- */

/* Without ipsec-ike there are no main modes, and quick modes are what the driver has. */
static void on_mm_sas(void *userdata, int error, const struct ike_mm_info *items, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus_request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = show_mm_sas(reply, bus_agent(request->bus), items, error ? 0 : n);
	(void)reply_shown(request->message, reply, r, &fault);
	bus_request_free(request);
}

int bus_sas_list_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct bus_request *request = bus_request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_list_mm(bus_agent(bus)->ike, on_mm_sas, request);
	return 1;
}

static void on_qm_sas(void *userdata, int error, const struct ike_qm_info *items, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus_request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = show_qm_sas(reply, bus_agent(request->bus), items, error ? 0 : n, &fault);
	(void)reply_shown(request->message, reply, r, &fault);
	bus_request_free(request);
}

int bus_sas_list_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct bus_request *request = bus_request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_list_qm(bus_agent(bus)->ike, on_qm_sas, request);
	return 1;
}


/* --- deleting associations ---------------------------------------------------------------- */

/* 0 and the peer (family 0: everybody), or -errno and a sentence. */
static int read_peer(sd_bus_message *m, struct ip_addr *ret_remote, char why[static POLICY_WHY_LEN])
{
	struct ip_addr remote = { 0 };
	const char *key, *value;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			break;
		if (strcmp(key, "dstaddr") != 0) {
			snprintf(why, POLICY_WHY_LEN,
				 "\"%s\" is not known here; the key is dstaddr", key);
			return -EINVAL;
		}
		r = sd_bus_message_read(m, "v", "s", &value);
		if (r < 0 || ip_addr_parse(value, &remote)) {
			snprintf(why, POLICY_WHY_LEN, "dstaddr is the address of a peer");
			return -EINVAL;
		}
		r = sd_bus_message_exit_container(m);
	}
	if (r < 0) {
		snprintf(why, POLICY_WHY_LEN, "the message is malformed");
		return r;
	}
	*ret_remote = remote;
	return 0;
}

static void deleted_one(struct bus_request *request)
{
	if (--request->n_pending)
		return;
	/* what ipsec-ike did not know, or was not there to delete */
	(void)negotiate_delete_sas(bus_agent(request->bus)->negotiate, &request->remote);
	(void)sd_bus_reply_method_return(request->message, NULL);
	bus_request_free(request);
}

static void on_deleted(void *userdata, int error)
{
	if (error && error != -ENOENT && error != -ENOTCONN)
		log_warning("ipsec-ike did not delete all associations: %s", strerror(-error));
	deleted_one(userdata);
}

int bus_sas_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct agent *agent = bus_agent(bus);
	char why[POLICY_WHY_LEN];
	struct bus_request *request;
	struct ip_addr remote;
	const struct ip_addr *mine;
	size_t n;
	int r = read_peer(m, &remote, why);

	(void)ret_error;
	if (r)
		return reply_invalid(m, r, why);
	request = bus_request_new(bus, m);
	if (!request)
		return reply_busy(m);
	request->remote = remote;
	request->n_pending = 1;
	mine = addresses_list(agent->addresses, &n);
	for (size_t i = 0; remote.family && i < n; i++) {
		if (mine[i].family != remote.family)
			continue;
		request->n_pending++;
		ike_delete_peer(agent->ike, &mine[i], &remote, on_deleted, request);
	}
	if (!remote.family) {
		request->n_pending++;
		ike_delete_all(agent->ike, on_deleted, request);
	}
	deleted_one(request);
	return 1;
}

static void on_statistics(void *userdata, int error, const struct ike_stats *stats)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus_request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = stats_append(reply, bus_agent(request->bus), error ? NULL : stats, &fault);
	(void)reply_shown(request->message, reply, r, &fault);
	bus_request_free(request);
}

int bus_sas_statistics(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct bus_request *request = bus_request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_get_statistics(bus_agent(bus)->ike, on_statistics, request);
	return 1;
}
