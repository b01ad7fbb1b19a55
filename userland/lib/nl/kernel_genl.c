// SPDX-License-Identifier: MIT
/*
 * The driver over libnl-genl-3.
 *
 * Requests: request.h.
 *
 * Events: every group that carries numbered events is joined on one socket, so their order is the
 * driver's and a gap in the numbers means loss. The controller's group is among them: it tells when
 * the driver is unloaded. One that is loaded afterwards is another one, which has nothing of what the
 * first one had; it needs another struct kernel.
 */
#include "nl/kernel_genl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include "nl/kernel_genl_diag.h"
#include "nl/kernel_msg.h"
#include "nl/names_gen.h"
#include "nl/request.h"

#define EVENTS_PER_CALL	256
#define EVENT_BUFFER	(4 << 20)

static struct genl *genl_of(struct kernel *kernel)
{
	return (struct genl *)kernel;
}

/* --- sockets ------------------------------------------------------------------------------ */

static int join(struct genl *genl, const char *family, const char *group)
{
	int id = genl_ctrl_resolve_grp(genl->requests, family, group);

	return id < 0 ? id : nl_socket_add_membership(genl->events, id);
}

static struct nl_sock *open_events(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	if (!socket)
		return NULL;
	nl_socket_disable_seq_check(socket);
	nl_socket_disable_auto_ack(socket);
	if (genl_connect(socket) || nl_socket_set_nonblocking(socket) ||
	    nl_socket_set_buffer_size(socket, EVENT_BUFFER, 0)) {
		nl_socket_free(socket);
		return NULL;
	}
	return socket;
}

/* --- status, mode ------------------------------------------------------------------------- */

