/* SPDX-License-Identifier: MIT */
/*
 * Drives the driver without an agent, for test scripts: ipdtool help.
 *
 * It speaks the interface by itself, without userland's lib/nl, so that a mistake there does not
 * hide the same mistake here. One command per call, or many over one socket: "ipdtool -".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ipdtool.h"
#include "nl/names_gen.h"

#define MAX_WORDS 64
/* filters per message of a transaction */
#define BATCH 200

static const char usage_text[] =
	"ipdtool status                      mode, generation, sizes\n"
	"ipdtool mode MODE|- [LEVEL]         set the mode and the exemption level\n"
	"ipdtool diag LEVEL|- [SECONDS]      set the diagnostic level and the log interval\n"
	"ipdtool add FILTER [+ FILTER]...    add filters at once\n"
	"ipdtool del ID...                   remove filters\n"
	"ipdtool change ID... + FILTER [+ FILTER]...  remove and add in one step\n"
	"ipdtool get ID                      one filter\n"
	"ipdtool list                        filters in the order in which they are tried\n"
	"ipdtool load FILE [TIMES]           replace all filters by those of the file's lines\n"
	"ipdtool begin                       open a transaction (use with -)\n"
	"ipdtool tadd TRANSACTION FILTER     add to it\n"
	"ipdtool commit TRANSACTION\n"
	"ipdtool check TRANSACTION\n"
	"ipdtool abort TRANSACTION\n"
	"ipdtool spi SA                      reserve an SPI\n"
	"ipdtool sa SA [+ SA]...             install associations\n"
	"ipdtool sadel SA, saget SA          remove or show one\n"
	"ipdtool sas, flush                  list or remove all\n"
	"ipdtool acquires                    negotiations under way or ended\n"
	"ipdtool end ID failed|soft [SECONDS]\n"
	"ipdtool listen GROUP... [count=N] [timeout=SECONDS]\n"
	"ipdtool match out|in SOURCE DESTINATION [PROTOCOL [SPORT DPORT]] [dev=NAME|conn=lan|dialup]\n"
	"ipdtool stats [NAME]                all counters, or the value of one (drop.clear-text)\n"
	"ipdtool raw COMMAND [dump] [TYPE:HEX]...   any message, for what must be refused\n"
	"ipdtool -                           commands from standard input, over one socket\n"
	"\n"
	"FILTER: id=N [out=ACTION] [in=ACTION] [local=SIDE] [remote=SIDE] [proto=P] [lport=N]\n"
	"        [rport=N] [class=tunnel tl=ADDRESS tr=ADDRESS] [family=4|6] [dev=NAME|conn=lan|dialup]\n"
	"SIDE:   me, any, ADDRESS, ADDRESS/PREFIX, ADDRESS/MASK\n"
	"SA:     dir=out|in proto=esp|ah spi=N local=A remote=A filter=ID [sel=L[/N],R[/N][,PROTO[,LP,RP]]]\n"
	"        [cipher=C ckey=KEY] [integ=I ikey=KEY] [window=N] [pair=N] [bundle=N] [acquire=N]\n"
	"        [encap=transport|tunnel] [esn] [parallel] [sequence=N] [idle-seconds=N]\n"
	"        [{soft,hard}-{bytes,packets,seconds}=N] [udp=LOCAL-PORT,REMOTE-PORT] [follow]\n"
	"        [keepalive=N]\n"
	"KEY:    hexadecimal, or @N for the N bytes 01 02 03 ...\n";

/* --- filters ----------------------------------------------------------------- */

static void put_side(struct nl_msg *msg, const char *text, int class, int address, int mask)
{
	struct address value, bits;
	const char *slash;

	if (!text || !strcmp(text, "any"))
		return;
	if (!strcmp(text, "me")) {
		put_u8(msg, class, IPSECDRV_ADDRESS_CLASS_ME);
		return;
	}
	slash = strchr(text, '/');
	value = parse_address_until(text, slash);
	put(msg, address, value.len, value.bytes);
	if (!slash++)
		return;
	bits = strpbrk(slash, ".:") ? parse_address(slash)
				    : prefix_mask(value.family, number(slash));
	put(msg, mask, bits.len, bits.bytes);
}

