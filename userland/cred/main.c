// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cred/files.h"
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
	const char *certs_dir;
	struct guard fetch_guard;
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
		"      --certs DIR      certificates of this machine (" FILES_DIR ")\n"
		"      --fetch-from PREFIX\n"
		"                       CRLs may be fetched from there, though it is no public\n"
		"                       address; may be given several times\n"
		"      --foreground     log to standard error\n"
		"      --version        print the version\n"
		"      --help           print this text\n");
}

/* 0: go on; else the program ends with status ret - 1. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	enum { RUN_DIR = 1, USER, IKE_USER, KEYTAB, CERTS, FETCH_FROM, FOREGROUND, VERSION, HELP };
	static const struct option known[] = {
		{ "run-dir", required_argument, NULL, RUN_DIR },
		{ "user", required_argument, NULL, USER },
		{ "ike-user", required_argument, NULL, IKE_USER },
		{ "keytab", required_argument, NULL, KEYTAB },
		{ "certs", required_argument, NULL, CERTS },
		{ "fetch-from", required_argument, NULL, FETCH_FROM },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	struct options options = { .run_dir = DAEMON_RUN_DIR, .certs_dir = FILES_DIR };
	int c, r;

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
		case CERTS:
			options.certs_dir = optarg;
			break;
		case FETCH_FROM:
			r = guard_allow(&options.fetch_guard, optarg);
			if (r < 0) {
				(void)fprintf(stderr, "ipsec-cred: --fetch-from \"%s\": %s\n", optarg,
					      r == -ENOBUFS ? "too many" :
					      "not an address, nor a prefix like 10.0.0.0/8");
				return 3;
			}
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

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	cred_read_again(userdata);
	return 0;
}

/* Blocked before the helpers are made, which do not want it either. */
static int block_hangup(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int start(sd_event *event, const struct options *options, const struct confine_user *own,
		 const struct confine_user *ike, struct cred **ret_cred)
{
	struct cred_config config = {
		.run_dir = options->run_dir,
		.ike_uid = ike->uid,
		.ike_gid = ike->gid,
		.helper_user = own,
		.keytab = find_keytab(options),
		.certs_dir = options->certs_dir,
		.fetch_guard = options->fetch_guard,
	};
	struct confine_user fetch;
	int r = confine_find_user(NULL, "ipsec-fetch", &fetch, NULL);

	config.fetch_user = &fetch;
	if (r == 0)
		r = block_hangup();
	if (r == 0)
		r = cred_new(event, &config, ret_cred);
	if (r < 0)
		return r;
	return sd_event_add_signal(event, NULL, SIGHUP, on_hangup, *ret_cred);
}

static int run(const struct options *options)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(cred_freep) struct cred *cred = NULL;
	struct confine_user own, ike;
	int r = find_users(options, &own, &ike);

	if (r < 0)
		return r;
	r = daemon_make_run_dir(options->run_dir);
	if (r == 0)
		r = daemon_loop_new(&event);
	if (r == 0)
		r = start(event, options, &own, &ike, &cred);
	if (r < 0) {
		log_error("cannot listen in %s: %s%s", options->run_dir, strerror(-r), file_remedy(r));
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
