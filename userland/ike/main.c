// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/parse.h"
#include "daemon/confine.h"
#include "daemon/daemon.h"
#include "ike/host.h"

DEFINE_CLEANUP(struct host *, host_free);

struct options {
	struct host_options host;
	const char *user;
	bool is_foreground;
};

static void print_help(FILE *file)
{
	(void)fprintf(file,
		"Usage: ipsec-ike [OPTION]...\n"
		"Negotiates IPsec security associations for the IPsec policy agent.\n\n"
		"      --run-dir DIR     directory of the sockets (" DAEMON_RUN_DIR ")\n"
		"      --user USER       run as USER (ipsec-ike, else nobody)\n"
		"      --port PORT       UDP port instead of 500, for tests\n"
		"      --natt-port PORT  UDP port instead of 4500, for tests\n"
		"      --foreground      log to standard error\n"
		"      --version         print the version\n"
		"      --help            print this text\n");
}

static int parse_port(const char *text, uint16_t *ret_port)
{
	uint16_t port;

	if (parse_u16(text, &port) < 0 || port == 0) {
		(void)fprintf(stderr, "ipsec-ike: \"%s\" is not a port\n", text);
		return -EINVAL;
	}
	*ret_port = port;
	return 0;
}

/* 0: go on; else the program ends with status ret - 1. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	enum { RUN_DIR = 1, USER, PORT, NATT_PORT, FOREGROUND, VERSION, HELP };
	static const struct option known[] = {
		{ "run-dir", required_argument, NULL, RUN_DIR },
		{ "user", required_argument, NULL, USER },
		{ "port", required_argument, NULL, PORT },
		{ "natt-port", required_argument, NULL, NATT_PORT },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	struct options options = { .host.run_dir = DAEMON_RUN_DIR };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case RUN_DIR:
			options.host.run_dir = optarg;
			break;
		case USER:
			options.user = optarg;
			break;
		case PORT:
			if (parse_port(optarg, &options.host.port) < 0)
				return 3;
			break;
		case NATT_PORT:
			if (parse_port(optarg, &options.host.natt_port) < 0)
				return 3;
			break;
		case FOREGROUND:
			options.is_foreground = true;
			break;
		case VERSION:
			(void)puts("ipsec-ike " IPD_VERSION);
			return 1;
		case HELP:
			print_help(stdout);
			return 1;
		default:
			print_help(stderr);
			return 3;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "ipsec-ike: unexpected argument \"%s\"\n", argv[optind]);
		return 3;
	}
	*ret_options = options;
	return 0;
}

/* Started by systemd as its user, or as root: then there is a user to become. */
static int give_up_rights(const char *name)
{
	struct confine_user user = { .uid = geteuid(), .gid = getegid() };
	bool is_nobody = false;
	int r;

	if (geteuid() == 0 && confine_find_user(name, "ipsec-ike", &user, &is_nobody) < 0) {
		log_error("no user \"%s\"", name ? name : "nobody");
		return -ENOENT;
	}
	if (is_nobody)
		log_warning("no user ipsec-ike, running as nobody");
#ifndef __SANITIZE_ADDRESS__
	r = confine_memory();
	if (r < 0)
		log_warning("cannot lock memory (%s), going on", strerror(-r));
#endif
	r = confine_drop(&user);
	if (r < 0)
		log_error("cannot give up privileges: %s", strerror(-r));
	return r;
}

static int give_up_calls(void)
{
	int r = 0;

#ifndef __SANITIZE_ADDRESS__
	r = confine_syscalls(CONFINE_NETWORK_OPEN);
	if (r == -ENOSYS) {
		log_warning("the kernel cannot filter system calls, going on");
		return 0;
	}
	if (r < 0)
		log_error("cannot filter system calls: %s", strerror(-r));
#endif
	return r;
}

static int run(const struct options *options)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	int r = daemon_loop_new(&event);

	if (r == 0)
		r = host_open(event, &options->host, &host);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return r;
	}
	r = give_up_rights(options->user);
	if (r == 0)
		r = host_start(host, options->host.run_dir);
	if (r == 0)
		r = give_up_calls();
	if (r < 0)
		return r;
	daemon_is_ready();
	r = sd_event_loop(event);
	daemon_is_stopping();
	if (r < 0)
		log_error("event loop: %s", strerror(-r));
	host_say_goodbye(host);
	return r;
}

int main(int argc, char **argv)
{
	struct options options;
	int r = parse_options(argc, argv, &options);

	if (r > 0)
		return r - 1;
	log_open("ipsec-ike", options.is_foreground ? LOG_TARGET_STDERR : LOG_TARGET_AUTO);
	return run(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