static int family_of(const char *family, const char *local, const char *remote)
{
	if (family)
		return number(family) == 6 ? AF_INET6 : AF_INET;
	return (local && strchr(local, ':')) || (remote && strchr(remote, ':')) ? AF_INET6
									      : AF_INET;
}

/* what is in place when the others are put */
static bool is_put_before(const char *word)
{
	return value_of(word, "local") || value_of(word, "remote") || value_of(word, "family");
}

static void put_filter_word(struct nl_msg *msg, const char *word)
{
	struct address address;
	const char *value;

	if ((value = value_of(word, "id"))) {
		put_u32(msg, IPSECDRV_FILTER_A_ID, number(value));
	} else if ((value = value_of(word, "out"))) {
		put_u8(msg, IPSECDRV_FILTER_A_OUTBOUND_ACTION,
		       (unsigned int)named(nl_action_from_name, value));
	} else if ((value = value_of(word, "in"))) {
		put_u8(msg, IPSECDRV_FILTER_A_INBOUND_ACTION,
		       (unsigned int)named(nl_action_from_name, value));
	} else if ((value = value_of(word, "class"))) {
		put_u8(msg, IPSECDRV_FILTER_A_CLASS,
		       (unsigned int)named(nl_filter_class_from_name, value));
	} else if ((value = value_of(word, "proto"))) {
		put_u8(msg, IPSECDRV_FILTER_A_PROTOCOL, protocol_number(value));
	} else if ((value = value_of(word, "lport"))) {
		put_be16(msg, IPSECDRV_FILTER_A_LOCAL_PORT, number(value));
	} else if ((value = value_of(word, "rport"))) {
		put_be16(msg, IPSECDRV_FILTER_A_REMOTE_PORT, number(value));
	} else if ((value = value_of(word, "dev"))) {
		put(msg, IPSECDRV_FILTER_A_INTERFACE, (int)strlen(value) + 1, value);
	} else if ((value = value_of(word, "conn"))) {
		put_u8(msg, IPSECDRV_FILTER_A_CONNECTION,
		       (unsigned int)named(nl_connection_from_name, value));
	} else if ((value = value_of(word, "tl"))) {
		address = parse_address(value);
		put(msg, IPSECDRV_FILTER_A_TUNNEL_LOCAL, address.len, address.bytes);
	} else if ((value = value_of(word, "tr"))) {
		address = parse_address(value);
		put(msg, IPSECDRV_FILTER_A_TUNNEL_REMOTE, address.len, address.bytes);
	} else if (!is_put_before(word)) {
		die("unknown word %s", word);
	}
}

/* one filter of @words, up to "+" or the end; returns what follows */
static char **put_filter(struct nl_msg *msg, char **words)
{
	const char *local = find_value(words, "local"), *remote = find_value(words, "remote");
	struct nlattr *nest = nest_start(msg, IPSECDRV_A_FILTER);

	put_u8(msg, IPSECDRV_FILTER_A_FAMILY,
	       (unsigned int)family_of(find_value(words, "family"), local, remote));
	put_side(msg, local, IPSECDRV_FILTER_A_LOCAL_CLASS, IPSECDRV_FILTER_A_LOCAL_ADDRESS,
		 IPSECDRV_FILTER_A_LOCAL_MASK);
	put_side(msg, remote, IPSECDRV_FILTER_A_REMOTE_CLASS, IPSECDRV_FILTER_A_REMOTE_ADDRESS,
		 IPSECDRV_FILTER_A_REMOTE_MASK);
	for (; !is_end(*words); words++)
		put_filter_word(msg, *words);
	nla_nest_end(msg, nest);
	return *words ? words + 1 : words;
}

