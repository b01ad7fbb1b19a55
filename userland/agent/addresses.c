// SPDX-License-Identifier: MIT
#include "agent/addresses.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/cleanup.h"

#define DUMP_TRIES	10
#define RECEIVE_BUFFER	(1 << 20)
#define NOTIFY_GAP_USEC	UINT64_C(250000)
#define ANY_PORT	500	/* of a peer that is asked for the route only */

struct addr_list {
	struct ip_addr *addrs;
	size_t n;
	size_t cap;
	bool has_failed;
};

struct addresses {
	struct nl_sock *events;
	struct nl_sock *requests;
	sd_event_source *source;
	sd_event_source *notify_timer;	/* tells of changes, from the loop */
	uint64_t notified_usec;		/* when it last did */
	void (*changed)(void *userdata);
	void *userdata;
	struct addr_list all;		/* sorted */
	struct addr_list shown;		/* without loopback */
	struct server_list gateways;
	bool are_addrs_stale;
	bool are_routes_stale;
	bool is_changed;		/* since it was told */
};

/* --- lists -------------------------------------------------------------------------------- */

static void list_add(struct addr_list *list, const struct ip_addr *addr)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 16;
		struct ip_addr *addrs = reallocarray(list->addrs, cap, sizeof(*addrs));

		if (!addrs) {
			list->has_failed = true;
			return;
		}
		list->addrs = addrs;
		list->cap = cap;
	}
	list->addrs[list->n++] = *addr;
}

static void list_done(struct addr_list *list)
{
	free(list->addrs);
	*list = (struct addr_list){ 0 };
}

static int compare_addrs(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

static void list_sort(struct addr_list *list)
{
	size_t kept = 0;

	if (!list->n)
		return;
	qsort(list->addrs, list->n, sizeof(*list->addrs), compare_addrs);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || !ip_addr_is_equal(&list->addrs[kept - 1], &list->addrs[i]))
			list->addrs[kept++] = list->addrs[i];
	list->n = kept;
}

static bool list_is_equal(const struct addr_list *a, const struct addr_list *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->addrs, b->addrs, a->n * sizeof(*a->addrs)));
}

/* --- rtnetlink ---------------------------------------------------------------------------- */

static int on_address(struct nl_msg *msg, void *userdata)
{
	struct nlattr *attrs[IFA_MAX + 1];
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attr;
	struct ip_addr addr;

	if (header->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(header, sizeof(struct ifaddrmsg), attrs, IFA_MAX, NULL))
		return NL_OK;
	/* of a point-to-point link IFA_ADDRESS is the other end */
	attr = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (attr && !ip_addr_from_bytes(nla_data(attr), (size_t)nla_len(attr), &addr))
		list_add(userdata, &addr);
	return NL_OK;
}

static void add_gateway(struct server_list *gateways, struct nlattr *attr)
{
	struct ip_addr addr;

	if (attr && !ip_addr_from_bytes(nla_data(attr), (size_t)nla_len(attr), &addr))
		server_list_add(gateways, &addr);
}

static void add_multipath(struct server_list *gateways, struct nlattr *attr)
{
	struct rtnexthop *hop = nla_data(attr);
	int left = nla_len(attr);

	while (RTNH_OK(hop, left)) {
		struct nlattr *attrs[RTA_MAX + 1];

		if (!nla_parse(attrs, RTA_MAX, (struct nlattr *)RTNH_DATA(hop),
			       (int)(hop->rtnh_len - sizeof(*hop)), NULL))
			add_gateway(gateways, attrs[RTA_GATEWAY]);
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static int on_route(struct nl_msg *msg, void *userdata)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attrs[RTA_MAX + 1];
	struct rtmsg *route;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(header, sizeof(*route), attrs, RTA_MAX, NULL))
		return NL_OK;
	route = nlmsg_data(header);
	if (route->rtm_dst_len || route->rtm_type != RTN_UNICAST ||
	    (route->rtm_flags & RTM_F_CLONED))
		return NL_OK;
	add_gateway(userdata, attrs[RTA_GATEWAY]);
	if (attrs[RTA_MULTIPATH])
		add_multipath(userdata, attrs[RTA_MULTIPATH]);
	return NL_OK;
}

