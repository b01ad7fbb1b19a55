// SPDX-License-Identifier: MIT
#include "ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "policy/bus.h"
#include "policy/fault.h"

/* A commit of many filters in an emulated guest takes its time. */
#define CALL_TIMEOUT_USEC	(60ull * 1000000)

static int connect_socket(const char *run_dir, int *ret_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int len;

	len = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", run_dir, POLICY_BUS_SOCKET);
	if (len < 0 || (size_t)len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Whoever may do nothing is not told so: the agent hangs up. */
static bool is_hung_up(int err)
{
	return err == -ECONNRESET || err == -ENOTCONN || err == -EPIPE;
}

static int wait_until_ready(sd_bus *bus)
{
	int err;

	while ((err = sd_bus_is_ready(bus)) == 0) {
		err = sd_bus_process(bus, NULL);
		if (err == 0)
			err = sd_bus_wait(bus, CALL_TIMEOUT_USEC);
		if (err < 0)
			break;
	}
	return err;
}

static int connect_bus(struct ctl *ctl)
{
	_cleanup_close_ int fd = -1;
	sd_bus *bus = NULL;
	int err;

	err = connect_socket(ctl->run_dir, &fd);
	if (err)
		return err;
	err = sd_bus_new(&bus);
	if (err < 0)
		return err;
	err = sd_bus_set_fd(bus, fd, fd);
	if (err >= 0) {
		TAKE_FD(fd);	/* the bus closes it */
		err = sd_bus_start(bus);
	}
	if (err >= 0)
		err = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
	if (err >= 0)
		err = wait_until_ready(bus);
	if (err < 0) {
		sd_bus_unref(bus);
		return is_hung_up(err) && geteuid() ? -EACCES : err;
	}
	ctl->bus = bus;
	ctl->is_bus_dry = false;
	return 0;
}

static enum ctl_exit connect_error(struct ctl *ctl, int err)
{
	if (err == -EACCES || err == -EPERM)
		return ctl_error(ctl, CTL_ERROR_ACCESS_DENIED,
				 "access to the policy agent at %s/%s is denied; run this as root, "
				 "or have an administrator give your group rights to a store",
				 ctl->run_dir, POLICY_BUS_SOCKET);
	if (err == -ENAMETOOLONG)
		return ctl_error(ctl, CTL_ERROR_INVALID,
				 "the run directory %s is too long a path for a socket; use a "
				 "shorter one", ctl->run_dir);
	return ctl_error(ctl, CTL_ERROR_NOT_RUNNING,
			 "the policy agent does not answer at %s/%s (%s); start it with "
			 "\"systemctl start ipsec-policy-agent\", or name its run directory with "
			 "--run-dir", ctl->run_dir, POLICY_BUS_SOCKET, strerror(-err));
}

enum ctl_exit ctl_message_error(struct ctl *ctl, int err, const char *why)
{
	if (err == -ENOMEM)
		return ctl_error(ctl, CTL_ERROR_NOT_ENOUGH_MEMORY, "out of memory");
	return ctl_error(ctl, CTL_ERROR_GENERAL,
			 "the policy agent and this program do not understand each other (%s); "
			 "install the same version of both", why && *why ? why : strerror(-err));
}

bool ctl_agent_runs(struct ctl *ctl)
{
	int err = ctl->bus ? 0 : connect_bus(ctl);

	return err != -ENOENT && err != -ECONNREFUSED;
}

static enum ctl_exit call_new(struct ctl *ctl, const char *method, sd_bus_message **ret_message)
{
	int err = sd_bus_message_new_method_call(ctl->bus, ret_message, NULL, POLICY_BUS_PATH,
						 POLICY_BUS_INTERFACE, method);

	return err < 0 ? ctl_message_error(ctl, err, NULL) : CTL_EXIT_OK;
}

/* The agent is told before anything else, so that no call can be taken for one that is meant. */
static enum ctl_exit begin_dry_run(struct ctl *ctl)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	enum ctl_exit ret = call_new(ctl, "BeginDryRun", &message);

	if (!ret)
		ret = ctl_call_send(ctl, message, NULL);
	ctl->is_bus_dry = !ret;
	return ret;
}

enum ctl_exit ctl_call_new(struct ctl *ctl, const char *method, sd_bus_message **ret_message)
{
	int err = ctl->bus ? 0 : connect_bus(ctl);
	enum ctl_exit ret;

	if (err < 0)
		return connect_error(ctl, err);
	ret = ctl->is_dry_run && !ctl->is_bus_dry ? begin_dry_run(ctl) : CTL_EXIT_OK;
	return ret ? ret : call_new(ctl, method, ret_message);
}

/* The number for the name of an error of the agent's own; 0 for another one's. */
static unsigned int error_number(const char *name)
{
	size_t len = strlen(POLICY_BUS_NUMBER);
	uint32_t number;

	if (!strncmp(name, POLICY_BUS_NUMBER, len) && !parse_u32(name + len, &number))
		return number;
	if (!strcmp(name, POLICY_BUS_INVALID))
		return CTL_ERROR_INVALID;
	if (!strcmp(name, POLICY_BUS_DENIED) || !strcmp(name, SD_BUS_ERROR_ACCESS_DENIED))
		return CTL_ERROR_ACCESS_DENIED;
	return !strcmp(name, POLICY_BUS_FAILED) ? CTL_ERROR_GENERAL : 0;
}

unsigned int ctl_fault_number(const struct fault *fault)
{
	return fault->number ?: error_number(fault->name ?: "") ?: CTL_ERROR_GENERAL;
}

/* An error of the agent's own carries its sentence. */
static enum ctl_exit call_error(struct ctl *ctl, int err, const sd_bus_error *error)
{
	const char *name = error->name ?: "", *text = error->message ?: strerror(-err);
	unsigned int number = error_number(name);

	if (number)
		return ctl_error(ctl, number, "%s", text);
	if (!strcmp(name, SD_BUS_ERROR_UNKNOWN_METHOD))
		return ctl_message_error(ctl, err, text);
	if (err == -ETIMEDOUT || !strcmp(name, SD_BUS_ERROR_NO_REPLY))
		return ctl_error(ctl, CTL_ERROR_NOT_RUNNING,
				 "the policy agent did not answer in time; its log says more "
				 "(journalctl -u ipsec-policy-agent)");
	return ctl_error(ctl, CTL_ERROR_NOT_RUNNING, "the link to the policy agent broke: %s", text);
}

enum ctl_exit ctl_call_send(struct ctl *ctl, sd_bus_message *message, sd_bus_message **ret_reply)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int err = sd_bus_call(ctl->bus, message, 0, &error, ret_reply);
	enum ctl_exit ret;

	if (err >= 0)
		return CTL_EXIT_OK;
	ret = call_error(ctl, err, &error);
	/* The next command of a script or a prompt tries again: the agent may have been restarted. */
	if (!error.name || strncmp(error.name, POLICY_BUS_ERROR, strlen(POLICY_BUS_ERROR)) != 0)
		ctl->bus = sd_bus_close_unref(ctl->bus);
	return ret;
}