static int cmd_add(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_FILTER_ADD, 0);

	while (*words)
		words = put_filter(msg, words);
	return run(msg, NULL);
}

static int cmd_tadd(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_FILTER_ADD, 0);

	if (!*words)
		die("which transaction?");
	put_u32(msg, IPSECDRV_A_TRANSACTION, number(*words++));
	while (*words)
		words = put_filter(msg, words);
	return run(msg, NULL);
}

static int cmd_del(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_FILTER_DEL, 0);
	struct nlattr *nest;

	for (; *words; words++) {
		nest = nest_start(msg, IPSECDRV_A_FILTER);
		put_u32(msg, IPSECDRV_FILTER_A_ID, number(*words));
		nla_nest_end(msg, nest);
	}
	return run(msg, NULL);
}

/* the ids to remove, up to "+", and what filters to add */
static int cmd_change(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_FILTER_CHANGE, 0);

	for (; !is_end(*words); words++)
		put_u32(msg, IPSECDRV_A_FILTER_ID, number(*words));
	if (*words)
		words++;
	while (*words)
		words = put_filter(msg, words);
	return run(msg, NULL);
}

static void show_filter_line(struct nlattr **attrs)
{
	if (!attrs[IPSECDRV_A_FILTER])
		die("an answer without filter");
	show_filter(attrs[IPSECDRV_A_FILTER]);
	putchar('\n');
}

static int cmd_get(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_FILTER_GET, 0);

	if (*words)
		put_u32(msg, IPSECDRV_A_FILTER_ID, number(*words));
	return run(msg, show_filter_line);
}

static int cmd_list(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_FILTER_GET, NLM_F_DUMP, show_filter_line);
}

static uint32_t last_transaction;

static void keep_transaction(struct nlattr **attrs)
{
	if (attrs[IPSECDRV_A_TRANSACTION])
		last_transaction = nla_get_u32(attrs[IPSECDRV_A_TRANSACTION]);
}

static void show_transaction(struct nlattr **attrs)
{
	keep_transaction(attrs);
	printf("transaction=%u\n", last_transaction);
}

static void show_commit(struct nlattr **attrs)
{
	printf("filters=%u tuples=%u generation=%u\n", nla_get_u32(attrs[IPSECDRV_A_FILTERS]),
	       nla_get_u32(attrs[IPSECDRV_A_TUPLES]), nla_get_u32(attrs[IPSECDRV_A_GENERATION]));
}

static int cmd_begin(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_FILTER_BEGIN, 0, show_transaction);
}

static int on_transaction(int command, const char *word, void (*show)(struct nlattr **attrs))
{
	struct nl_msg *msg = message_new(command, 0);

	if (word)
		put_u32(msg, IPSECDRV_A_TRANSACTION, number(word));
	return run(msg, show);
}

static int cmd_commit(char **words)
{
	return on_transaction(IPSECDRV_CMD_FILTER_COMMIT, *words, show_commit);
}

static void show_check(struct nlattr **attrs)
{
	printf("filters=%u tuples=%u\n", nla_get_u32(attrs[IPSECDRV_A_FILTERS]),
	       nla_get_u32(attrs[IPSECDRV_A_TUPLES]));
}

static int cmd_check(char **words)
{
	return on_transaction(IPSECDRV_CMD_FILTER_CHECK, *words, show_check);
}

static int cmd_abort(char **words)
{
	return on_transaction(IPSECDRV_CMD_FILTER_ABORT, *words, NULL);
}

/* of the characters that lines have in them, blanks come before all others */
static char *skip_blanks(char *text)
{
	while (*text && (unsigned char)*text <= ' ')
		text++;
	return text;
}

static char *skip_word(char *text)
{
	while ((unsigned char)*text > ' ')
		text++;
	return text;
}