static int dump(struct addresses *addresses, int type, void *header, size_t size,
		int (*visit)(struct nl_msg *msg, void *userdata), void *userdata)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int r;

	if (!cb)
		return -NLE_NOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, visit, userdata);
	r = nl_send_simple(addresses->requests, type, NLM_F_DUMP, header, size);
	if (r >= 0)
		r = nl_recvmsgs(addresses->requests, cb);
	nl_cb_put(cb);
	return r;
}

/* Dumps that a change interrupts are begun anew. */
static int read_addresses(struct addresses *addresses, struct addr_list *list)
{
	struct ifaddrmsg header = { .ifa_family = AF_UNSPEC };
	int r = -NLE_DUMP_INTR;

	for (unsigned int i = 0; i < DUMP_TRIES && r == -NLE_DUMP_INTR; i++) {
		list->n = 0;
		r = dump(addresses, RTM_GETADDR, &header, sizeof(header), on_address, list);
	}
	list_sort(list);
	return r < 0 || list->has_failed ? -EIO : 0;
}

static int read_gateways(struct addresses *addresses, struct server_list *gateways)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	int r = -NLE_DUMP_INTR;

	for (unsigned int i = 0; i < DUMP_TRIES && r == -NLE_DUMP_INTR; i++) {
		r = gateways->n = 0;
		for (size_t j = 0; j < sizeof(families) && r >= 0; j++) {
			struct rtmsg header = { .rtm_family = families[j] };

			r = dump(addresses, RTM_GETROUTE, &header, sizeof(header), on_route,
				 gateways);
		}
	}
	return r < 0 ? -EIO : 0;
}

static bool refresh_addrs(struct addresses *addresses)
{
	_cleanup_(list_done) struct addr_list all = { 0 }, shown = { 0 };
	bool is_changed;

	if (read_addresses(addresses, &all))
		return false;
	for (size_t i = 0; i < all.n; i++)
		if (!ip_addr_is_loopback(&all.addrs[i]))
			list_add(&shown, &all.addrs[i]);
	is_changed = !list_is_equal(&all, &addresses->all);
	list_done(&addresses->all);
	list_done(&addresses->shown);
	addresses->all = all;
	addresses->shown = shown;
	addresses->are_addrs_stale = false;
	all = shown = (struct addr_list){ 0 };
	return is_changed;
}

static bool refresh_gateways(struct addresses *addresses)
{
	struct server_list gateways = { 0 };
	bool is_changed;

	if (read_gateways(addresses, &gateways))
		return false;
	is_changed = gateways.n != addresses->gateways.n ||
		     memcmp(gateways.addrs, addresses->gateways.addrs,
			    gateways.n * sizeof(gateways.addrs[0])) != 0;
	addresses->gateways = gateways;
	addresses->are_routes_stale = false;
	return is_changed;
}

/* Whether something is different now. What cannot be read stays as it was, and stale. */
static bool refresh(struct addresses *addresses)
{
	bool is_changed = false;

	if (addresses->are_addrs_stale)
		is_changed |= refresh_addrs(addresses);
	if (addresses->are_routes_stale)
		is_changed |= refresh_gateways(addresses);
	return is_changed;
}

/* A router has many routes; only those that change the default one are worth reading them all. */
static int on_notification(struct nl_msg *msg, void *userdata)
{
	struct addresses *addresses = userdata;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct rtmsg *route = nlmsg_data(header);

	switch (header->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (nlmsg_datalen(header) >= (int)sizeof(*route) && !route->rtm_dst_len)
			addresses->are_routes_stale = true;
		break;
	default:
		addresses->are_addrs_stale = true;
	}
	return NL_OK;
}

