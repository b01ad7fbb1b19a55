// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/serve.h"
#include "daemon/confine.h"
#include "daemon/daemon.h"

DEFINE_CLEANUP(struct cred *, cred_free);

#define KEYTAB_OWN "/etc/ipsec-policy/krb5.keytab"
#define KEYTAB_SYSTEM "/etc/krb5.keytab"

struct options {
	const char *run_dir;
	const char *user;
	const char *ike_user;
	const char *keytab;
	bool is_foreground;
};

static void print_help(FILE *file)
{
	(void)fprintf(file,
		"Usage: ipsec-cred [OPTION]...\n"
		"Keeps the secrets of the IPsec policy and uses them for ipsec-ike.\n\n"
		"      --run-dir DIR    directory of the sockets (" DAEMON_RUN_DIR ")\n"
		"      --user USER      run as USER (ipsec-cred, else nobody)\n"
		"      --ike-user USER  user of ipsec-ike (ipsec-ike, else nobody)\n"
		"      --keytab FILE    keys of this machine for Kerberos (" KEYTAB_OWN ",\n"
		"                       else " KEYTAB_SYSTEM ")\n"
		"      --foreground     log to standard error\n"
		"      --version        print the version\n"
		"      --help           print this text\n");
}

/* 0: go on; else the program ends with status ret - 1. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	enum { RUN_DIR = 1, USER, IKE_USER, KEYTAB, FOREGROUND, VERSION, HELP };
	static const struct option known[] = {
		{ "run-dir", required_argument, NULL, RUN_DIR },
		{ "user", required_argument, NULL, USER },
		{ "ike-user", required_argument, NULL, IKE_USER },
		{ "keytab", required_argument, NULL, KEYTAB },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	struct options options = { .run_dir = DAEMON_RUN_DIR };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case RUN_DIR:
			options.run_dir = optarg;
			break;
		case USER:
			options.user = optarg;
			break;
		case IKE_USER:
			options.ike_user = optarg;
			break;
		case KEYTAB:
			options.keytab = optarg;
			break;
		case FOREGROUND:
			options.is_foreground = true;
			break;
		case VERSION:
			(void)puts("ipsec-cred " IPD_VERSION);
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
		(void)fprintf(stderr, "ipsec-cred: unexpected argument \"%s\"\n", argv[optind]);
		return 3;
	}
	*ret_options = options;
	return 0;
}

static int find_users(const struct options *options, struct confine_user *ret_own,
		      struct confine_user *ret_ike)
{
	bool is_nobody = false;

	if (confine_find_user(options->user, "ipsec-cred", ret_own, &is_nobody) < 0) {
		log_error("no user \"%s\"", options->user ? options->user : "nobody");
		return -ENOENT;
	}
	if (is_nobody)
		log_warning("no user ipsec-cred, running as nobody");
	if (confine_find_user(options->ike_user, "ipsec-ike", ret_ike, NULL) < 0) {
		log_error("no user \"%s\"", options->ike_user ? options->ike_user : "nobody");
		return -ENOENT;
	}
	return 0;
}

static int confine(const struct confine_user *user)
{
	int r;

#ifndef __SANITIZE_ADDRESS__
	r = confine_memory();
	if (r < 0)
		log_warning("cannot lock memory (%s), going on", strerror(-r));
#endif
	r = confine_drop(user);
	if (r < 0) {
		log_error("cannot give up privileges: %s", strerror(-r));
		return r;
	}
#ifndef __SANITIZE_ADDRESS__
	r = confine_syscalls(CONFINE_NETWORK_NONE);
	if (r == -ENOSYS)
		log_warning("the kernel cannot filter system calls, going on");
	else if (r < 0)
		log_error("cannot filter system calls: %s", strerror(-r));
#endif
	return r == -ENOSYS ? 0 : r;
}

/* That of the system may have keys of other services too; the one that is ours only is better. */
static const char *find_keytab(const struct options *options)
{
	if (options->keytab)
		return options->keytab;
	return access(KEYTAB_OWN, F_OK) == 0 ? KEYTAB_OWN : KEYTAB_SYSTEM;
}

static int run(const struct options *options)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(cred_freep) struct cred *cred = NULL;
	struct confine_user own, ike;
	struct cred_config config;
	int r = find_users(options, &own, &ike);

	if (r < 0)
		return r;
	r = daemon_make_run_dir(options->run_dir);
	if (r == 0)
		r = daemon_loop_new(&event);
	if (r == 0) {
		config = (struct cred_config){ .run_dir = options->run_dir, .ike_uid = ike.uid,
					       .ike_gid = ike.gid, .helper_user = &own,
					       .keytab = find_keytab(options) };
		r = cred_new(event, &config, &cred);
	}
	if (r < 0) {
		log_error("cannot listen in %s: %s", options->run_dir, strerror(-r));
		return r;
	}
	r = confine(&own);
	if (r < 0)
		return r;
	daemon_is_ready();
	log_info("listening in %s", options->run_dir);
	r = sd_event_loop(event);
	daemon_is_stopping();
	if (r < 0)
		log_error("event loop: %s", strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct options options;
	int r = parse_options(argc, argv, &options);

	if (r > 0)
		return r - 1;
	log_open("ipsec-cred", options.is_foreground ? LOG_TARGET_STDERR : LOG_TARGET_AUTO);
	return run(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