static int split(char *line, char **words)
{
	int n = 0;

	for (line = skip_blanks(line); *line && *line != '#'; line = skip_blanks(line)) {
		if (n == MAX_WORDS)
			die("too many words");
		words[n++] = line;
		line = skip_word(line);
		if (*line)
			*line++ = 0;
	}
	words[n] = NULL;
	return n;
}

static int send_batch(struct nl_msg **msg, int *n)
{
	int rc = *n ? run(*msg, NULL) : 0;

	*msg = NULL;
	*n = 0;
	return rc;
}

static int load_once(FILE *file)
{
	char line[1024], *words[MAX_WORDS + 1], transaction[16];
	struct nl_msg *msg = NULL;
	int n = 0, rc;

	rc = run_plain(IPSECDRV_CMD_FILTER_BEGIN, 0, keep_transaction);
	while (!rc && fgets(line, sizeof(line), file)) {
		if (!split(line, words))
			continue;
		if (!msg) {
			msg = message_new(IPSECDRV_CMD_FILTER_ADD, 0);
			put_u32(msg, IPSECDRV_A_TRANSACTION, last_transaction);
		}
		put_filter(msg, words);
		if (++n == BATCH)
			rc = send_batch(&msg, &n);
	}
	if (!rc)
		rc = send_batch(&msg, &n);
	snprintf(transaction, sizeof(transaction), "%u", last_transaction);
	if (rc) {
		on_transaction(IPSECDRV_CMD_FILTER_ABORT, transaction, NULL);
		return rc;
	}
	return on_transaction(IPSECDRV_CMD_FILTER_COMMIT, transaction, show_commit);
}

static int cmd_load(char **words)
{
	unsigned long long times = words[0] && words[1] ? number(words[1]) : 1;
	FILE *file = words[0] && !strcmp(words[0], "-") ? stdin : fopen(words[0] ?: "", "re");
	int rc = 0;

	if (!file)
		die("cannot open %s", words[0] ?: "nothing");
	for (; times && !rc; times--) {
		rc = load_once(file);
		rewind(file);
	}
	if (file != stdin)
		fclose(file);
	return rc;
}

/* --- negotiations ---------------------------------------------------------------- */

static void show_acquire(struct nlattr **attrs)
{
	show_u32(attrs, IPSECDRV_A_ACQUIRE_ID, "id");
	show_u32(attrs, IPSECDRV_A_FILTER_ID, "filter");
	if (attrs[IPSECDRV_A_SELECTOR])
		show_selector(attrs[IPSECDRV_A_SELECTOR]);
	if (attrs[IPSECDRV_A_FLOW])
		show_flow(attrs[IPSECDRV_A_FLOW]);
	show_name(attrs, IPSECDRV_A_ACQUIRE_RESULT, "result", nl_acquire_result_name);
}

static void show_acquire_line(struct nlattr **attrs)
{
	printf("acquire");
	show_acquire(attrs);
	putchar('\n');
}

static int cmd_acquires(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_ACQUIRE_GET, NLM_F_DUMP, show_acquire_line);
}

static int cmd_end(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_ACQUIRE_END, 0);

	if (!words[0] || !words[1])
		die("end ID failed|soft [SECONDS]");
	put_u32(msg, IPSECDRV_A_ACQUIRE_ID, number(words[0]));
	put_u8(msg, IPSECDRV_A_ACQUIRE_RESULT,
	       (unsigned int)named(nl_acquire_result_from_name, words[1]));
	if (words[2])
		put_u32(msg, IPSECDRV_A_HOLD_SECONDS, number(words[2]));
	return run(msg, NULL);
}

static unsigned long long events_wanted;

