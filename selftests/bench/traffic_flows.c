/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

#define PORT 5001
/* datagrams that are under way at a time: few enough for any receive buffer */
#define BATCH 32
#define MAX_FLOWS 1024
#define MAX_SIZE 9000
#define CHUNK 131072

static unsigned char buffer[2 * CHUNK];

static int open_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die("%s is no address", text);
	return address;
}

static void bind_to(int fd, const struct sockaddr_in *address)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		die("bind: %s", strerror(errno));
}

static void connect_to(int fd, const struct sockaddr_in *address)
{
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		die("connect: %s", strerror(errno));
}

/* --- one stream ----------------------------------------------------------------- */

static pid_t start_sender(const char *netns, const struct sockaddr_in *to)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	enter(netns);
	fd = open_socket(SOCK_STREAM);
	connect_to(fd, to);
	while (send(fd, buffer, CHUNK, MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

/* what TCP has taken from the wire: what the reader has not come to yet was worked on, too */
static uint64_t bytes_received(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO: %s", strerror(errno));
	return info.tcpi_bytes_received;
}

static void receive_for(int fd, const struct window *window)
{
	ssize_t n;

	while (window_is_open(window)) {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n <= 0)
			die("the stream broke: %s", n ? strerror(errno) : "closed");
	}
}

void run_tcp(char **words)
{
	struct sockaddr_in to = address_of(words[2]);
	uint64_t duration = seconds(words[3]), before;
	struct window window;
	int listener, fd;
	pid_t sender;

	enter(words[1]);
	listener = open_socket(SOCK_STREAM);
	bind_to(listener, &to);
	if (listen(listener, 1))
		die("listen: %s", strerror(errno));
	sender = start_sender(words[0], &to);
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept: %s", strerror(errno));
	/* slow start, caches */
	window_open(&window, duration / 2);
	receive_for(fd, &window);
	before = bytes_received(fd);
	window_open(&window, duration);
	receive_for(fd, &window);
	window_close(&window, bytes_received(fd) - before);
	close(fd);
	kill(sender, SIGTERM);
	waitpid(sender, NULL, 0);
}

/* --- datagrams ------------------------------------------------------------------ */

static unsigned int size_of(const char *word)
{
	unsigned long size = number(word);

	if (size > MAX_SIZE)
		die("datagrams have %d bytes at most", MAX_SIZE);
	return (unsigned int)size;
}

/*
 * Sends a batch, then takes it from the other end. The two ends are one process, so no scheduler
 * decides how many packets are lost between them.
 */
static uint64_t exchange(const int *from, unsigned long flows, int to, unsigned int size,
			 const struct window *window)
{
	unsigned long next = 0;
	uint64_t received = 0;

	while (window_is_open(window)) {
		for (int i = 0; i < BATCH; i++) {
			if (send(from[next], buffer, size, 0) < 0)
				die("send: %s", strerror(errno));
			next = next + 1 < flows ? next + 1 : 0;
		}
		for (int i = 0; i < BATCH; i++)
			if (recv(to, buffer, sizeof(buffer), 0) < 0)
				die("after %llu datagrams one is missing: %s",
				    (unsigned long long)received + (unsigned int)i, strerror(errno));
		received += BATCH;
	}
	return received;
}

void run_udp(char **words)
{
	struct sockaddr_in to = address_of(words[2]);
	uint64_t duration = seconds(words[3]), received;
	unsigned int size = size_of(words[4]);
	unsigned long flows = number(words[5]);
	struct timeval patience = { .tv_sec = 5 };
	struct window window;
	int from[MAX_FLOWS], receiver;

	if (!flows || flows > MAX_FLOWS)
		die("1 to %d flows", MAX_FLOWS);
	enter(words[1]);
	receiver = open_socket(SOCK_DGRAM);
	bind_to(receiver, &to);
	setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	enter(words[0]);
	for (unsigned long i = 0; i < flows; i++) {
		from[i] = open_socket(SOCK_DGRAM);
		connect_to(from[i], &to);
	}
	window_open(&window, duration / 4);
	exchange(from, flows, receiver, size, &window);
	window_open(&window, duration);
	received = exchange(from, flows, receiver, size, &window);
	window_close(&window, received);
}

static uint64_t send_only(int fd, unsigned int size, const struct window *window)
{
	uint64_t sent = 0;

	while (window_is_open(window)) {
		for (int i = 0; i < BATCH; i++)
			/* what is dropped is reported to some senders */
			if (send(fd, buffer, size, 0) < 0 && errno != EPERM && errno != ENOBUFS)
				die("send: %s", strerror(errno));
		sent += BATCH;
	}
	return sent;
}

void run_out(char **words)
{
	struct sockaddr_in to = address_of(words[1]);
	uint64_t duration = seconds(words[2]), sent;
	unsigned int size = size_of(words[3]);
	struct window window;
	int fd;

	enter(words[0]);
	fd = open_socket(SOCK_DGRAM);
	connect_to(fd, &to);
	window_open(&window, duration / 4);
	send_only(fd, size, &window);
	window_open(&window, duration);
	sent = send_only(fd, size, &window);
	window_close(&window, sent);
}

/* --- frames --------------------------------------------------------------------- */

#define PAYLOAD 64

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	unsigned char payload[PAYLOAD];
} __attribute__((packed));