static uint32_t attr_u32(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

static uint8_t attr_u8(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 1 ? nla_get_u8(attr) : 0;
}

static int take_status(struct nlattr **attrs, void *userdata)
{
	*(struct kernel_status *)userdata = (struct kernel_status){
		.mode = attr_u8(attrs[IPSECDRV_A_MODE]),
		.startup_mode = attr_u8(attrs[IPSECDRV_A_STARTUP_MODE]),
		.generation = attr_u32(attrs[IPSECDRV_A_GENERATION]),
		.filters = attr_u32(attrs[IPSECDRV_A_FILTERS]),
		.tuples = attr_u32(attrs[IPSECDRV_A_TUPLES]),
		.exempt_level = attr_u8(attrs[IPSECDRV_A_EXEMPT_LEVEL]),
		.event_number = attr_u32(attrs[IPSECDRV_A_EVENT_NUMBER]),
		.diag_level = attr_u8(attrs[IPSECDRV_A_DIAG_LEVEL]),
		.log_interval = attr_u32(attrs[IPSECDRV_A_LOG_INTERVAL]),
	};
	return 0;
}

static int genl_status_get(struct kernel *kernel, struct kernel_status *ret_status)
{
	return request_call_plain(genl_of(kernel), IPSECDRV_CMD_STATUS_GET, take_status, ret_status);
}

static int genl_mode_set(struct kernel *kernel, enum ipsecdrv_mode mode, int exempt_level)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new(genl, IPSECDRV_CMD_MODE_SET, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u8(msg, IPSECDRV_A_MODE, (uint8_t)mode) ||
	    (exempt_level >= 0 && nla_put_u8(msg, IPSECDRV_A_EXEMPT_LEVEL, (uint8_t)exempt_level)))
		return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

static int genl_diag_set(struct kernel *kernel, uint8_t level, uint32_t log_interval)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new(genl, IPSECDRV_CMD_DIAG_SET, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u8(msg, IPSECDRV_A_DIAG_LEVEL, level) ||
	    nla_put_u32(msg, IPSECDRV_A_LOG_INTERVAL, log_interval))
		return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

/* --- filters ------------------------------------------------------------------------------ */

#define FILTER_SIZE	192U	/* what a filter takes in a message, or more */
#define ID_SIZE		16U

static int take_transaction(struct nlattr **attrs, void *userdata)
{
	*(uint32_t *)userdata = attr_u32(attrs[IPSECDRV_A_TRANSACTION]);
	return 0;
}

static int call_transaction(struct genl *genl, int command, uint32_t transaction)
{
	_cleanup_request_ struct nl_msg *msg = request_new(genl, command, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, IPSECDRV_A_TRANSACTION, transaction))
		return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

/* As many filters as one message takes, to the transaction or (0) to what is in force. */
static int add_some(struct genl *genl, uint32_t transaction, const struct kernel_filter *filters,
		    size_t n, size_t *ret_added)
{
	_cleanup_request_ struct nl_msg *msg = request_new_large(genl, IPSECDRV_CMD_FILTER_ADD, 0,
								 n * FILTER_SIZE);
	size_t added = 0;
	int r;

	if (!msg)
		return -ENOMEM;
	if (transaction && nla_put_u32(msg, IPSECDRV_A_TRANSACTION, transaction))
		return request_too_big(genl);
	while (added < n && !kernel_msg_put_filter(msg, &filters[added]))
		added++;
	if (added < n && (!transaction || !added))
		return request_too_big(genl);
	r = request_call(genl, msg, NULL, NULL);
	if (r)
		return r;
	*ret_added = added;
	return 0;
}

/* A transaction with these filters, and @command for it. */
static int transact(struct genl *genl, const struct kernel_filter *filters, size_t n, int command)
{
	char why[KERNEL_WHY_LEN];
	uint32_t transaction = 0;
	size_t done = 0, added = 0;
	int r;

	r = request_call_plain(genl, IPSECDRV_CMD_FILTER_BEGIN, take_transaction, &transaction);
	if (r)
		return r;
	while (!r && done < n) {
		r = add_some(genl, transaction, filters + done, n - done, &added);
		if (!r)
			done += added;
	}
	if (!r)
		r = call_transaction(genl, command, transaction);
	if (!r && command == IPSECDRV_CMD_FILTER_COMMIT)
		return 0;
	memcpy(why, genl->kernel.why, sizeof(why));	/* of the refusal, not of the abort */
	(void)call_transaction(genl, IPSECDRV_CMD_FILTER_ABORT, transaction);
	memcpy(genl->kernel.why, why, sizeof(why));
	return r;
}

static int genl_filters_replace(struct kernel *kernel, const struct kernel_filter *filters,
				size_t n)
{
	return transact(genl_of(kernel), filters, n, IPSECDRV_CMD_FILTER_COMMIT);
}

static int genl_filters_check(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	return transact(genl_of(kernel), filters, n, IPSECDRV_CMD_FILTER_CHECK);
}

static int genl_filters_add(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	size_t added;

	return add_some(genl_of(kernel), 0, filters, n, &added);
}

static int genl_filters_del(struct kernel *kernel, const uint32_t *ids, size_t n)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new_large(genl, IPSECDRV_CMD_FILTER_DEL, 0,
								 n * ID_SIZE);

	if (!msg)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (kernel_msg_put_filter_id(msg, ids[i]))
			return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

static int genl_filters_change(struct kernel *kernel, const uint32_t *removed, size_t n_removed,
			       const struct kernel_filter *added, size_t n_added)
{
	struct genl *genl = genl_of(kernel);
	size_t size = n_removed * ID_SIZE + n_added * FILTER_SIZE;
	_cleanup_request_ struct nl_msg *msg =
		request_new_large(genl, IPSECDRV_CMD_FILTER_CHANGE, 0, size);

	if (!msg)
		return -ENOMEM;
	for (size_t i = 0; i < n_removed; i++)
		if (nla_put_u32(msg, IPSECDRV_A_FILTER_ID, removed[i]))
			return request_too_big(genl);
	for (size_t i = 0; i < n_added; i++)
		if (kernel_msg_put_filter(msg, &added[i]))
			return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

static int take_filter(struct nlattr **attrs, void *userdata)
{
	return attrs[IPSECDRV_A_FILTER] ?
	       kernel_msg_get_filter(attrs[IPSECDRV_A_FILTER], userdata) : -EBADMSG;
}

static int genl_filter_get(struct kernel *kernel, uint32_t id, struct kernel_filter *ret_filter)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new(genl, IPSECDRV_CMD_FILTER_GET, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, IPSECDRV_A_FILTER_ID, id))
		return request_too_big(genl);
	return request_call(genl, msg, take_filter, ret_filter);
}

static int list_filter(struct nlattr **attrs, void *userdata)
{
	struct request_list *list = userdata;
	struct kernel_filter *filter = request_list_next(list);
	int r = filter ? take_filter(attrs, filter) : -ENOMEM;

	if (!r)
		list->n++;
	return r;
}