static int on_event(struct nl_msg *msg, void *unused)
{
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(msg));
	struct nlattr *attrs[IPSECDRV_A_MAX + 1];

	(void)unused;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, IPSECDRV_A_MAX, NULL))
		die("the kernel sent a malformed event");
	printf("%s", nl_command_name(header->cmd));
	show_u32(attrs, IPSECDRV_A_EVENT_NUMBER, "number");
	show_acquire(attrs);
	show_name(attrs, IPSECDRV_A_LIFETIME_KIND, "kind", nl_lifetime_kind_name);
	show_name(attrs, IPSECDRV_A_MODE, "mode", nl_mode_name);
	if (attrs[IPSECDRV_A_SA])
		show_sa(attrs[IPSECDRV_A_SA]);
	if (attrs[IPSECDRV_A_DROP])
		show_drop(attrs[IPSECDRV_A_DROP]);
	show_peer(attrs);
	show_u32(attrs, IPSECDRV_A_SECONDS, "seconds");
	if (header->cmd == IPSECDRV_CMD_SUMMARY_EVENT)
		show_summary(msg);
	putchar('\n');
	fflush(stdout);
	if (events_wanted && !--events_wanted)
		return NL_STOP;
	return NL_OK;
}

static void join(const char *group)
{
	int id = genl_ctrl_resolve_grp(tool.sock, IPSECDRV_FAMILY_NAME, group);
	int err = id < 0 ? id : nl_socket_add_membership(tool.sock, id);

	if (err) {
		fprintf(stderr, "ipdtool: group %s: %s\n", group, nl_geterror(err));
		exit(1);
	}
}

/* Room for a flood, and a sender that knows when there is none. */
static void listen_well(int fd)
{
	int size = 16 << 20, one = 1;

	/* a stranger has to do with what everybody may have */
	if ((setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	     setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size))) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &one, sizeof(one)))
		die("the socket does not take its options");
}

static int cmd_listen(char **words)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(tool.sock), .events = POLLIN };
	bool counted = find_value(words, "count");
	time_t end = 0;
	const char *value;

	for (; *words; words++) {
		if ((value = value_of(*words, "count")))
			events_wanted = number(value);
		else if ((value = value_of(*words, "timeout")))
			end = time(NULL) + (time_t)number(value);
		else
			join(*words);
	}
	listen_well(nl_socket_get_fd(tool.sock));
	nl_socket_disable_seq_check(tool.sock);
	nl_socket_modify_cb(tool.sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, NULL);
	puts("listening");
	fflush(stdout);
	while (!counted || events_wanted) {
		time_t left = end ? end - time(NULL) : 3600;

		if (end && left <= 0)
			return counted ? 1 : 0;
		if (poll(&fd, 1, (int)left * 1000) > 0 && nl_recvmsgs_default(tool.sock) < 0)
			puts("lost");
	}
	return 0;
}

/* --- the namespace --------------------------------------------------------------- */

static void show_status(struct nlattr **attrs)
{
	printf("status");
	show_name(attrs, IPSECDRV_A_MODE, "mode", nl_mode_name);
	show_u32(attrs, IPSECDRV_A_GENERATION, "generation");
	show_u32(attrs, IPSECDRV_A_FILTERS, "filters");
	show_u32(attrs, IPSECDRV_A_TUPLES, "tuples");
	if (attrs[IPSECDRV_A_EXEMPT_LEVEL])
		printf(" exempt=%u", nla_get_u8(attrs[IPSECDRV_A_EXEMPT_LEVEL]));
	show_u32(attrs, IPSECDRV_A_EVENT_NUMBER, "events");
	show_name(attrs, IPSECDRV_A_STARTUP_MODE, "startup", nl_mode_name);
	show_u32(attrs, IPSECDRV_A_STATEFUL_FLOWS, "stateful");
	if (attrs[IPSECDRV_A_BOOT_EXEMPTIONS])
		show_boot_exemptions(attrs[IPSECDRV_A_BOOT_EXEMPTIONS]);
	if (attrs[IPSECDRV_A_DIAG_LEVEL])
		printf(" diag=%u", nla_get_u8(attrs[IPSECDRV_A_DIAG_LEVEL]));
	show_u32(attrs, IPSECDRV_A_LOG_INTERVAL, "interval");
	putchar('\n');
}

