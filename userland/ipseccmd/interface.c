// SPDX-License-Identifier: MIT
#include "ipseccmd/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "policy/check.h"

#define ANSWER_MAX	16384

/* One question: which link has this name or alternative name? */
struct question {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[NLA_HDRLEN + ALTIFNAMSIZ];
};

static void build(const char *name, struct question *ret_question)
{
	struct nlattr attribute = {
		.nla_type = strlen(name) > POLICY_INTERFACE_MAX ? IFLA_ALT_IFNAME : IFLA_IFNAME,
		.nla_len = (uint16_t)(NLA_HDRLEN + strlen(name) + 1),
	};
	struct question question = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)) + NLA_ALIGN(attribute.nla_len),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.link.ifi_family = AF_UNSPEC,
	};

	memcpy(question.attributes, &attribute, sizeof(attribute));
	strcpy(question.attributes + NLA_HDRLEN, name);
	*ret_question = question;
}

/* The name proper of the link that the answer is about. */
static int read_name(const char *answer, size_t len, char ret_name[static POLICY_INTERFACE_MAX + 1])
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	const struct rtattr *attribute;
	int left;

	if (!NLMSG_OK(header, len))
		return -EBADMSG;
	if (header->nlmsg_type != RTM_NEWLINK)
		return -ENODEV;
	left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg)));
	attribute = IFLA_RTA(NLMSG_DATA(header));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type != IFLA_IFNAME)
			continue;
		(void)snprintf(ret_name, POLICY_INTERFACE_MAX + 1, "%.*s", (int)RTA_PAYLOAD(attribute),
			       (const char *)RTA_DATA(attribute));
		return 0;
	}
	return -EBADMSG;
}

/* 0, or -ENODEV: there is none; or another -errno. */
static int ask(const char *name, char ret_name[static POLICY_INTERFACE_MAX + 1])
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	struct question question;
	ssize_t n;

	if (fd < 0)
		return -errno;
	build(name, &question);
	if (send(fd, &question, question.header.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, answer, sizeof(answer), 0);
	return n < 0 ? -errno : read_name(answer, (size_t)n, ret_name);
}

int interface_find(void *userdata, const char *text, char ret_name[static POLICY_INTERFACE_MAX + 1],
		   char why[static POLICY_WHY_LEN])
{
	int r;

	(void)userdata;
	r = strlen(text) < ALTIFNAMSIZ ? ask(text, ret_name) : -ENODEV;
	if (!r)
		return 0;
	if (strlen(text) <= POLICY_INTERFACE_MAX) {
		strcpy(ret_name, text);
		return policy_interface_check("{}", text, why);
	}
	snprintf(why, POLICY_WHY_LEN, "no interface of this host has the name \"%.64s\" (%s); give one that name "
		 "with \"ip link property add dev NAME altname\", or write the interface's own", text,
		 strerror(-r));
	return -EINVAL;
}
