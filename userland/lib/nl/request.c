// SPDX-License-Identifier: MIT
#include "nl/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#define MESSAGE_SIZE	32768U	/* what most requests have room for */
#define MESSAGE_MAX	196608U
#define SEND_BUFFER	(1 << 18)	/* has room for it, whatever net.core.wmem_max says */
#define DUMP_TRIES	20

/* What one request collects. */
struct answer {
	struct genl *genl;
	/* Called for each answer with its attributes; 0 or -errno. */
	int (*take)(struct nlattr **attrs, void *userdata);
	void *userdata;
	int error;		/* of the driver, or of take() */
	bool is_done;
};

int request_fail(struct genl *genl, int error, const char *text)
{
	snprintf(genl->kernel.why, sizeof(genl->kernel.why), "%s", text);
	return error;
}

int request_errno(int nl_error)
{
	switch (-nl_error) {
	case NLE_SUCCESS:
		return 0;
	case NLE_NOMEM:
		return -ENOBUFS;	/* libnl's word for ENOBUFS on receive, too */
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_MSGSIZE:
	case NLE_MSG_TRUNC:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

/* --- the socket ---------------------------------------------------------------------------- */

static void set_option(struct nl_sock *socket, int option)
{
	int one = 1;

	/* Older kernels than the driver needs would lack them; without, sentences are lost. */
	(void)setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, option, &one, sizeof(one));
}

struct nl_sock *request_open(void)
{
	struct nl_sock *socket = nl_socket_alloc();
	int size = SEND_BUFFER;

	if (!socket)
		return NULL;
	if (genl_connect(socket) || nl_socket_set_buffer_size(socket, 1 << 20, SEND_BUFFER)) {
		nl_socket_free(socket);
		return NULL;
	}
	/* Who may not, may not send such messages either. */
	(void)setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	set_option(socket, NETLINK_EXT_ACK);
	set_option(socket, NETLINK_CAP_ACK);
	return socket;
}

static void replace_requests(struct genl *genl)
{
	struct nl_sock *socket = request_open();

	if (!socket)
		return;		/* the next request fails again and tries again */
	nl_socket_free(genl->requests);
	genl->requests = socket;
}

/* --- requests and answers ----------------------------------------------------------------- */

/* The sentence of an error message, or NULL; it is inside @error's message. */
static const char *extack_of(struct nlmsgerr *error)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct nlattr *attrs[NLMSGERR_ATTR_MSG + 1];
	size_t skip = sizeof(*error);
	size_t len = header->nlmsg_len - NLMSG_HDRLEN;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || len < skip)
		return NULL;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (len <= skip ||
	    nla_parse(attrs, NLMSGERR_ATTR_MSG, (struct nlattr *)((char *)error + skip),
		      (int)(len - skip), NULL))
		return NULL;
	if (!attrs[NLMSGERR_ATTR_MSG] || nla_len(attrs[NLMSGERR_ATTR_MSG]) < 1)
		return NULL;
	if (((char *)nla_data(attrs[NLMSGERR_ATTR_MSG]))[nla_len(attrs[NLMSGERR_ATTR_MSG]) - 1])
		return NULL;
	return nla_get_string(attrs[NLMSGERR_ATTR_MSG]);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *userdata)
{
	struct answer *answer = userdata;
	const char *text = extack_of(error);

	(void)from;
	answer->error = error->error;
	answer->is_done = true;
	request_fail(answer->genl, 0, text ? text : strerror(-error->error));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *userdata)
{
	struct answer *answer = userdata;

	(void)msg;
	answer->is_done = true;
	return NL_STOP;
}

static int on_answer(struct nl_msg *msg, void *userdata)
{
	struct answer *answer = userdata;
	struct nlattr *attrs[IPSECDRV_A_MAX + 1];

	if (answer->error)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, IPSECDRV_A_MAX, NULL))
		answer->error = -EBADMSG;
	else if (answer->take)
		answer->error = answer->take(attrs, answer->userdata);
	if (answer->error)
		request_fail(answer->genl, 0,
			     "The driver's answer does not follow the interface's specification.");
	return NL_OK;
}

static int receive(struct genl *genl, struct answer *answer)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int r = 0;

	if (!cb)
		return request_fail(genl, -ENOMEM, "Out of memory.");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, answer);
	while (!answer->is_done && r >= 0)
		r = nl_recvmsgs(genl->requests, cb);
	nl_cb_put(cb);
	if (r == -NLE_DUMP_INTR && !answer->error)
		return -EINTR;
	if (r < 0 && !answer->error) {
		replace_requests(genl);
		return request_fail(genl, request_errno(r), nl_geterror(r));
	}
	return answer->error;
}

struct nl_msg *request_new(struct genl *genl, int command, int flags)
{
	return request_new_large(genl, command, flags, 0);
}

struct nl_msg *request_new_large(struct genl *genl, int command, int flags, size_t size)
{
	size_t room = size < MESSAGE_SIZE ? MESSAGE_SIZE : size < MESSAGE_MAX ? size : MESSAGE_MAX;
	struct nl_msg *msg = nlmsg_alloc_size(room);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl->family, 0, flags,
				(uint8_t)command, IPSECDRV_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	if (!msg)
		request_fail(genl, 0, "Out of memory.");
	return msg;
}

void request_freep(struct nl_msg **msg)
{
	if (!*msg)
		return;
	wipe(nlmsg_hdr(*msg), nlmsg_get_max_size(*msg));
	nlmsg_free(*msg);
}

int request_call(struct genl *genl, struct nl_msg *msg,
		 int (*take)(struct nlattr **attrs, void *userdata), void *userdata)
{
	struct answer answer = { .genl = genl, .take = take, .userdata = userdata };
	int r = nl_send_auto(genl->requests, msg);

	if (r < 0) {
		replace_requests(genl);
		return request_fail(genl, request_errno(r), nl_geterror(r));
	}
	return receive(genl, &answer);
}

int request_call_plain(struct genl *genl, int command,
		       int (*take)(struct nlattr **attrs, void *userdata), void *userdata)
{
	_cleanup_request_ struct nl_msg *msg = request_new(genl, command, 0);

	return msg ? request_call(genl, msg, take, userdata) : -ENOMEM;
}

int request_too_big(struct genl *genl)
{
	return request_fail(genl, -E2BIG, "The request does not fit into one netlink message.");
}

/* --- dumps -------------------------------------------------------------------------------- */

static void list_done(struct request_list *list)
{
	free(list->items);
}

void *request_list_next(struct request_list *list)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		void *items = reallocarray(list->items, cap, list->size);

		if (!items)
			return NULL;
		list->items = items;
		list->cap = cap;
	}
	return (char *)list->items + list->n * list->size;
}

int request_dump(struct genl *genl, int command, size_t size,
		 int (*take)(struct nlattr **attrs, void *userdata), void **ret_items,
		 size_t *ret_n)
{
	_cleanup_(list_done) struct request_list list = { .size = size };
	int r = -EINTR;

	for (unsigned int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		_cleanup_request_ struct nl_msg *msg = request_new(genl, command, NLM_F_DUMP);

		if (!msg)
			return -ENOMEM;
		list.n = 0;
		r = request_call(genl, msg, take, &list);
	}
	if (r == -EINTR)
		return request_fail(genl, -EAGAIN,
				    "The driver's tables changed during every try to read them.");
	if (r)
		return r;
	*ret_items = TAKE_PTR(list.items);
	*ret_n = list.n;
	return 0;
}
