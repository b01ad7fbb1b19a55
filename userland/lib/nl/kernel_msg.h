/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_MSG_H
#define NL_KERNEL_MSG_H

#include "nl/kernel.h"

struct nl_msg;
struct nlattr;

/*
 * The structs of nl/kernel.h as netlink attributes and back. Fields that only answers have are not
 * put; keys are not read. For kernel_genl.c and its tests.
 */

/*
 * Append one nest to the message. 0, or -EMSGSIZE when it does not fit (the message is as
 * before).
 */
int kernel_msg_put_filter(struct nl_msg *msg, const struct kernel_filter *filter);
int kernel_msg_put_filter_id(struct nl_msg *msg, uint32_t id);
int kernel_msg_put_sa(struct nl_msg *msg, const struct kernel_sa *sa);
int kernel_msg_put_flow(struct nl_msg *msg, const struct kernel_flow *flow);

/* Read a nest. 0, or -EBADMSG when it is not what the specification says. */
/* "" if @attr is NULL */
void kernel_msg_get_interface(struct nlattr *attr, char ret_name[static KERNEL_INTERFACE_LEN]);
int kernel_msg_get_filter(struct nlattr *nest, struct kernel_filter *ret_filter);
int kernel_msg_get_sa(struct nlattr *nest, struct kernel_sa *ret_sa);
int kernel_msg_get_selector(struct nlattr *nest, struct kernel_selector *ret_selector);
int kernel_msg_get_flow(struct nlattr *nest, struct kernel_flow *ret_flow);
int kernel_msg_get_drop(struct nlattr *nest, struct kernel_drop *ret_drop);
/* without its seconds */
int kernel_msg_get_drop_count(struct nlattr *nest, struct kernel_drop_count *ret_count);
int kernel_msg_get_statistics(struct nlattr *nest, struct kernel_statistics *ret_statistics);

#endif /* NL_KERNEL_MSG_H */