/*
 * Takes in what the kernel has said; a full buffer (or any trouble) means that all may be
 * different.
 */
static void drain(struct addresses *addresses)
{
	struct nl_cb *cb;
	int r = 0;

	if (!addresses->events)
		return;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_notification, addresses);
		while (r >= 0)
			r = nl_recvmsgs(addresses->events, cb);
		nl_cb_put(cb);
	}
	if (r != -NLE_AGAIN)
		addresses->are_addrs_stale = addresses->are_routes_stale = true;
}

/*
 * Who follows changes is told from the loop and never from inside a question; of the first one at
 * once, and of more after a while: who follows may have a lot to do each time, and somebody may
 * give this host a thousand addresses.
 */
static void notify_soon(struct addresses *addresses)
{
	bool is_wanted = addresses->is_changed || addresses->are_addrs_stale ||
			 addresses->are_routes_stale;
	int is_armed = 0;

	if (!addresses->notify_timer || !is_wanted)
		return;
	(void)sd_event_source_get_enabled(addresses->notify_timer, &is_armed);
	if (is_armed)
		return;
	(void)sd_event_source_set_time(addresses->notify_timer,
				       addresses->notified_usec + NOTIFY_GAP_USEC);
	(void)sd_event_source_set_enabled(addresses->notify_timer, SD_EVENT_ONESHOT);
}

/* Before each answer: a peer may be quicker than the loop. */
static void catch_up(struct addresses *addresses)
{
	drain(addresses);
	addresses->is_changed |= refresh(addresses);
	notify_soon(addresses);
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	drain(userdata);
	notify_soon(userdata);
	return 0;
}

static int on_notify(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct addresses *addresses = userdata;
	bool is_changed;

	(void)usec;
	(void)sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC,
			   &addresses->notified_usec);
	drain(addresses);
	is_changed = refresh(addresses) || addresses->is_changed;
	addresses->is_changed = false;
	if (is_changed)
		addresses->changed(addresses->userdata);
	notify_soon(addresses);		/* what could not be read is tried again */
	return 0;
}

/* --- asking ------------------------------------------------------------------------------- */

bool addresses_is_me(struct addresses *addresses, const struct ip_addr *addr)
{
	catch_up(addresses);
	return addresses->all.n && bsearch(addr, addresses->all.addrs, addresses->all.n,
					   sizeof(*addr), compare_addrs);
}

/*
 * A datagram socket asks the routes when it is connected, and nothing is sent. It is told -EACCES for
 * broadcast unless it has asked for that.
 */
static int ask_route(const struct ip_addr *remote, bool may_broadcast, struct ip_addr *ret_addr)
{
	int yes = may_broadcast;
	_cleanup_close_ int fd = socket(remote->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage place;
	socklen_t len = (socklen_t)ip_addr_to_sockaddr(remote, ANY_PORT, 0, &place);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) ||
	    connect(fd, (struct sockaddr *)&place, len))
		return -errno;
	len = sizeof(place);
	if (getsockname(fd, (struct sockaddr *)&place, &len))
		return -errno;
	return ip_addr_from_sockaddr((struct sockaddr *)&place, ret_addr, NULL, NULL);
}

int addresses_find_source(struct addresses *addresses, const struct ip_addr *remote,
			  struct ip_addr *ret_addr)
{
	if (addresses->requests)
		return ask_route(remote, false, ret_addr);
	for (size_t i = 0; i < addresses->shown.n; i++) {
		if (addresses->shown.addrs[i].family == remote->family) {
			*ret_addr = addresses->shown.addrs[i];
			return 0;
		}
	}
	return -ENETUNREACH;
}