static struct frame *frames;
static unsigned long frames_n;

static uint16_t header_sum(const struct iphdr *ip)
{
	const uint16_t *word = (const uint16_t *)(const void *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip) / sizeof(*word); i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

static void add_frame(const struct ether_header *ether, uint32_t source, uint32_t destination,
		      unsigned int source_port, unsigned int port)
{
	struct frame frame = { .ether = *ether };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };

	ip.tot_len = htons(sizeof(frame) - sizeof(*ether));
	ip.saddr = source;
	ip.daddr = destination;
	ip.check = header_sum(&ip);
	frame.ip = ip;
	frame.udp.source = htons((uint16_t)source_port);
	frame.udp.dest = htons((uint16_t)port);
	frame.udp.len = htons(sizeof(frame.udp) + PAYLOAD);
	if (!(frames_n & (frames_n - 1)))
		frames = realloc(frames, (frames_n ? 2 * frames_n : 1) * sizeof(*frames));
	if (!frames)
		die("no memory");
	frames[frames_n++] = frame;
}

static void read_frames(const char *name, const struct ether_header *ether)
{
	char source[16], destination[16], line[128];
	unsigned int source_port, port;
	const char *at;
	int used = 0;
	FILE *file = fopen(name, "re");

	if (!file)
		die("%s: %s", name, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s %15s%n", source, destination, &used) != 2)
			die("%s: not a flow: %s", name, line);
		at = line + used;
		source_port = (unsigned int)number_at(&at);
		port = (unsigned int)number_at(&at);
		add_frame(ether, address_of(source).sin_addr.s_addr,
			  address_of(destination).sin_addr.s_addr, source_port, port);
	}
	fclose(file);
	if (!frames_n)
		die("%s is empty", name);
}

static int open_device(const char *device, const char *mac, struct ether_header *ether)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device) };
	struct ether_addr address;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || !link.sll_ifindex || bind(fd, (struct sockaddr *)&link, sizeof(link)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		die("device %s: %s", device, strerror(errno));
	if (!ether_aton_r(mac, &address))
		die("%s is no MAC address", mac);
	memcpy(ether->ether_dhost, &address, sizeof(address));
	ether->ether_shost[0] = 2;
	ether->ether_type = htons(ETHERTYPE_IP);
	return fd;
}

/* a file that goes on telling of this namespace's devices, wherever we go */
static int open_counters(const char *netns)
{
	int fd;

	enter(netns);
	fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/thread-self/net/dev: %s", strerror(errno));
	return fd;
}

static uint64_t packets_sent_by(int counters, const char *device)
{
	char text[8192], name[32];
	const char *line;
	ssize_t n = pread(counters, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	snprintf(name, sizeof(name), " %s:", device);
	line = strstr(text, name);
	if (!line)
		die("there are no counters of %s", device);
	line = skip_numbers(line + strlen(name), 9);
	return number_at(&line);
}

static uint64_t send_frames(int fd, const struct window *window)
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];
	unsigned long next = 0;
	uint64_t sent = 0;

	while (window_is_open(window)) {
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ frames + next, sizeof(*frames) };
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
			next = next + 1 < frames_n ? next + 1 : 0;
		}
		if (sendmmsg(fd, messages, BATCH, 0) != BATCH)
			die("sendmmsg: %s", strerror(errno));
		sent += BATCH;
	}
	return sent;
}

void run_frames(char **words)
{
	uint64_t duration = seconds(words[3]), before, sent;
	int counters = open_counters(words[5]), fd;
	struct ether_header ether = {};
	struct window window;

	enter(words[0]);
	fd = open_device(words[1], words[2], &ether);
	read_frames(words[4], &ether);
	window_open(&window, duration / 4);
	send_frames(fd, &window);
	before = packets_sent_by(counters, words[6]);
	window_open(&window, duration);
	sent = send_frames(fd, &window);
	printf("sent=%llu ", (unsigned long long)sent);
	window_close(&window, packets_sent_by(counters, words[6]) - before);
}
