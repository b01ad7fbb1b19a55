// SPDX-License-Identifier: MIT
#include "nl/kernel_genl_diag.h"

#include <stdlib.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include "nl/kernel_msg.h"

#define MESSAGES_PER_CALL	256
#define BUFFER			(1 << 20)

struct nl_sock *kernel_genl_diag_open(int group)
{
	struct nl_sock *socket = nl_socket_alloc();
	int one = 1;

	if (!socket)
		return NULL;
	nl_socket_disable_seq_check(socket);
	nl_socket_disable_auto_ack(socket);
	if (genl_connect(socket) || nl_socket_set_nonblocking(socket) ||
	    nl_socket_set_buffer_size(socket, BUFFER, 0) ||
	    nl_socket_add_membership(socket, group)) {
		nl_socket_free(socket);
		return NULL;
	}
	/* The driver hears of a full buffer, and its next record says how many were lost. */
	(void)setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_BROADCAST_ERROR, &one,
			 sizeof(one));
	return socket;
}

struct dispatch {
	int family;
	const struct kernel_diag_handler *handler;
};

static void handle_drop(const struct kernel_diag_handler *handler, struct genlmsghdr *header)
{
	struct nlattr *nest = nla_find(genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0),
				       IPSECDRV_A_DROP);
	struct kernel_drop drop;

	if (nest && !kernel_msg_get_drop(nest, &drop))
		handler->drop(handler->userdata, &drop);
}

static void handle_summary(const struct kernel_diag_handler *handler, struct genlmsghdr *header)
{
	struct nlattr *attr, *seconds = nla_find(genlmsg_attrdata(header, 0),
						 genlmsg_attrlen(header, 0), IPSECDRV_A_SECONDS);
	struct kernel_drop_count count;
	int left;

	nla_for_each_attr(attr, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), left) {
		if (nla_type(attr) != IPSECDRV_A_COUNTER ||
		    kernel_msg_get_drop_count(attr, &count))
			continue;
		if (seconds && nla_len(seconds) >= (int)sizeof(count.seconds))
			count.seconds = nla_get_u32(seconds);
		handler->count(handler->userdata, &count);
	}
}

static int on_message(struct nl_msg *msg, void *userdata)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct dispatch *dispatch = userdata;

	if (header->nlmsg_type != dispatch->family || !genlmsg_valid_hdr(header, 0))
		return NL_OK;
	switch (genlmsg_hdr(header)->cmd) {
	case IPSECDRV_CMD_DROP_EVENT:
		handle_drop(dispatch->handler, genlmsg_hdr(header));
		break;
	case IPSECDRV_CMD_SUMMARY_EVENT:
		handle_summary(dispatch->handler, genlmsg_hdr(header));
		break;
	}
	return NL_OK;
}

int kernel_genl_diag_dispatch(struct nl_sock *socket, int family,
			      const struct kernel_diag_handler *handler)
{
	struct dispatch dispatch = { .family = family, .handler = handler };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int r = 0;

	if (!cb)
		return -NLE_NOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, &dispatch);
	for (unsigned int i = 0; i < MESSAGES_PER_CALL && r >= 0; i++)
		r = nl_recvmsgs(socket, cb);
	nl_cb_put(cb);
	/* a full buffer is NLE_NOMEM, and nothing that would not be told */
	return r >= 0 || r == -NLE_AGAIN || r == -NLE_NOMEM ? 0 : r;
}
