// SPDX-License-Identifier: MIT
#include "agent/boot.h"

#include <errno.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "agent/agent.h"
#include "agent/stores.h"
#include "base/log.h"
#include "boot/request.h"
#include "policy/fault.h"

#define PATIENCE_S 10	/* less than the watchdog's */

struct boot {
	char *socket;		/* NULL: nobody is asked */
	char *last;		/* the request that was done; NULL: none yet */
	char *told;		/* what was last said of failures */
};

int boot_new(const char *socket, struct boot **ret_boot)
{
	_cleanup_(boot_freep) struct boot *boot = calloc(1, sizeof(*boot));

	if (!boot)
		return -ENOMEM;
	boot->socket = socket ? strdup(socket) : NULL;
	if (socket && !boot->socket)
		return -ENOMEM;
	*ret_boot = TAKE_PTR(boot);
	return 0;
}

struct boot *boot_free(struct boot *boot)
{
	if (!boot)
		return NULL;
	free(boot->socket);
	free(boot->last);
	free(boot->told);
	free(boot);
	return NULL;
}

/* --- asking ------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return shutdown(fd, SHUT_WR) ? -errno : 0;
}

/* Without the end of its last line. */
static int receive_answer(int fd, char answer[static BOOT_ANSWER_MAX])
{
	size_t len = 0;
	ssize_t n = 1;

	while (n && len < BOOT_ANSWER_MAX - 1) {
		n = recv(fd, answer + len, BOOT_ANSWER_MAX - 1 - len, 0);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	while (len && answer[len - 1] == '\n')
		len--;
	answer[len] = '\0';
	return answer[0] ? 0 : -EPIPE;
}

static int ask(const char *path, const char *text, char answer[static BOOT_ANSWER_MAX])
{
	_cleanup_close_ int fd = connect_to(path);
	int r = fd < 0 ? fd : send_all(fd, text);

	return r ? r : receive_answer(fd, answer);
}

/* --- what is asked ------------------------------------------------------------------------ */

/* Rules of ipseccmd's dynamic mode are there after a reboot, too. */
static bool has_stored_policy(const struct agent *agent)
{
	const struct ruleset *runs = agent->rulesets[RULESET_LAYER_IPSECCMD];

	return agent->runs_fault || (runs && runs->n_rules) || stores_has_policy(agent->stores);
}

static const char *mode_for(const struct agent *agent, bool has_policy)
{
	const char *set = config_set_text(agent->config, "bootmode");

	return set ? set : has_policy ? "stateful" : "permit";
}

const char *boot_mode(const struct agent *agent)
{
	return mode_for(agent, has_stored_policy(agent));
}

static const char *value_of(const struct agent *agent, const char *property, bool has_policy)
{
	return strcmp(property, "bootmode") ? config_text(agent->config, property) :
					      mode_for(agent, has_policy);
}

/* As it is, but for @property (NULL: none). */
static int fill(const struct agent *agent, struct boot_options *options, const char *property,
		const char *value, struct fault *fault)
{
	char why[POLICY_WHY_LEN];
	int r = 0;

	for (size_t i = 0; !r && boot_options_property(i); i++) {
		const char *one = boot_options_property(i);
		bool is_new = property && !strcasecmp(property, one);

		r = boot_options_set(options, one,
				     is_new ? value : value_of(agent, one, options->has_policy), why);
	}
	return !r ? 0 : r == -ENOMEM ? fault_no_memory(fault) : fault_invalid(fault, "%s", why);
}

static int make_request(const struct agent *agent, struct boot_request *request,
			const char *property, const char *value, char **ret_text,
			struct fault *fault)
{
	int r = fill(agent, &request->options, property, value, fault);

	if (!r) {
		*ret_text = boot_request_format(request);
		if (!*ret_text)
			r = fault_no_memory(fault);
	}
	boot_options_clear(&request->options);
	return r;
}

/* --- the answer --------------------------------------------------------------------------- */

static void tell_saved(void)
{
	log_warning(BOOT_OPTIONS_FILE " had been changed by hand and is written anew; what it was "
		    "is in " BOOT_OPTIONS_FILE ".old");
}

static void tell_kept(void)
{
	log_warning(BOOT_OPTIONS_FILE " was changed by hand and stays so, until \"dynamic set config\" "
		    "sets a property of the driver's start");
}

/* What somebody has written for the driver's start is as if it had been set here. */
static bool adopt_property(struct agent *agent, char *line)
{
	char *value = strchr(line, '=');
	const char *is;
	struct fault fault;

	if (!value)
		return false;
	*value++ = '\0';
	is = boot_options_has(line) ? value_of(agent, line, has_stored_policy(agent)) : value;
	if (!strcmp(is, value))
		return false;
	if (config_set(agent->config, line, value, &fault)) {
		log_error("%s=%s was set by hand: %s", line, value, fault.text);
		return false;
	}
	log_warning("%s=%s was set by hand", line, value);
	return true;
}

/* @lines are cut up. */
static void adopt(struct agent *agent, char *lines)
{
	bool is_new = false;
	struct fault fault;
	char *at;

	for (char *line = strtok_r(lines, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		is_new |= adopt_property(agent, line);
	if (is_new && agent_apply_config(agent, &fault))
		log_error("%s", fault.text);
	if (is_new || !agent->boot->last)
		tell_kept();
}

static int judge_answer(struct agent *agent, char *answer, struct fault *fault)
{
	if (!strncmp(answer, BOOT_KEPT, strlen(BOOT_KEPT)))
		adopt(agent, answer + strlen(BOOT_KEPT));
	else if (!strcmp(answer, BOOT_SAVED))
		tell_saved();
	else if (strcmp(answer, BOOT_DONE) != 0)
		return fault_failed(fault, "what the driver starts with cannot be written: %s; nothing "
				    "was changed", strncmp(answer, BOOT_FAILED " ",
							   sizeof(BOOT_FAILED)) ?
				    answer : answer + sizeof(BOOT_FAILED));
	return 0;
}

static int tell(struct agent *agent, struct boot_request *request, const char *property,
		const char *value, struct fault *fault)
{
	struct boot *boot = agent->boot;
	_cleanup_free_ char *text = NULL;
	char answer[BOOT_ANSWER_MAX];
	int r;

	if (!boot->socket)
		return 0;
	r = make_request(agent, request, property, value, &text, fault);
	if (r)
		return r;
	if (boot->last && !strcmp(boot->last, text))
		return 0;
	r = ask(boot->socket, text, answer);
	if (r)
		return fault_failed(fault, "what the driver starts with cannot be written: %s: %s; "
				    "nothing was changed. Is ipsec-policy-options.socket active?",
				    boot->socket, strerror(-r == EAGAIN ? ETIMEDOUT : -r));
	r = judge_answer(agent, answer, fault);
	free(boot->last);
	boot->last = r ? NULL : TAKE_PTR(text);
	return r;
}

int boot_prepare_property(struct agent *agent, const char *property, const char *value,
			  struct fault *fault)
{
	struct boot_request request = {
		.options.has_policy = has_stored_policy(agent),
		.replaces = true,
	};

	if (!boot_options_has(property))
		return 0;
	/* what somebody has changed meanwhile is not to be undone by setting something else */
	free(agent->boot->last);
	agent->boot->last = NULL;
	boot_update(agent);
	return tell(agent, &request, property, value, fault);
}

int boot_prepare_policy(struct agent *agent, struct fault *fault)
{
	struct boot_request request = { .options.has_policy = true };

	return tell(agent, &request, NULL, NULL, fault);
}

void boot_update(struct agent *agent)
{
	struct boot_request request = { .options.has_policy = has_stored_policy(agent) };
	struct boot *boot = agent->boot;
	struct fault fault;
	int r = tell(agent, &request, NULL, NULL, &fault);

	if (r && (!boot->told || strcmp(boot->told, fault.text) != 0)) {
		log_error("%s", fault.text);
		free(boot->told);
		boot->told = strdup(fault.text);
	}
	if (!r) {
		free(boot->told);
		boot->told = NULL;
	}
}
