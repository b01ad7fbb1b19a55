// SPDX-License-Identifier: MIT
/* ipsec-policy-agent: options, signals, the loop. The work is agent.c's. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "agent/agent.h"
#include "agent/events.h"
#include "agent/stores.h"
#include "base/file.h"
#include "base/log.h"
#include "nl/kernel_genl.h"

#define NAME		"ipsec-policy-agent"
#define RUN_DIR		"/run/ipsec-policy"
#define STATE_DIR	"/var/lib/ipsec-policy"

#ifndef IPD_VERSION
#define IPD_VERSION	"unknown"
#endif

struct options {
	const char *run_dir;
	const char *state_dir;
	const char *config;
	const char *boot_socket;
	bool is_foreground;
	bool exports_keys;
};

static const char help[] =
	"Usage: " NAME " [OPTION]...\n"
	"\n"
	"Turns IPsec policy into the driver's filters and watches over negotiations.\n"
	"\n"
	"  --run-dir DIR     sockets and what has to outlive a crash; " RUN_DIR "\n"
	"  --state-dir DIR   what has to outlive a reboot; " STATE_DIR "\n"
	"  --config FILE     settings; " SETTINGS_FILE "\n"
	"  --boot-socket SOCKET  who writes what the driver starts with; nobody is asked\n"
	"  --foreground      write the log to standard error, not to the journal\n"
	"  --log-level LEVEL err, warning, notice, info or debug; info\n"
	"  --export-keys     DEBUGGING ONLY: write all session keys to DIR/keylog, for tshark\n"
	"  --version         print the version and exit\n"
	"  --help            print this and exit\n";

enum { OPTION_RUN_DIR = 256, OPTION_STATE_DIR, OPTION_CONFIG, OPTION_BOOT_SOCKET, OPTION_LOG_LEVEL, OPTION_EXPORT_KEYS };

static const struct option long_options[] = {
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "boot-socket", required_argument, NULL, OPTION_BOOT_SOCKET },
	{ "foreground", no_argument, NULL, 'f' },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "export-keys", no_argument, NULL, OPTION_EXPORT_KEYS },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0: go on; 1: done, successfully; -EINVAL: the reason has been printed. */
static int parse_options(int argc, char **argv, struct options *options)
{
	int option, level;

	while ((option = getopt_long(argc, argv, "fVh", long_options, NULL)) >= 0) {
		switch (option) {
		case OPTION_RUN_DIR:
			options->run_dir = optarg;
			break;
		case OPTION_STATE_DIR:
			options->state_dir = optarg;
			break;
		case OPTION_CONFIG:
			options->config = optarg;
			break;
		case OPTION_BOOT_SOCKET:
			options->boot_socket = optarg;
			break;
		case OPTION_LOG_LEVEL:
			level = log_level_from_text(optarg);
			if (level < 0) {
				fprintf(stderr, NAME ": \"%s\" is not a log level\n", optarg);
				return -EINVAL;
			}
			log_set_level(level);
			break;
		case OPTION_EXPORT_KEYS:
			options->exports_keys = true;
			break;
		case 'f':
			options->is_foreground = true;
			break;
		case 'V':
			printf(NAME " " IPD_VERSION "\n");
			return 1;
		case 'h':
			fputs(help, stdout);
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, NAME ": \"%s\" is not an option; see --help\n", argv[optind]);
		return -EINVAL;
	}
	if (options->run_dir[0] != '/' || options->state_dir[0] != '/') {
		fprintf(stderr,
			NAME ": directories are given from the root, with a leading \"/\"\n");
		return -EINVAL;
	}
	return 0;
}

/* The sockets have modes of their own; other users need to get at ipsec-ike's. */
static int make_directory(const char *path, mode_t mode)
{
	if (!mkdir(path, mode) || errno == EEXIST)
		return 0;
	log_error("%s cannot be made: %s%s", path, strerror(errno), file_remedy(-errno));
	return -errno;
}

/* The policy has keys in it. */
static void forbid_core_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	log_info("stopping (signal %u): the driver stops protecting", info->ssi_signo);
	(void)sd_notify(0, "STOPPING=1");
	agent_stop(agent);
	return sd_event_exit(agent->event, 0);
}

static int on_leave(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)info;
	log_info("stopping for a restart: the driver's filters stay in force");
	(void)sd_notify(0, "STOPPING=1");
	agent_leave(agent);
	return sd_event_exit(agent->event, 0);
}

static int on_replace(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)info;
	log_info("stopping for another version: filters, associations and dynamic rules stay");
	(void)sd_notify(0, "STOPPING=1");
	return sd_event_exit(agent->event, 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)info;
	log_info("reading the local store and resolving names again");
	stores_reread(agent->stores);
	resolver_refresh(agent->resolver);
	return 0;
}

static const struct {
	int number;
	sd_event_signal_handler_t handler;
} handled_signals[] = {
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGUSR1, on_leave },
	{ SIGUSR2, on_replace },
	{ SIGHUP, on_hangup },
};

/* They wait until there is somebody who knows what to do. */
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]); i++)
		sigaddset(&signals, handled_signals[i].number);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int run(sd_event *event, struct agent *agent)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]) && r >= 0; i++)
		r = sd_event_add_signal(event, NULL, handled_signals[i].number,
					handled_signals[i].handler, agent);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0) {
		log_error("the event loop cannot be set up: %s", strerror(-r));
		return r;
	}
	(void)sd_notify(0, "READY=1");
	return sd_event_loop(event);
}

static int start(const struct options *options, sd_event *event, struct agent **ret_agent)
{
	struct agent_config config = {
		.run_dir = options->run_dir,
		.state_dir = options->state_dir,
		.settings_path = options->config,
		.boot_socket = options->boot_socket,
		.exports_keys = options->exports_keys,
	};
	char why[AGENT_WHY_LEN];
	int r = make_directory(options->run_dir, 0755);

	if (!r)
		r = make_directory(options->state_dir, 0700);
	if (r)
		return r;
	r = kernel_genl_open(&config.kernel, why);
	if (!r)
		r = agent_new(event, &config, ret_agent, why);
	if (r) {
		event_serious("policy agent cannot start: %s", why);
		(void)sd_notifyf(0, "STATUS=%s", why);
	} else if (options->exports_keys) {
		log_warning("session keys are written to %s/keylog", options->run_dir);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {
		.run_dir = RUN_DIR,
		.state_dir = STATE_DIR,
		.config = SETTINGS_FILE,
	};
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(agent_freep) struct agent *agent = NULL;
	int r = parse_options(argc, argv, &options);

	if (r)
		return r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	log_open(NAME, options.is_foreground ? LOG_TARGET_STDERR : LOG_TARGET_AUTO);
	forbid_core_dumps();
	(void)signal(SIGPIPE, SIG_IGN);
	block_signals();
	r = sd_event_default(&event);
	if (r < 0) {
		log_error("no event loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	if (start(&options, event, &agent))
		return EXIT_FAILURE;
	return run(event, agent) ? EXIT_FAILURE : EXIT_SUCCESS;
}