static int cmd_status(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_STATUS_GET, 0, show_status);
}

static int cmd_mode(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_MODE_SET, 0);

	if (words[0] && strcmp(words[0], "-") != 0)
		put_u8(msg, IPSECDRV_A_MODE,
		       (unsigned int)named(nl_mode_from_name, words[0]));
	if (words[0] && words[1])
		put_u8(msg, IPSECDRV_A_EXEMPT_LEVEL, number(words[1]));
	return run(msg, NULL);
}

static int cmd_diag(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_DIAG_SET, 0);

	if (words[0] && strcmp(words[0], "-") != 0)
		put_u8(msg, IPSECDRV_A_DIAG_LEVEL, number(words[0]));
	if (words[0] && words[1])
		put_u32(msg, IPSECDRV_A_LOG_INTERVAL, number(words[1]));
	return run(msg, NULL);
}

static void show_match(struct nlattr **attrs)
{
	printf("match");
	show_name(attrs, IPSECDRV_A_MODE, "mode", nl_mode_name);
	show_name(attrs, IPSECDRV_A_VERDICT, "verdict", nl_verdict_name);
	show_name(attrs, IPSECDRV_A_PASS_REASON, "pass", nl_pass_reason_name);
	show_name(attrs, IPSECDRV_A_DROP_REASON, "drop", nl_drop_reason_name);
	show_name(attrs, IPSECDRV_A_ACTION, "action", nl_action_name);
	show_u32(attrs, IPSECDRV_A_ACQUIRE_ID, "acquire");
	if (attrs[IPSECDRV_A_INTERFACE])
		printf(" on=%s", nla_get_string(attrs[IPSECDRV_A_INTERFACE]));
	show_name(attrs, IPSECDRV_A_CONNECTION, "of", nl_connection_name);
	if (attrs[IPSECDRV_A_FILTER]) {
		printf(" filter: ");
		show_filter(attrs[IPSECDRV_A_FILTER]);
	}
	if (attrs[IPSECDRV_A_SA]) {
		printf(" sa:");
		show_sa(attrs[IPSECDRV_A_SA]);
	}
	putchar('\n');
}

/* "dev=NAME" or "conn=TYPE" */
static bool put_place(struct nl_msg *msg, const char *word)
{
	const char *name = value_of(word, "dev"), *type = value_of(word, "conn");

	if (name)
		put(msg, IPSECDRV_FLOW_A_INTERFACE, (int)strlen(name) + 1, name);
	if (type)
		put_u8(msg, IPSECDRV_FLOW_A_CONNECTION,
		       (unsigned int)named(nl_connection_from_name, type));
	return name || type;
}

static int cmd_match(char **words)
{
	struct nl_msg *msg = message_new(IPSECDRV_CMD_MATCH, 0);
	struct nlattr *nest = nest_start(msg, IPSECDRV_A_FLOW);
	struct address address;
	int last = 0;

	if (!words[0] || !words[1] || !words[2])
		die("match out|in SOURCE DESTINATION [PROTOCOL [SPORT DPORT]] [dev=NAME|conn=TYPE]");
	while (words[last + 1])
		last++;
	while (last > 2 && put_place(msg, words[last]))
		words[last--] = NULL;
	put_u8(msg, IPSECDRV_FLOW_A_DIRECTION,
	       (unsigned int)named(nl_direction_from_name, words[0]));
	address = parse_address(words[1]);
	put_u8(msg, IPSECDRV_FLOW_A_FAMILY, (unsigned int)address.family);
	put(msg, IPSECDRV_FLOW_A_SOURCE, address.len, address.bytes);
	address = parse_address(words[2]);
	put(msg, IPSECDRV_FLOW_A_DESTINATION, address.len, address.bytes);
	if (words[3])
		put_u8(msg, IPSECDRV_FLOW_A_PROTOCOL, protocol_number(words[3]));
	if (words[3] && words[4])
		put_be16(msg, IPSECDRV_FLOW_A_SOURCE_PORT, number(words[4]));
	if (words[3] && words[4] && words[5])
		put_be16(msg, IPSECDRV_FLOW_A_DESTINATION_PORT, number(words[5]));
	nla_nest_end(msg, nest);
	return run(msg, show_match);
}

