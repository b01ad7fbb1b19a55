/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define NS_PER_S 1000000000ULL

static const char usage_text[] =
	"traffic tcp FROM TO ADDRESS SECONDS           bytes of one stream that arrive\n"
	"traffic udp FROM TO ADDRESS SECONDS SIZE N    datagrams of N flows that arrive\n"
	"traffic out FROM ADDRESS SECONDS SIZE         datagrams that are sent, and need not arrive\n"
	"traffic frames FROM DEVICE MAC SECONDS FILE TO DEVICE\n"
	"        frames, of which TO sends on so many by its DEVICE; a line of FILE is\n"
	"        SOURCE DESTINATION PORT PORT; \"sent=\" says how many there were\n"
	"\n"
	"FROM and TO are network namespaces, ADDRESS is TO's.\n";

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("traffic: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

unsigned long number(const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || !*text || *end)
		die("%s is no number", text);
	return value;
}

uint64_t seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || *end || !(value > 0 && value < 1e6))
		die("%s is no duration", text);
	return (uint64_t)(value * (double)NS_PER_S);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

void enter(const char *netns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace %s: %s", netns, strerror(errno));
	close(fd);
}

uint64_t number_at(const char **at)
{
	char *end;
	uint64_t number = strtoull(*at, &end, 10);

	if (end == *at)
		die("no number: %s", *at);
	*at = end;
	return number;
}

const char *skip_numbers(const char *at, int n)
{
	while (n--)
		(void)number_at(&at);
	return at;
}

/* of all CPUs since boot, in ticks; what waits for a disk is idle, too */
static uint64_t idle_ns(void)
{
	FILE *file = fopen("/proc/stat", "re");
	const char *at;
	char line[512];
	uint64_t idle;

	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "cpu ", 4) != 0)
		die("/proc/stat cannot be read");
	fclose(file);
	at = skip_numbers(line + 4, 3);
	idle = number_at(&at);
	return (idle + number_at(&at)) * (NS_PER_S / (unsigned long)sysconf(_SC_CLK_TCK));
}

void window_open(struct window *window, uint64_t duration)
{
	window->idle = idle_ns();
	window->start = now();
	window->end = window->start + duration;
}

bool window_is_open(const struct window *window)
{
	return now() < window->end;
}

void window_close(struct window *window, uint64_t count)
{
	window->end = now();
	window->idle = idle_ns() - window->idle;
	printf("count=%llu ns=%llu idle=%llu\n", (unsigned long long)count,
	       (unsigned long long)(window->end - window->start),
	       (unsigned long long)window->idle);
}

static const struct {
	const char *name;
	void (*run)(char **words);
	int words;
} kinds[] = {
	{ "tcp", run_tcp, 4 },
	{ "udp", run_udp, 6 },
	{ "out", run_out, 4 },
	{ "frames", run_frames, 7 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, argv[1]) != 0 || argc != kinds[i].words + 2)
			continue;
		kinds[i].run(argv + 2);
		return 0;
	}
	fputs(usage_text, stderr);
	return 2;
}
