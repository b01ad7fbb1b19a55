/* SPDX-License-Identifier: MIT */
/*
 * Accepts every packet of a netfilter queue: nfqaccept QUEUE [FILE]. With FILE it first waits,
 * for each packet, until FILE exists.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct nl_sock *sock;
static uint16_t queue;
static const char *gate;

static struct nl_msg *message(int type, int flags)
{
	struct nfgenmsg header = { .version = NFNETLINK_V0, .res_id = htons(queue) };
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_QUEUE << 8 | type, flags);

	if (!msg || nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) < 0)
		abort();
	return msg;
}

static void deliver(struct nl_msg *msg)
{
	int err = nl_send_auto(sock, msg);

	if (err < 0) {
		fprintf(stderr, "nfqaccept: %s\n", nl_geterror(err));
		exit(1);
	}
	nlmsg_free(msg);
}

static int on_packet(struct nl_msg *msg, void *unused)
{
	struct nfqnl_msg_verdict_hdr verdict = { .verdict = htonl(NF_ACCEPT) };
	struct nlattr *attrs[NFQA_MAX + 1];
	struct nl_msg *answer;

	(void)unused;
	if (nlmsg_hdr(msg)->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(struct nfgenmsg), attrs, NFQA_MAX, NULL) ||
	    !attrs[NFQA_PACKET_HDR])
		return NL_OK;
	verdict.id = ((struct nfqnl_msg_packet_hdr *)nla_data(attrs[NFQA_PACKET_HDR]))->packet_id;
	printf("packet %u\n", ntohl(verdict.id));
	while (gate && access(gate, F_OK))
		usleep(20000);
	answer = message(NFQNL_MSG_VERDICT, NLM_F_REQUEST);
	nla_put(answer, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	deliver(answer);
	return NL_OK;
}

int main(int argc, char **argv)
{
	struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_META };
	struct nl_msg *msg;
	int err;

	if (argc < 2)
		return 2;
	queue = (uint16_t)strtoul(argv[1], NULL, 0);
	gate = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	sock = nl_socket_alloc();
	if (!sock || nl_connect(sock, NETLINK_NETFILTER))
		return 1;
	msg = message(NFQNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK);
	nla_put(msg, NFQA_CFG_CMD, sizeof(bind), &bind);
	nla_put(msg, NFQA_CFG_PARAMS, sizeof(params), &params);
	deliver(msg);
	err = nl_wait_for_ack(sock);
	if (err < 0) {
		fprintf(stderr, "nfqaccept: %s\n", nl_geterror(err));
		return 1;
	}
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_packet, NULL);
	puts("ready");
	while (nl_recvmsgs_default(sock) >= 0)
		;
	return 1;
}