bool addresses_is_broadcast(struct addresses *addresses, const struct ip_addr *addr)
{
	struct ip_addr source;

	if (addr->family != AF_INET || !addresses->requests)
		return ip_addr_is_broadcast(addr);
	/* a route that prohibits says so in both cases */
	return ask_route(addr, false, &source) == -EACCES && !ask_route(addr, true, &source);
}

const struct ip_addr *addresses_list(struct addresses *addresses, size_t *ret_n)
{
	catch_up(addresses);
	*ret_n = addresses->shown.n;
	return addresses->shown.addrs;
}

const struct server_list *addresses_gateways(struct addresses *addresses)
{
	return &addresses->gateways;
}

/* --- life --------------------------------------------------------------------------------- */

struct addresses *addresses_free(struct addresses *addresses)
{
	if (!addresses)
		return NULL;
	sd_event_source_disable_unref(addresses->source);
	sd_event_source_disable_unref(addresses->notify_timer);
	nl_socket_free(addresses->events);
	nl_socket_free(addresses->requests);
	list_done(&addresses->all);
	list_done(&addresses->shown);
	free(addresses);
	return NULL;
}
DEFINE_CLEANUP(struct addresses *, addresses_free);

static int open_sockets(struct addresses *addresses)
{
	addresses->events = nl_socket_alloc();
	addresses->requests = nl_socket_alloc();
	if (!addresses->events || !addresses->requests)
		return -ENOMEM;
	nl_socket_disable_seq_check(addresses->events);
	nl_socket_disable_auto_ack(addresses->events);
	if (nl_connect(addresses->requests, NETLINK_ROUTE) ||
	    nl_connect(addresses->events, NETLINK_ROUTE) ||
	    nl_socket_set_nonblocking(addresses->events) ||
	    nl_socket_set_buffer_size(addresses->events, RECEIVE_BUFFER, 0) ||
	    nl_socket_add_memberships(addresses->events, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0))
		return -EIO;
	return 0;
}

int addresses_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
		  struct addresses **ret_addresses)
{
	_cleanup_(addresses_freep) struct addresses *addresses = calloc(1, sizeof(*addresses));
	int r;

	if (!addresses)
		return -ENOMEM;
	r = open_sockets(addresses);
	if (r)
		return r;
	addresses->are_addrs_stale = addresses->are_routes_stale = true;
	(void)refresh(addresses);
	if (addresses->are_addrs_stale || addresses->are_routes_stale)
		return -EIO;
	addresses->changed = changed;
	addresses->userdata = userdata;
	if (changed) {
		r = sd_event_add_time(event, &addresses->notify_timer, CLOCK_MONOTONIC, 0, 1,
				      on_notify, addresses);
		if (r >= 0)
			r = sd_event_source_set_enabled(addresses->notify_timer, SD_EVENT_OFF);
		if (r < 0)
			return r;
	}
	r = sd_event_add_io(event, &addresses->source, nl_socket_get_fd(addresses->events), EPOLLIN,
			    on_events, addresses);
	if (r < 0)
		return r;
	*ret_addresses = TAKE_PTR(addresses);
	return 0;
}

int addresses_set_fixed(struct addresses *addresses, const struct ip_addr *addrs, size_t n)
{
	addresses->all.n = addresses->shown.n = 0;
	for (size_t i = 0; i < n; i++) {
		list_add(&addresses->all, &addrs[i]);
		list_add(&addresses->shown, &addrs[i]);
	}
	list_sort(&addresses->all);
	list_sort(&addresses->shown);
	return addresses->all.has_failed || addresses->shown.has_failed ? -ENOMEM : 0;
}

int addresses_new_fixed(const struct ip_addr *addrs, size_t n, struct addresses **ret_addresses)
{
	_cleanup_(addresses_freep) struct addresses *addresses = calloc(1, sizeof(*addresses));

	if (!addresses || addresses_set_fixed(addresses, addrs, n))
		return -ENOMEM;
	*ret_addresses = TAKE_PTR(addresses);
	return 0;
}
