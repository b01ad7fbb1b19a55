// SPDX-License-Identifier: MIT
/*
 * The driver for the agent of "make bench-ike", which runs where the module cannot be loaded: the
 * one of the tests for filters and modes, and associations of which only a number is kept. Each
 * call about associations takes a round trip to the kernel over generic netlink, as the driver's
 * would and as those of the others do over XFRM.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/kernel_fake.h"
#include "nl/kernel_genl.h"

static int fd = -1;
static uint32_t last_spi = 0xc0000000;

static int round_trip(void)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr genl;
		struct nlattr attr;
		uint16_t family;
		uint16_t pad;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = GENL_ID_CTRL,
			    .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_len = NLA_HDRLEN + 2, .nla_type = CTRL_ATTR_FAMILY_ID },
		.family = GENL_ID_CTRL,
	};
	char answer[8192];

	if (send(fd, &request, sizeof(request), 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		return -errno;
	return 0;
}

static int spi_alloc(struct kernel *kernel, const struct kernel_sa *sa, uint32_t *ret_spi)
{
	(void)kernel;
	(void)sa;
	*ret_spi = ++last_spi;
	return round_trip();
}

static int sa_new(struct kernel *kernel, const struct kernel_sa *sas, size_t n)
{
	(void)kernel;
	(void)sas;
	(void)n;
	return round_trip();
}

static int sa_del(struct kernel *kernel, const struct kernel_sa *sa)
{
	(void)kernel;
	(void)sa;
	return round_trip();
}

int kernel_genl_open(struct kernel **ret_kernel, char why[static KERNEL_WHY_LEN])
{
	static struct kernel_ops ops;
	struct kernel *kernel = kernel_fake_new();

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (!kernel || fd < 0) {
		(void)strcpy(why, "no memory or no netlink");
		return -ENOMEM;
	}
	ops = *kernel->ops;
	ops.spi_alloc = spi_alloc;
	ops.sa_new = sa_new;
	ops.sa_del = sa_del;
	kernel->ops = &ops;
	*ret_kernel = kernel;
	return 0;
}