static int genl_filter_dump(struct kernel *kernel, struct kernel_filter **ret_filters,
			    size_t *ret_n)
{
	return request_dump(genl_of(kernel), IPSECDRV_CMD_FILTER_GET, sizeof(**ret_filters), list_filter,
			    (void **)ret_filters, ret_n);
}

/* --- associations ------------------------------------------------------------------------- */

static int call_sas(struct genl *genl, int command, const struct kernel_sa *sas, size_t n,
		    int (*take)(struct nlattr **attrs, void *userdata), void *userdata)
{
	_cleanup_request_ struct nl_msg *msg = request_new(genl, command, 0);

	if (!msg)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (kernel_msg_put_sa(msg, &sas[i]))
			return request_too_big(genl);
	return request_call(genl, msg, take, userdata);
}

static int take_spi(struct nlattr **attrs, void *userdata)
{
	if (!attrs[IPSECDRV_A_SPI])
		return -EBADMSG;
	*(uint32_t *)userdata = ntohl(attr_u32(attrs[IPSECDRV_A_SPI]));
	return 0;
}

static int genl_spi_alloc(struct kernel *kernel, const struct kernel_sa *sa, uint32_t *ret_spi)
{
	return call_sas(genl_of(kernel), IPSECDRV_CMD_SPI_ALLOC, sa, 1, take_spi, ret_spi);
}

static int genl_sa_new(struct kernel *kernel, const struct kernel_sa *sas, size_t n)
{
	return call_sas(genl_of(kernel), IPSECDRV_CMD_SA_NEW, sas, n, NULL, NULL);
}

static int genl_sa_del(struct kernel *kernel, const struct kernel_sa *sa)
{
	return call_sas(genl_of(kernel), IPSECDRV_CMD_SA_DEL, sa, 1, NULL, NULL);
}

static int take_sa(struct nlattr **attrs, void *userdata)
{
	return attrs[IPSECDRV_A_SA] ? kernel_msg_get_sa(attrs[IPSECDRV_A_SA], userdata) : -EBADMSG;
}

static int genl_sa_get(struct kernel *kernel, const struct kernel_sa *sa, struct kernel_sa *ret_sa)
{
	return call_sas(genl_of(kernel), IPSECDRV_CMD_SA_GET, sa, 1, take_sa, ret_sa);
}

static int list_sa(struct nlattr **attrs, void *userdata)
{
	struct request_list *list = userdata;
	struct kernel_sa *sa = request_list_next(list);
	int r = sa ? take_sa(attrs, sa) : -ENOMEM;

	if (!r)
		list->n++;
	return r;
}

static int genl_sa_dump(struct kernel *kernel, struct kernel_sa **ret_sas, size_t *ret_n)
{
	return request_dump(genl_of(kernel), IPSECDRV_CMD_SA_GET, sizeof(**ret_sas), list_sa,
			    (void **)ret_sas, ret_n);
}

static int genl_sa_flush(struct kernel *kernel)
{
	return request_call_plain(genl_of(kernel), IPSECDRV_CMD_SA_FLUSH, NULL, NULL);
}

/* --- acquires, statistics, match ---------------------------------------------------------- */

static int genl_acquire_end(struct kernel *kernel, uint32_t id,
			    enum ipsecdrv_acquire_result result, uint32_t hold_seconds)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new(genl, IPSECDRV_CMD_ACQUIRE_END, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, IPSECDRV_A_ACQUIRE_ID, id) ||
	    nla_put_u8(msg, IPSECDRV_A_ACQUIRE_RESULT, (uint8_t)result) ||
	    (hold_seconds && nla_put_u32(msg, IPSECDRV_A_HOLD_SECONDS, hold_seconds)))
		return request_too_big(genl);
	return request_call(genl, msg, NULL, NULL);
}

