// SPDX-License-Identifier: MIT
/*
 * To be preloaded into strongSwan and libreswan by "make bench-ike" where the kernel has XFRM but
 * not ESP: an association that the kernel refuses counts as installed. Everything else, SPIs and
 * policies included, is the kernel's own answer.
 */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void accept_associations(void *data, ssize_t len)
{
	struct nlmsghdr *header = data;
	struct nlmsgerr *error;

	if (len < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || header->nlmsg_type != NLMSG_ERROR ||
	    header->nlmsg_len > (size_t)len)
		return;
	error = NLMSG_DATA(header);
	if (error->msg.nlmsg_type == XFRM_MSG_NEWSA || error->msg.nlmsg_type == XFRM_MSG_UPDSA)
		error->error = 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	static __typeof__(&recv) real;
	ssize_t n;

	real = real ? real : REAL(recv);
	n = real(fd, buf, len, flags);
	accept_associations(buf, n);
	return n;
}

ssize_t recvfrom(int fd, void *restrict buf, size_t len, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict from_len)
{
	static __typeof__(&recvfrom) real;
	ssize_t n;

	real = real ? real : REAL(recvfrom);
	n = real(fd, buf, len, flags, from, from_len);
	accept_associations(buf, n);
	return n;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static __typeof__(&recvmsg) real;
	ssize_t n;

	real = real ? real : REAL(recvmsg);
	n = real(fd, message, flags);
	if (n > 0 && message->msg_iovlen == 1)
		accept_associations(message->msg_iov[0].iov_base, n);
	return n;
}

ssize_t read(int fd, void *buf, size_t len)
{
	static __typeof__(&read) real;
	ssize_t n;

	real = real ? real : REAL(read);
	n = real(fd, buf, len);
	accept_associations(buf, n);
	return n;
}