static const char *const counter_names[IPSECDRV_STATISTICS_A_MAX + 1] = {
	[IPSECDRV_STATISTICS_A_ACTIVE_SAS] = "active-sas",
	[IPSECDRV_STATISTICS_A_ACTIVE_PAIRS] = "active-pairs",
	[IPSECDRV_STATISTICS_A_LARVAL_SAS] = "larval-sas",
	[IPSECDRV_STATISTICS_A_KEY_ADDITIONS] = "key-additions",
	[IPSECDRV_STATISTICS_A_KEY_DELETIONS] = "key-deletions",
	[IPSECDRV_STATISTICS_A_REKEYS] = "rekeys",
	[IPSECDRV_STATISTICS_A_ACTIVE_TUNNELS] = "active-tunnels",
	[IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_OUT] = "confidential-bytes-out",
	[IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_IN] = "confidential-bytes-in",
	[IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_OUT] = "authenticated-bytes-out",
	[IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_IN] = "authenticated-bytes-in",
	[IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_OUT] = "transport-bytes-out",
	[IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_IN] = "transport-bytes-in",
	[IPSECDRV_STATISTICS_A_TUNNEL_BYTES_OUT] = "tunnel-bytes-out",
	[IPSECDRV_STATISTICS_A_TUNNEL_BYTES_IN] = "tunnel-bytes-in",
	[IPSECDRV_STATISTICS_A_ACQUIRES] = "acquires",
	[IPSECDRV_STATISTICS_A_ACQUIRE_FAILURES] = "acquire-failures",
	[IPSECDRV_STATISTICS_A_HELD_PACKETS] = "held-packets",
	[IPSECDRV_STATISTICS_A_HELD_BYTES] = "held-bytes",
	[IPSECDRV_STATISTICS_A_FLOW_HITS] = "flow-hits",
	[IPSECDRV_STATISTICS_A_FLOW_MISSES] = "flow-misses",
	[IPSECDRV_STATISTICS_A_EVENTS_LOST] = "events-lost",
};

static const char *counter_wanted;
static bool counter_found;

static void show_counter(const char *prefix, const char *name, unsigned long long value)
{
	char full[64];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	if (!counter_wanted) {
		printf("%s=%llu\n", full, value);
	} else if (!strcmp(counter_wanted, full)) {
		printf("%llu\n", value);
		counter_found = true;
	}
}

static void show_statistics(struct nlattr **attrs)
{
	struct nlattr *tb[IPSECDRV_COUNTER_A_MAX + 1], *attr;
	int rem, type;

	if (!attrs[IPSECDRV_A_STATISTICS])
		die("an answer without statistics");
	nla_for_each_nested(attr, attrs[IPSECDRV_A_STATISTICS], rem) {
		type = nla_type(attr);
		if (type == IPSECDRV_STATISTICS_A_COUNTER) {
			parse_nest(tb, IPSECDRV_COUNTER_A_MAX, attr);
			show_counter("drop.",
				     nl_drop_reason_name(nla_get_u8(tb[IPSECDRV_COUNTER_A_REASON])),
				     nla_get_u64(tb[IPSECDRV_COUNTER_A_PACKETS]));
		} else if (type <= IPSECDRV_STATISTICS_A_MAX && counter_names[type]) {
			show_counter("", counter_names[type],
				     nla_len(attr) == 4 ? nla_get_u32(attr) : nla_get_u64(attr));
		}
	}
}