static int take_acquire(struct nlattr **attrs, struct kernel_acquire *ret_acquire)
{
	struct kernel_acquire acquire = {
		.id = attr_u32(attrs[IPSECDRV_A_ACQUIRE_ID]),
		.filter_id = attr_u32(attrs[IPSECDRV_A_FILTER_ID]),
		.has_ended = attrs[IPSECDRV_A_ACQUIRE_RESULT] != NULL,
		.result = attr_u8(attrs[IPSECDRV_A_ACQUIRE_RESULT]),
	};

	if (!acquire.id || !acquire.filter_id || !attrs[IPSECDRV_A_SELECTOR] ||
	    kernel_msg_get_selector(attrs[IPSECDRV_A_SELECTOR], &acquire.selector))
		return -EBADMSG;
	if (attrs[IPSECDRV_A_FLOW] && kernel_msg_get_flow(attrs[IPSECDRV_A_FLOW], &acquire.flow))
		return -EBADMSG;
	*ret_acquire = acquire;
	return 0;
}

static int list_acquire(struct nlattr **attrs, void *userdata)
{
	struct request_list *list = userdata;
	struct kernel_acquire *acquire = request_list_next(list);
	int r = acquire ? take_acquire(attrs, acquire) : -ENOMEM;

	if (!r)
		list->n++;
	return r;
}

static int genl_acquire_dump(struct kernel *kernel, struct kernel_acquire **ret_acquires,
			     size_t *ret_n)
{
	return request_dump(genl_of(kernel), IPSECDRV_CMD_ACQUIRE_GET, sizeof(**ret_acquires),
			    list_acquire, (void **)ret_acquires, ret_n);
}

static int take_statistics(struct nlattr **attrs, void *userdata)
{
	return attrs[IPSECDRV_A_STATISTICS] ?
	       kernel_msg_get_statistics(attrs[IPSECDRV_A_STATISTICS], userdata) : -EBADMSG;
}

static int genl_statistics_get(struct kernel *kernel, struct kernel_statistics *ret_statistics)
{
	return request_call_plain(genl_of(kernel), IPSECDRV_CMD_STATISTICS_GET, take_statistics,
				  ret_statistics);
}

static int take_match(struct nlattr **attrs, void *userdata)
{
	struct kernel_match match = {
		.mode = attr_u8(attrs[IPSECDRV_A_MODE]),
		.verdict = attr_u8(attrs[IPSECDRV_A_VERDICT]),
		.pass_reason = attr_u8(attrs[IPSECDRV_A_PASS_REASON]),
		.drop_reason = attr_u8(attrs[IPSECDRV_A_DROP_REASON]),
		.action = attr_u8(attrs[IPSECDRV_A_ACTION]),
		.has_filter = attrs[IPSECDRV_A_FILTER] != NULL,
		.has_sa = attrs[IPSECDRV_A_SA] != NULL,
		.acquire_id = attr_u32(attrs[IPSECDRV_A_ACQUIRE_ID]),
		.connection = attr_u8(attrs[IPSECDRV_A_CONNECTION]),
	};

	kernel_msg_get_interface(attrs[IPSECDRV_A_INTERFACE], match.interface);
	if (match.has_filter && kernel_msg_get_filter(attrs[IPSECDRV_A_FILTER], &match.filter))
		return -EBADMSG;
	if (match.has_sa && kernel_msg_get_sa(attrs[IPSECDRV_A_SA], &match.sa))
		return -EBADMSG;
	*(struct kernel_match *)userdata = match;
	return 0;
}

static int genl_match(struct kernel *kernel, const struct kernel_flow *flow,
		      struct kernel_match *ret_match)
{
	struct genl *genl = genl_of(kernel);
	_cleanup_request_ struct nl_msg *msg = request_new(genl, IPSECDRV_CMD_MATCH, 0);

	if (!msg)
		return -ENOMEM;
	if (kernel_msg_put_flow(msg, flow))
		return request_too_big(genl);
	return request_call(genl, msg, take_match, ret_match);
}

/* --- events ------------------------------------------------------------------------------- */

struct dispatch {
	struct genl *genl;
	const struct kernel_event_handler *handler;
};

static void count_event(struct dispatch *dispatch, uint32_t number)
{
	struct genl *genl = dispatch->genl;
	uint32_t ahead = number - genl->event_number;

	/* Numbers wrap; those up to half the circle behind are what status_get() knew already. */
	if (genl->has_event_number && ahead > UINT32_MAX / 2)
		return;
	if (genl->has_event_number && ahead > 1)
		dispatch->handler->lost(dispatch->handler->userdata);
	genl->event_number = number;
	genl->has_event_number = true;
}

