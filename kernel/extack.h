/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NL_SET_ERR_MSG_FMT() where the kernel has none (before 6.3). Goes with Linux 6.1.
 */
#ifndef IPD_EXTACK_H
#define IPD_EXTACK_H

#include <linux/compiler.h>
#include <linux/netlink.h>

#ifndef NL_SET_ERR_MSG_FMT
#define IPD_EXTACK_FORMAT

/*
 * The formatted text, in one of a few buffers that take turns: the kernel copies it into the
 * answer right after the request ended. Should more requests fail in that moment than there are
 * buffers, one answer has the text of another.
 */
__printf(1, 2) const char *ipd_extack_format(const char *format, ...);

#define NL_SET_ERR_MSG_FMT(extack, format, ...) do {				\
	struct netlink_ext_ack *__extack = (extack);				\
										\
	if (__extack)								\
		__extack->_msg = ipd_extack_format(format, ##__VA_ARGS__);	\
} while (0)
#endif

#endif /* IPD_EXTACK_H */