static int cmd_stats(char **words)
{
	int rc;

	counter_wanted = words[0];
	counter_found = false;
	rc = run_plain(IPSECDRV_CMD_STATISTICS_GET, 0, show_statistics);
	if (!rc && counter_wanted && !counter_found)
		die("there is no counter %s", counter_wanted);
	return rc;
}

static int cmd_raw(char **words)
{
	bool dump = words[0] && words[1] && !strcmp(words[1], "dump");
	unsigned char data[512];
	struct nl_msg *msg;
	char *colon;

	if (!words[0])
		die("raw COMMAND [dump] [TYPE:HEX]...");
	msg = message_new((int)number(words[0]), dump ? NLM_F_DUMP : 0);
	for (words += dump ? 2 : 1; *words; words++) {
		colon = strchr(*words, ':');
		if (!colon)
			die("%s is not TYPE:HEX", *words);
		*colon = 0;
		put(msg, (int)number(*words), parse_key(colon + 1, data, sizeof(data)), data);
	}
	return run(msg, NULL);
}

/* --- commands ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*run)(char **words);
} commands[] = {
	{ "status", cmd_status }, { "mode", cmd_mode },
	{ "diag", cmd_diag },
	{ "add", cmd_add }, { "del", cmd_del }, { "change", cmd_change },
	{ "get", cmd_get }, { "list", cmd_list },
	{ "load", cmd_load }, { "begin", cmd_begin }, { "tadd", cmd_tadd },
	{ "commit", cmd_commit }, { "check", cmd_check }, { "abort", cmd_abort },
	{ "spi", cmd_spi }, { "sa", cmd_sa }, { "sadel", cmd_sadel }, { "saget", cmd_saget },
	{ "sas", cmd_sas }, { "flush", cmd_flush },
	{ "acquires", cmd_acquires }, { "end", cmd_end }, { "listen", cmd_listen },
	{ "match", cmd_match }, { "stats", cmd_stats }, { "raw", cmd_raw },
};

static int run_command(char **words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, words[0]))
			return commands[i].run(words + 1);
	die("unknown command %s; try: ipdtool help", words[0]);
	return 2;
}

/* a line of output per command at least, so that who feeds us knows that it is done */
static int run_lines(void)
{
	char line[4096], *words[MAX_WORDS + 1];
	int rc, last = 0;

	while (fgets(line, sizeof(line), stdin)) {
		if (!split(line, words))
			continue;
		rc = run_command(words);
		if (rc)
			last = rc;
		printf("%s\n", rc ? "refused" : "done");
		fflush(stdout);
	}
	return last;
}

static void open_socket(void)
{
	int on = 1, fd, err;

	tool.sock = nl_socket_alloc();
	if (!tool.sock)
		die("no memory");
	err = genl_connect(tool.sock);
	if (err)
		die("connecting: %s", nl_geterror(err));
	fd = nl_socket_get_fd(tool.sock);
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		die("socket options: %s", strerror(errno));
	nl_socket_set_msg_buf_size(tool.sock, 1 << 20);
	nl_socket_set_buffer_size(tool.sock, 1 << 20, 1 << 20);
	tool.family = genl_ctrl_resolve(tool.sock, IPSECDRV_FAMILY_NAME);
	if (tool.family < 0)
		die("the driver is not loaded: %s", nl_geterror(tool.family));
}

int main(int argc, char **argv)
{
	int rc;

	if (argc < 2 || !strcmp(argv[1], "help")) {
		fputs(usage_text, stdout);
		return argc < 2 ? 2 : 0;
	}
	open_socket();
	rc = strcmp(argv[1], "-") != 0 ? run_command(argv + 1) : run_lines();
	nl_socket_free(tool.sock);
	return !rc && getenv("IPD_FAIL_NTH") && !tool.failed ? 3 : rc;
}