static void handle_expire(const struct kernel_event_handler *handler, struct nlattr **attrs)
{
	struct kernel_sa sa;

	if (attrs[IPSECDRV_A_SA] && !kernel_msg_get_sa(attrs[IPSECDRV_A_SA], &sa))
		handler->expire(handler->userdata, attr_u8(attrs[IPSECDRV_A_LIFETIME_KIND]), &sa);
}

static void handle_mapping(const struct kernel_event_handler *handler, struct nlattr **attrs)
{
	struct nlattr *address = attrs[IPSECDRV_A_PEER_ADDRESS];
	struct ip_addr peer;
	struct kernel_sa sa;

	if (!attrs[IPSECDRV_A_SA] || !address || !attrs[IPSECDRV_A_PEER_PORT] ||
	    nla_len(attrs[IPSECDRV_A_PEER_PORT]) < 2 ||
	    kernel_msg_get_sa(attrs[IPSECDRV_A_SA], &sa) ||
	    ip_addr_from_bytes(nla_data(address), (size_t)nla_len(address), &peer))
		return;
	handler->mapping(handler->userdata, &sa, &peer,
			 ntohs(nla_get_u16(attrs[IPSECDRV_A_PEER_PORT])));
}

/* Families that come and go. */
static void on_family(struct genl *genl, struct nlmsghdr *header)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];

	if (genlmsg_hdr(header)->cmd == CTRL_CMD_DELFAMILY &&
	    !genlmsg_parse(header, 0, attrs, CTRL_ATTR_MAX, NULL) &&
	    attrs[CTRL_ATTR_FAMILY_ID] && nla_len(attrs[CTRL_ATTR_FAMILY_ID]) >= 2 &&
	    nla_get_u16(attrs[CTRL_ATTR_FAMILY_ID]) == genl->family)
		genl->is_gone = true;
}

static int on_event(struct nl_msg *msg, void *userdata)
{
	struct dispatch *dispatch = userdata;
	const struct kernel_event_handler *handler = dispatch->handler;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attrs[IPSECDRV_A_MAX + 1];
	struct kernel_acquire acquire;

	if (header->nlmsg_type == GENL_ID_CTRL)
		on_family(dispatch->genl, header);
	if (header->nlmsg_type != dispatch->genl->family ||
	    genlmsg_parse(header, 0, attrs, IPSECDRV_A_MAX, NULL))
		return NL_OK;
	if (attrs[IPSECDRV_A_EVENT_NUMBER])
		count_event(dispatch, attr_u32(attrs[IPSECDRV_A_EVENT_NUMBER]));
	switch (genlmsg_hdr(header)->cmd) {
	case IPSECDRV_CMD_ACQUIRE_EVENT:
		if (!take_acquire(attrs, &acquire))
			handler->acquire(handler->userdata, &acquire);
		break;
	case IPSECDRV_CMD_EXPIRE_EVENT:
		handle_expire(handler, attrs);
		break;
	case IPSECDRV_CMD_MODE_EVENT:
		handler->mode(handler->userdata, attr_u8(attrs[IPSECDRV_A_MODE]));
		break;
	case IPSECDRV_CMD_MAPPING_EVENT:
		handle_mapping(handler, attrs);
		break;
	}
	return NL_OK;
}

static int genl_event_fd(struct kernel *kernel)
{
	return nl_socket_get_fd(genl_of(kernel)->events);
}

static int genl_event_dispatch(struct kernel *kernel, const struct kernel_event_handler *handler)
{
	struct genl *genl = genl_of(kernel);
	struct dispatch dispatch = { .genl = genl, .handler = handler };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int r = 0;

	if (!cb)
		return request_fail(genl, -ENOMEM, "Out of memory.");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_event, &dispatch);
	for (unsigned int i = 0; i < EVENTS_PER_CALL && r >= 0; i++)
		r = nl_recvmsgs(genl->events, cb);
	nl_cb_put(cb);
	if (genl->is_gone)
		return request_fail(genl, -ENODEV, "The driver was unloaded.");
	if (r >= 0 || r == -NLE_AGAIN)
		return 0;
	if (request_errno(r) == -ENOBUFS) {	/* the socket's buffer was full */
		genl->has_event_number = false;
		handler->lost(handler->userdata);
		return 0;
	}
	return request_fail(genl, request_errno(r), nl_geterror(r));
}

