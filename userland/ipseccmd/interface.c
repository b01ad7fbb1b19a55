// SPDX-License-Identifier: MIT
#include "ipseccmd/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "policy/check.h"

/* The name proper of the link that the answer is about. */
static int take_name(struct nl_msg *msg, void *userdata)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	char *name = userdata;

	if (!nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) &&
	    attrs[IFLA_IFNAME])
		(void)nla_strlcpy(name, attrs[IFLA_IFNAME], POLICY_INTERFACE_MAX + 1);
	return NL_OK;
}

/* Which link has this name or alternative name? */
static struct nl_msg *question_new(const char *name)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	int type = strlen(name) > POLICY_INTERFACE_MAX ? IFLA_ALT_IFNAME : IFLA_IFNAME;
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC };

	if (msg && !nlmsg_append(msg, &link, sizeof(link), NLMSG_ALIGNTO) &&
	    !nla_put_string(msg, type, name))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int call(struct nl_sock *socket, struct nl_msg *msg, char *ret_name)
{
	int r = nl_connect(socket, NETLINK_ROUTE);

	*ret_name = '\0';
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_name, ret_name);
	if (!r)
		r = nl_send_auto(socket, msg);
	if (r >= 0)
		r = nl_wait_for_ack(socket);
	return r < 0 ? r : *ret_name ? 0 : -NLE_NODEV;
}

/* 0, or an error of libnl. */
static int ask(const char *name, char ret_name[static POLICY_INTERFACE_MAX + 1])
{
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_msg *msg = question_new(name);
	int r = socket && msg ? call(socket, msg, ret_name) : -NLE_NOMEM;

	nlmsg_free(msg);
	nl_socket_free(socket);
	return r;
}

int interface_find(void *userdata, const char *text, char ret_name[static POLICY_INTERFACE_MAX + 1],
		   char why[static POLICY_WHY_LEN])
{
	int r;

	(void)userdata;
	r = strlen(text) < ALTIFNAMSIZ ? ask(text, ret_name) : -NLE_NODEV;
	if (!r)
		return 0;
	if (strlen(text) <= POLICY_INTERFACE_MAX) {
		strcpy(ret_name, text);
		return policy_interface_check("{}", text, why);
	}
	snprintf(why, POLICY_WHY_LEN, "no interface of this host has the name \"%.64s\" (%s); give one that name "
		 "with \"ip link property add dev NAME altname\", or write the interface's own", text,
		 nl_geterror(r));
	return -EINVAL;
}
