/* SPDX-License-Identifier: MIT */
/*
 * What the parts of ipdtool share.
 */
#ifndef IPDTOOL_H
#define IPDTOOL_H

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <linux/ipsecdrv.h>

struct address {
	int family;
	int len;
	unsigned char bytes[16];
};

struct tool {
	struct nl_sock *sock;
	int family;
	const char *sentence; /* of the kernel's last refusal */
	char sentence_buffer[256];
	void (*show)(struct nlattr **attrs);
	bool interrupted;
	bool failed; /* an allocation, because it had to */
};

extern struct tool tool;

/* --- ipdtool_words.c: words to values; what is no value ends the program --------- */

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
unsigned long long number(const char *text);
int named(int (*from_name)(const char *name), const char *name);
unsigned int protocol_number(const char *text);
struct address parse_address(const char *text);
/* up to @end, or as a whole if that is NULL */
struct address parse_address_until(const char *text, const char *end);
struct address prefix_mask(int family, unsigned long long prefix);
/* "key=value": the value if @word has this key, else NULL */
static inline const char *value_of(const char *word, const char *key)
{
	while (*key && *word == *key)
		word++, key++;
	return !*key && *word == '=' ? word + 1 : NULL;
}
/* the end of one filter or association among @words: no more words, or a "+" */
bool is_end(const char *word);
const char *find_value(char **words, const char *key);
int parse_key(const char *text, unsigned char *key, size_t size);

/* --- ipdtool_show.c: values to words, on standard output -------------------------- */

const char *address_text(const struct nlattr *attr);
unsigned int be16_of(const struct nlattr *attr);
void parse_nest(struct nlattr **tb, int max, struct nlattr *nest);
void show_filter(struct nlattr *nest);
void show_selector(struct nlattr *nest);
void show_flow(struct nlattr *nest);
void show_boot_exemptions(struct nlattr *nest);
void show_u32(struct nlattr **tb, int type, const char *name);
void show_u64(struct nlattr **tb, int type, const char *name);
void show_name(struct nlattr **tb, int type, const char *key,
	       const char *(*name)(unsigned int value));
void show_spi(struct nlattr **tb, int type, const char *name);
void show_sa(struct nlattr *nest);
void show_drop(struct nlattr *nest);
void show_peer(struct nlattr **tb);
void show_summary(struct nl_msg *msg);

/* --- ipdtool_talk.c: messages ------------------------------------------------------- */

struct nl_msg *message_new(int command, int flags);
void put(struct nl_msg *msg, int type, int len, const void *data);
void put_u8(struct nl_msg *msg, int type, unsigned long long value);
void put_u32(struct nl_msg *msg, int type, unsigned long long value);
void put_be16(struct nl_msg *msg, int type, unsigned long long value);
void put_be32(struct nl_msg *msg, int type, unsigned long long value);
struct nlattr *nest_start(struct nl_msg *msg, int type);
/* sends, shows the answers, says what was refused and why; an exit status; frees @msg */
int run(struct nl_msg *msg, void (*show)(struct nlattr **attrs));
int run_plain(int command, int flags, void (*show)(struct nlattr **attrs));

/* --- ipdtool_sa.c: commands about associations; exit statuses ------------------------ */

int cmd_spi(char **words);
int cmd_sa(char **words);
int cmd_sadel(char **words);
int cmd_saget(char **words);
int cmd_sas(char **words);
int cmd_flush(char **words);

#endif /* IPDTOOL_H */