static int genl_diag_fd(struct kernel *kernel)
{
	return nl_socket_get_fd(genl_of(kernel)->diag);
}

static int genl_diag_dispatch(struct kernel *kernel, const struct kernel_diag_handler *handler)
{
	struct genl *genl = genl_of(kernel);
	int r = kernel_genl_diag_dispatch(genl->diag, genl->family, handler);

	return r ? request_fail(genl, request_errno(r), nl_geterror(r)) : 0;
}

/* --- life --------------------------------------------------------------------------------- */

static struct kernel *genl_free(struct kernel *kernel)
{
	struct genl *genl = genl_of(kernel);

	nl_socket_free(genl->requests);
	nl_socket_free(genl->events);
	nl_socket_free(genl->diag);
	free(genl);
	return NULL;
}

static const struct kernel_ops genl_ops = {
	.status_get = genl_status_get,
	.mode_set = genl_mode_set,
	.diag_set = genl_diag_set,
	.filters_replace = genl_filters_replace,
	.filters_check = genl_filters_check,
	.filters_add = genl_filters_add,
	.filters_del = genl_filters_del,
	.filters_change = genl_filters_change,
	.filter_get = genl_filter_get,
	.filter_dump = genl_filter_dump,
	.spi_alloc = genl_spi_alloc,
	.sa_new = genl_sa_new,
	.sa_del = genl_sa_del,
	.sa_get = genl_sa_get,
	.sa_dump = genl_sa_dump,
	.sa_flush = genl_sa_flush,
	.acquire_end = genl_acquire_end,
	.acquire_dump = genl_acquire_dump,
	.statistics_get = genl_statistics_get,
	.match = genl_match,
	.event_fd = genl_event_fd,
	.event_dispatch = genl_event_dispatch,
	.diag_fd = genl_diag_fd,
	.diag_dispatch = genl_diag_dispatch,
	.free = genl_free,
};

static int connect_driver(struct genl *genl)
{
	static const char *const groups[] = {
		IPSECDRV_MCGRP_ACQUIRE, IPSECDRV_MCGRP_EXPIRE, IPSECDRV_MCGRP_MODE,
		IPSECDRV_MCGRP_MAPPING,
	};
	struct kernel_status status = { 0 };
	int r;

	genl->requests = request_open();
	genl->events = open_events();
	if (!genl->requests || !genl->events)
		return request_fail(genl, -EIO, "No netlink socket could be opened.");
	genl->family = genl_ctrl_resolve(genl->requests, IPSECDRV_FAMILY_NAME);
	if (genl->family < 0)
		return request_fail(genl, -ENOENT,
				    "The driver is not loaded in this kernel; run \"modprobe "
				    "ipsecdrv\". If there is none for it, \"dkms autoinstall\" builds "
				    "one.");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		r = join(genl, IPSECDRV_FAMILY_NAME, groups[i]);
		if (r < 0)
			return request_fail(genl, request_errno(r), nl_geterror(r));
	}
	r = join(genl, "nlctrl", "notify");
	if (r < 0)
		return request_fail(genl, request_errno(r), nl_geterror(r));
	r = genl_ctrl_resolve_grp(genl->requests, IPSECDRV_FAMILY_NAME, IPSECDRV_MCGRP_DIAG);
	genl->diag = r < 0 ? NULL : kernel_genl_diag_open(r);
	if (!genl->diag)
		return request_fail(genl, -EIO, "The driver's diagnostics cannot be listened to.");
	/* After joining: what happens from here on is either in the status or arrives. */
	r = genl_status_get(&genl->kernel, &status);
	if (r)
		return r;
	genl->event_number = status.event_number;
	genl->has_event_number = true;
	return 0;
}

int kernel_genl_open(struct kernel **ret_kernel, char why[static KERNEL_WHY_LEN])
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	struct genl *genl = calloc(1, sizeof(*genl));
	int r;

	if (!genl) {
		snprintf(why, KERNEL_WHY_LEN, "Out of memory.");
		return -ENOMEM;
	}
	genl->kernel.ops = &genl_ops;
	kernel = &genl->kernel;
	r = connect_driver(genl);
	if (r) {
		memcpy(why, kernel->why, KERNEL_WHY_LEN);
		return r;
	}
	*ret_kernel = TAKE_PTR(kernel);
	return 0;
}
