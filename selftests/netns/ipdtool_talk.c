/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipdtool.h"

struct tool tool;

#define MESSAGE_SIZE 65536

struct nl_msg *message_new(int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_SIZE);

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, tool.family, 0, flags,
				 (uint8_t)command, IPSECDRV_FAMILY_VERSION))
		die("no memory");
	return msg;
}

void put(struct nl_msg *msg, int type, int len, const void *data)
{
	if (nla_put(msg, type, len, data))
		die("the message is too long");
}

void put_u8(struct nl_msg *msg, int type, unsigned long long value)
{
	uint8_t u8 = (uint8_t)value;

	put(msg, type, sizeof(u8), &u8);
}

void put_u32(struct nl_msg *msg, int type, unsigned long long value)
{
	uint32_t u32 = (uint32_t)value;

	put(msg, type, sizeof(u32), &u32);
}

void put_be16(struct nl_msg *msg, int type, unsigned long long value)
{
	uint16_t be16 = htons((uint16_t)value);

	put(msg, type, sizeof(be16), &be16);
}

void put_be32(struct nl_msg *msg, int type, unsigned long long value)
{
	uint32_t be32 = htonl((uint32_t)value);

	put(msg, type, sizeof(be32), &be32);
}

struct nlattr *nest_start(struct nl_msg *msg, int type)
{
	struct nlattr *nest = nla_nest_start(msg, type | NLA_F_NESTED);

	if (!nest)
		die("the message is too long");
	return nest;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *result)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	int skip = sizeof(*error);

	(void)from;
	*(int *)result = error->error;
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += (int)(error->msg.nlmsg_len - NLMSG_HDRLEN);
	if (!nlmsg_parse(header, skip, tb, NLMSGERR_ATTR_MAX, NULL) && tb[NLMSGERR_ATTR_MSG]) {
		nla_strlcpy(tool.sentence_buffer, tb[NLMSGERR_ATTR_MSG],
			    sizeof(tool.sentence_buffer));
		tool.sentence = tool.sentence_buffer;
	}
	return NL_STOP;
}

static int on_end(struct nl_msg *msg, void *result)
{
	(void)msg;
	*(int *)result = 0;
	return NL_STOP;
}

static int on_answer(struct nl_msg *msg, void *unused)
{
	struct nlattr *attrs[IPSECDRV_A_MAX + 1];

	(void)unused;
	if (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP_INTR)
		tool.interrupted = true;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, IPSECDRV_A_MAX, NULL))
		die("the kernel sent a malformed message");
	if (tool.show)
		tool.show(attrs);
	return NL_OK;
}

/*
 * With IPD_FAIL_NTH=N the kernel's N-th allocation in handling each message fails (its own
 * fault injection, by task). What there was to fail is over when the program ends with 3.
 */
static int send_failing(struct nl_msg *msg, const char *nth)
{
	int file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	char left[16] = "";
	int err;

	if (file < 0 || write(file, nth, strlen(nth)) < 0)
		die("the kernel does not inject failures");
	err = nl_send_auto(tool.sock, msg);
	if (pread(file, left, sizeof(left) - 1, 0) <= 0 || write(file, "0", 1) < 0)
		die("the kernel does not tell of failures");
	close(file);
	tool.failed = tool.failed || left[0] == '0';
	return err;
}

static int send_message(struct nl_msg *msg)
{
	const char *nth = getenv("IPD_FAIL_NTH");

	return nth ? send_failing(msg, nth) : nl_send_auto(tool.sock, msg);
}

/* sends @msg and shows what comes back; 0 or -errno, and the kernel's sentence */
static int talk(struct nl_msg *msg, void (*show)(struct nlattr **attrs))
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int result = 1, err;

	if (!cb)
		die("no memory");
	tool.show = show;
	tool.sentence = NULL;
	tool.interrupted = false;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &result);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &result);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &result);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, NULL);
	err = send_message(msg);
	if (err < 0)
		die("sending: %s", nl_geterror(err));
	nlmsg_free(msg);
	while (result > 0) {
		err = nl_recvmsgs(tool.sock, cb);
		if (err < 0 && result > 0)
			die("receiving: %s", nl_geterror(err));
	}
	nl_cb_put(cb);
	return result;
}

/* the same for a command of the user; its exit status */
int run(struct nl_msg *msg, void (*show)(struct nlattr **attrs))
{
	int err = talk(msg, show);

	if (tool.interrupted)
		fputs("ipdtool: the dump was interrupted by a change\n", stderr);
	if (!err)
		return 0;
	fprintf(stderr, "ipdtool: %s: %s\n", strerror(-err), tool.sentence ?: "(no sentence)");
	return 1;
}

int run_plain(int command, int flags, void (*show)(struct nlattr **attrs))
{
	return run(message_new(command, flags), show);
}