enum ctl_exit ctl_call(struct ctl *ctl, const char *method, const char *argument,
		       sd_bus_message **ret_reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, method, &message);
	int err;

	if (ret)
		return ret;
	if (argument) {
		err = sd_bus_message_append(message, "s", argument);
		if (err < 0)
			return ctl_message_error(ctl, err, NULL);
	}
	return ctl_call_send(ctl, message, ret_reply);
}

static int read_rows(sd_bus_message *reply, const struct policy_record *record, char **rows,
		     size_t *n, char why[static POLICY_WHY_LEN])
{
	int err = sd_bus_message_enter_container(reply, 'a', "a{sv}");
	size_t room = 0;

	while (err >= 0) {
		if (*n == room) {
			char *more = realloc(*rows, (room * 2 + 16) * record->size);

			if (!more)
				return -ENOMEM;
			room = room * 2 + 16;
			*rows = more;
		}
		err = policy_bus_read_record(reply, record, *rows + *n * record->size, why);
		if (err == 0)
			return sd_bus_message_exit_container(reply);
		(*n) += err > 0;
	}
	return err;
}

enum ctl_exit ctl_read_records(struct ctl *ctl, sd_bus_message *reply,
			       const struct policy_record *record, void **ret_rows, size_t *ret_n)
{
	char why[POLICY_WHY_LEN] = "", *rows = NULL;
	size_t n = 0;
	int err = read_rows(reply, record, &rows, &n, why);

	if (err < 0) {
		ctl_rows_free(record, rows, n);
		return ctl_message_error(ctl, err, why);
	}
	*ret_rows = rows;
	*ret_n = n;
	return CTL_EXIT_OK;
}

enum ctl_exit ctl_read_counters(struct ctl *ctl, sd_bus_message *reply,
				struct ctl_counters *ret_counters)
{
	int err = sd_bus_message_enter_container(reply, 'a', "{st}");
	const char *key;
	uint64_t value;

	ret_counters->n = 0;
	while (err >= 0 && (err = sd_bus_message_read(reply, "{st}", &key, &value)) > 0)
		if (ret_counters->n < CTL_COUNTERS_MAX)
			ret_counters->list[ret_counters->n++] = (struct ctl_counter){ key, key, value };
	if (err >= 0)
		err = sd_bus_message_exit_container(reply);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : CTL_EXIT_OK;
}

enum ctl_exit ctl_list_records(struct ctl *ctl, const char *method, const char *argument,
			       const struct policy_record *record, void **ret_rows, size_t *ret_n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	enum ctl_exit ret = ctl_call(ctl, method, argument, &reply);

	return ret ? ret : ctl_read_records(ctl, reply, record, ret_rows, ret_n);
}

void ctl_rows_free(const struct policy_record *record, void *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		policy_record_clear(record, (char *)rows + i * record->size);
	free(rows);
}

void ctl_list_names(struct ctl *ctl, const char *method, void (*each)(void *data, const char *name),
		    void *data)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	char why[POLICY_WHY_LEN];
	int err;

	if (!ctl->bus && connect_bus(ctl) < 0)
		return;
	if (sd_bus_call_method(ctl->bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE, method, NULL,
			       &reply, "") < 0)
		return;
	err = sd_bus_message_enter_container(reply, 'a', "a{sv}");
	while (err >= 0) {
		_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *mm = NULL;
		_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *qm = NULL;
		bool is_mm = !strcmp(method, "ListMmPolicies");

		err = is_mm ? policy_bus_read_mm_policy(reply, &mm, NULL, why) :
		      policy_bus_read_qm_policy(reply, &qm, NULL, why);
		if (err <= 0)
			return;
		each(data, is_mm ? mm->name : qm->name);
	}
}
