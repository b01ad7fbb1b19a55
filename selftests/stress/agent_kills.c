// SPDX-License-Identifier: MIT
/*
 * Kills the agent and ipsecctl while they change the store: agent_kills BUILD-FOLDER FOLDER TIMES.
 *
 * Change k is what store/test_kills.h says; here it is a script that ipsecctl -f runs, and the last
 * command that succeeded is what was reported. In each life one process is killed:
 *
 *   AGENT    the agent, at its file call n, in its start or in one of the changes
 *   CTL      ipsecctl, at a random time; the agent goes on
 *   FILE     ipsecctl, at its file call n, while there is no agent: it writes the store itself
 *
 * n goes up from life to life and begins anew when a life is over before it comes to n, so that every
 * call is met. After each life the store has the changes that were reported, or one more; and the
 * next agent has in force what is stored. The driver is that of the tests: no module is loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "store/store.h"
#include "store/test_kills.h"

#define LARGEST		12	/* changes, then it begins with a new store */
#define CHANGES		3	/* at most, in one life */
#define READY_MS	60000
#define PATH_LEN	512

enum kind { KIND_AGENT, KIND_CTL, KIND_FILE, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = { "agent", "ipsecctl", "ipsecctl alone" };

struct kills {
	const char *build;
	const char *folder;
	char store[PATH_LEN + 16];
	pid_t agent;			/* 0: none */
	int ready;			/* socket on which the agent says that it is */
	unsigned int crash_at[KIND_COUNT];
	unsigned int n[KIND_COUNT];	/* processes that were killed */
	unsigned int largest[KIND_COUNT];	/* the last call that one was killed at */
	unsigned int done;		/* changes */
	unsigned int unreported;	/* of these */
};

/* --- processes ---------------------------------------------------------------------------- */

static const char *in(const char *folder, const char *name, char path[static PATH_LEN])
{
	(void)snprintf(path, PATH_LEN, "%s/%s", folder, name);
	return path;
}

static void become(const struct kills *kills, unsigned int crash_at, const char *output,
		   char *const *argv)
{
	char path[PATH_LEN], number[16];
	int fd = open(in(kills->folder, output, path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(126);
	if (crash_at) {
		(void)snprintf(number, sizeof(number), "%u", crash_at);
		(void)setenv("IPD_CRASH_AT", number, 1);
		(void)setenv("LD_PRELOAD", in(kills->build, "crash.so", path), 1);
	}
	(void)setenv("NOTIFY_SOCKET", in(kills->folder, "ready", path), 1);
	(void)execv(argv[0], argv);
	_exit(127);
}

static pid_t start(const struct kills *kills, unsigned int crash_at, const char *output,
		   char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0)
		become(kills, crash_at, output, argv);
	return pid;
}

/* Its status as of waitpid(), or -1. */
static int wait_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool was_killed(int status)
{
	return status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool has_succeeded(int status)
{
	return status >= 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* --- the agent ---------------------------------------------------------------------------- */

static int open_ready(struct kills *kills)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[PATH_LEN];

	if (strlen(in(kills->folder, "ready", path)) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)strcpy(address.sun_path, path);
	kills->ready = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (kills->ready < 0 || bind(kills->ready, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* 1: it has said that it is ready; 0: it has died before; -1: neither in time. */
static int wait_until_ready(struct kills *kills)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, kills->agent, 0);
	struct pollfd fds[] = { { kills->ready, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
	char text[512];

	while (pidfd >= 0 && poll(fds, 2, READY_MS) > 0) {
		ssize_t len = fds[0].revents ? recv(kills->ready, text, sizeof(text) - 1, 0) : 0;

		if (len > 0) {
			text[len] = '\0';
			if (strstr(text, "READY=1"))
				return 1;
		} else if (fds[1].revents) {
			return 0;
		}
	}
	return -1;
}

/* As wait_until_ready(). */
static int agent_start(struct kills *kills, unsigned int crash_at)
{
	char path[PATH_LEN], config[PATH_LEN], folder[PATH_LEN];
	char *argv[] = { in(kills->build, "bench-agent", path) ? path : NULL, (char *)"--foreground",
			 (char *)"--run-dir", (char *)kills->folder, (char *)"--state-dir",
			 in(kills->folder, "state", folder) ? folder : NULL, (char *)"--config",
			 in(kills->folder, "agent.conf", config) ? config : NULL, NULL };

	kills->agent = start(kills, crash_at, "agent.log", argv);
	return kills->agent > 0 ? wait_until_ready(kills) : -1;
}

/* 1: it was killed by its crash point, 0: it was alive until now, -1: something else. */
static int agent_end(struct kills *kills)
{
	int status;
	pid_t pid = waitpid(kills->agent, &status, WNOHANG);

	if (pid == kills->agent) {
		kills->agent = 0;
		return was_killed(status) ? 1 : -1;
	}
	(void)kill(kills->agent, SIGKILL);
	status = wait_for(kills->agent);
	kills->agent = 0;
	return was_killed(status) ? 0 : -1;
}

/* --- ipsecctl ----------------------------------------------------------------------------- */

/* The commands that are change @k. */
static int write_script(const struct kills *kills, unsigned int k)
{
	char path[PATH_LEN];
	FILE *file = fopen(in(kills->folder, "script", path), "we");

	if (!file)
		return -1;
	fprintf(file, "static\n"
		"add filter filterlist=%1$u srcaddr=me dstaddr=any\n"
		"add filter filterlist=%1$u srcaddr=me dstaddr=10.0.0.0/8 protocol=TCP dstport=%1$u\n"
		"add filteraction name=%1$u qmpfs=yes\n"
		"add policy name=%1$u\n"
		"add rule name=%1$u policy=%1$u filterlist=%1$u filteraction=%1$u psk=%1$u\n"
		"set policy name=%1$u assign=yes\n", k);
	return fclose(file);
}

static pid_t ctl_start(const struct kills *kills, unsigned int crash_at)
{
	char path[PATH_LEN], folder[PATH_LEN], script[PATH_LEN];
	char *argv[] = { in(kills->build, "ipsecctl", path) ? path : NULL, (char *)"--run-dir",
			 (char *)kills->folder, (char *)"--state-dir",
			 in(kills->folder, "state", folder) ? folder : NULL, (char *)"-f",
			 in(kills->folder, "script", script) ? script : NULL, NULL };

	return start(kills, crash_at, "ctl.log", argv);
}

/* Makes change @k. 1: reported as done; 0: not; -1: it could not be tried. */
static int change(const struct kills *kills, unsigned int k, unsigned int crash_at,
		  unsigned int latest_ms, bool *ret_is_killed)
{
	struct timespec life = { .tv_nsec = latest_ms ? random() % (1000000L * latest_ms) : 0 };
	int status;
	pid_t pid;

	if (write_script(kills, k))
		return -1;
	pid = ctl_start(kills, crash_at);
	if (pid < 0)
		return -1;
	if (latest_ms) {
		(void)nanosleep(&life, NULL);
		(void)kill(pid, SIGKILL);
	}
	status = wait_for(pid);
	*ret_is_killed = was_killed(status);
	return has_succeeded(status);
}

/* Whether the agent has change @k in force: its filter to port k. */
static bool is_in_force(const struct kills *kills, unsigned int k)
{
	char command[3 * PATH_LEN], line[512], port[32];
	bool is = false;
	FILE *out;

	(void)snprintf(command, sizeof(command), "%s/ipsecctl --run-dir %s --json dynamic show qmfilter all",
		       kills->build, kills->folder);
	(void)snprintf(port, sizeof(port), "\"dstport\": %u", k);
	out = popen(command, "re");
	while (out && fgets(line, sizeof(line), out))
		is |= strstr(line, port) != NULL;
	return out && !pclose(out) && is;
}

/* --- lives -------------------------------------------------------------------------------- */

/* Changes until the agent is dead, or enough. The last one that was reported; -1. */
static int change_until_dead(struct kills *kills, unsigned int k)
{
	bool is_killed;

	for (unsigned int i = 0; i < CHANGES; i++) {
		int r = change(kills, k + 1, 0, 0, &is_killed);

		if (r <= 0)
			return r < 0 ? r : (int)k;
		k++;
	}
	return (int)k;
}

static void count(struct kills *kills, enum kind kind)
{
	if (kills->crash_at[kind] > kills->largest[kind])
		kills->largest[kind] = kills->crash_at[kind];
	kills->n[kind]++;
}

static int life_of_agent(struct kills *kills, unsigned int k)
{
	int r = agent_start(kills, ++kills->crash_at[KIND_AGENT]), reported = (int)k;

	if (r < 0)
		return -1;
	/* what ipsecctl does without an agent is the life of another kind */
	if (r > 0)
		reported = change_until_dead(kills, k);
	r = agent_end(kills);
	if (r > 0)
		count(kills, KIND_AGENT);
	else
		kills->crash_at[KIND_AGENT] = 0;	/* no call is left out */
	return r < 0 ? -1 : reported;
}

static int life_of_ctl(struct kills *kills, unsigned int k)
{
	bool is_killed = false;
	int r;

	if (agent_start(kills, 0) <= 0)
		return -1;
	if (k && !is_in_force(kills, k)) {
		fprintf(stderr, "change %u is stored and not in force\n", k);
		return -1;
	}
	r = change(kills, k + 1, 0, 40, &is_killed);
	kills->n[KIND_CTL] += is_killed;
	if (r < 0 || agent_end(kills) < 0)
		return -1;
	return (int)k + r;
}

static int life_of_file(struct kills *kills, unsigned int k)
{
	bool is_killed;
	int r = change(kills, k + 1, ++kills->crash_at[KIND_FILE], 0, &is_killed);

	if (r < 0)
		return -1;
	if (is_killed)
		count(kills, KIND_FILE);
	else
		kills->crash_at[KIND_FILE] = 0;
	return (int)k + r;
}

static int one_life(struct kills *kills, unsigned int i, unsigned int k)
{
	static int (*const lives[])(struct kills *, unsigned int) = {
		/* most calls are the agent's */
		life_of_agent, life_of_file, life_of_agent, life_of_ctl,
	};

	return lives[i % (sizeof(lives) / sizeof(lives[0]))](kills, k);
}

/* A store without examples, so that what is in it are changes. */
static int begin_anew(const struct kills *kills)
{
	struct fault fault = { .name = NULL };
	struct store *store;

	test_kills_begin_anew(kills->store);
	if (store_open(kills->store, STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY, &store,
		       &fault) < 0) {
		fprintf(stderr, "%s\n", fault.text);
		return -1;
	}
	store_close(store);
	return 0;
}

static bool has_enough(const struct kills *kills, unsigned int times)
{
	return kills->n[KIND_AGENT] + kills->n[KIND_CTL] + kills->n[KIND_FILE] >= times;
}

static int run(struct kills *kills, unsigned int times)
{
	unsigned int k = 0;

	for (unsigned int i = 0; !has_enough(kills, times); i++) {
		int reported = one_life(kills, i, k), found;

		if (reported < 0)
			return -1;
		found = test_kills_count(kills->store);
		if (found != reported && found != reported + 1) {
			fprintf(stderr, "life %u: %d changes were reported, %d are there\n", i,
				reported, found);
			return -1;
		}
		kills->done += (unsigned int)found - k;
		kills->unreported += found != reported;
		k = (unsigned int)found;
		if (k >= LARGEST) {
			k = 0;
			if (begin_anew(kills))
				return -1;
		}
	}
	return 0;
}

static int set_up(struct kills *kills)
{
	char path[PATH_LEN];
	int fd;

	if (mkdir(in(kills->folder, "state", path), 0700) < 0)
		return -1;
	(void)snprintf(kills->store, sizeof(kills->store), "%s/local.db", path);
	fd = open(in(kills->folder, "agent.conf", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	(void)close(fd);
	return begin_anew(kills) ?: open_ready(kills);
}

int main(int argc, char **argv)
{
	struct kills kills = { 0 };
	uint32_t times;
	int r;

	if (argc != 4 || parse_u32(argv[3], &times) < 0) {
		fprintf(stderr, "usage: agent_kills BUILD-FOLDER FOLDER TIMES\n");
		return 2;
	}
	kills.build = argv[1];
	kills.folder = argv[2];
	srandom(1);
	r = set_up(&kills) ? -1 : run(&kills, times);
	if (kills.agent > 0)
		(void)agent_end(&kills);
	for (size_t i = 0; i < KIND_COUNT; i++)
		printf("%s: killed %u times, at calls up to %u\n", kind_names[i], kills.n[i],
		       kills.largest[i]);
	printf("%u changes, %u of them were done and not yet reported\n", kills.done, kills.unreported);
	return r ? 1 : 0;
}
