// SPDX-License-Identifier: MIT
#include "ctl/fake_agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/fake_fixture.h"
#include "ctl/fake_stores.h"
#include "policy/bus.h"
#include "policy/runs.h"
#include "policy/text.h"

struct fake_agent {
	pthread_t thread;
	pthread_mutex_t lock;		/* of what follows */
	bool is_empty;
	FILE *log;
	char *log_text;
	size_t log_len;

	int listener;
	bool has_thread;
	sd_bus *bus;			/* the thread's */
	bool is_broken;			/* the link is to be cut without an answer */
	char dir[108];			/* of its socket, and of its stores */
};

static int refuse(sd_bus_message *m, const char *name, const char *text)
{
	return sd_bus_reply_method_errorf(m, name, "%s", text);
}

static int bad_input(sd_bus_message *m, int err, const char *why)
{
	return refuse(m, err == -EINVAL ? POLICY_BUS_INVALID : POLICY_BUS_FAILED, why);
}

__attribute__((format(printf, 2, 3)))
static void note(struct fake_agent *agent, const char *format, ...)
{
	va_list ap;

	pthread_mutex_lock(&agent->lock);
	va_start(ap, format);
	vfprintf(agent->log, format, ap);
	va_end(ap);
	fputc('\n', agent->log);
	pthread_mutex_unlock(&agent->lock);
}

static bool is_empty(struct fake_agent *agent)
{
	bool empty;

	pthread_mutex_lock(&agent->lock);
	empty = agent->is_empty;
	pthread_mutex_unlock(&agent->lock);
	return empty;
}

/* The refusals that names stand for; 0 when there is none. */
static int refuse_name(struct fake_agent *agent, sd_bus_message *m, const char *call,
		       const char *name)
{
	bool is_mm = strstr(call, "MmPolicy"), is_add = !strncmp(call, "Add", 3);
	char error[sizeof(POLICY_BUS_NUMBER) + 8], text[2 * POLICY_NAME_MAX];
	const char *kind = is_mm ? "main" : "quick";

	if (!name)
		return 0;
	if (is_add && !strcmp(name, "mm")) {
		snprintf(error, sizeof(error), POLICY_BUS_NUMBER "%u",
			 is_mm ? POLICY_ERROR_MM_POLICY_EXISTS : POLICY_ERROR_QM_POLICY_EXISTS);
		snprintf(text, sizeof(text), "the %s mode policy \"%s\" exists already; "
			 "use set to change it", kind, name);
		return refuse(m, error, text);
	}
	if (!strcmp(name, "used")) {
		snprintf(error, sizeof(error), POLICY_BUS_NUMBER "%u",
			 is_mm ? POLICY_ERROR_MM_POLICY_IN_USE : POLICY_ERROR_QM_POLICY_IN_USE);
		snprintf(text, sizeof(text), "a rule uses the %s mode policy \"%s\"; "
			 "delete the rule first", kind, name);
		return refuse(m, error, text);
	}
	if (!strcmp(name, "missing")) {
		snprintf(error, sizeof(error), POLICY_BUS_NUMBER "%u",
			 is_mm ? POLICY_ERROR_MM_POLICY_NOT_FOUND :
			 POLICY_ERROR_QM_POLICY_NOT_FOUND);
		snprintf(text, sizeof(text), "there is no %s mode policy \"%s\"; "
			 "add it first", kind, name);
		return refuse(m, error, text);
	}
	if (!strcmp(name, "denied"))
		return refuse(m, POLICY_BUS_DENIED, "only root may change policy; run this as root");
	if (!strcmp(name, "broken")) {
		agent->is_broken = true;
		return 1;
	}
	return 0;
}

static int reply_done(sd_bus_message *m)
{
	return sd_bus_reply_method_return(m, "");
}

static int on_mm_policy(sd_bus_message *m, void *data, sd_bus_error *error)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	const char *call = sd_bus_message_get_member(m);
	_cleanup_free_ char *text = NULL;
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;
	size_t len;
	FILE *file;
	int err;

	(void)error;
	err = policy_bus_read_mm_policy(m, &policy, &given, why);
	if (err <= 0)
		return bad_input(m, err, why);
	err = refuse_name(data, m, call, policy->name);
	if (err)
		return err;
	file = open_memstream(&text, &len);
	if (!file)
		return -ENOMEM;
	policy_mm_policy_print(file, policy);
	(void)fclose(file);
	note(data, "%s %s (fields 0x%x)", call, text, given);
	return reply_done(m);
}

static int on_qm_policy(sd_bus_message *m, void *data, sd_bus_error *error)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	const char *call = sd_bus_message_get_member(m);
	_cleanup_free_ char *text = NULL;
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;
	size_t len;
	FILE *file;
	int err;

	(void)error;
	err = policy_bus_read_qm_policy(m, &policy, &given, why);
	if (err <= 0)
		return bad_input(m, err, why);
	err = refuse_name(data, m, call, policy->name);
	if (err)
		return err;
	file = open_memstream(&text, &len);
	if (!file)
		return -ENOMEM;
	policy_qm_policy_print(file, policy);
	(void)fclose(file);
	note(data, "%s %s (fields 0x%x)", call, text, given);
	return reply_done(m);
}

static int on_rule(sd_bus_message *m, void *data, sd_bus_error *error)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	const char *call = sd_bus_message_get_member(m);
	_cleanup_free_ char *text = NULL;
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;
	int err;

	(void)error;
	err = policy_bus_read_rule(m, &rule, &given, why);
	if (err <= 0)
		return bad_input(m, err, why);
	if (!given) {
		note(data, "%s all", call);
		return reply_done(m);
	}
	if (rule->mm_policy) {
		err = refuse_name(data, m, "UseMmPolicy", rule->mm_policy);
		if (err)
			return err;
	}
	text = policy_rule_to_text(rule, true);
	note(data, "%s %s (fields 0x%x)", call, text, given);
	return reply_done(m);
}

static int on_delete_policy(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *call = sd_bus_message_get_member(m), *name;
	int err = sd_bus_message_read(m, "s", &name);

	(void)error;
	if (err < 0)
		return err;
	err = refuse_name(data, m, call, name);
	if (err)
		return err;
	note(data, "%s \"%s\"", call, name);
	return reply_done(m);
}

static int on_delete_all(sd_bus_message *m, void *data, sd_bus_error *error)
{
	(void)error;
	note(data, "%s", sd_bus_message_get_member(m));
	return reply_done(m);
}

static int on_try_begin(sd_bus_message *m, void *data, sd_bus_error *error)
{
	uint32_t seconds;
	int err = sd_bus_message_read(m, "u", &seconds);

	(void)error;
	if (err < 0)
		return err;
	note(data, "TryBegin %u", seconds);
	return reply_done(m);
}

static int on_set_config(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *property, *value;
	int err = sd_bus_message_read(m, "ss", &property, &value);

	(void)error;
	if (err < 0)
		return err;
	note(data, "SetConfig %s \"%s\"", property, value);
	return reply_done(m);
}

static void print_runs(FILE *file, const struct policy_runs *runs)
{
	for (size_t i = 0; i < runs->n_mms; i++) {
		fputs("\n  ", file);
		policy_mm_policy_print(file, runs->mms[i]);
	}
	for (size_t i = 0; i < runs->n_qms; i++) {
		fputs("\n  ", file);
		policy_qm_policy_print(file, runs->qms[i]);
	}
	for (size_t i = 0; i < runs->n_rules; i++) {
		fputs("\n  ", file);
		policy_rule_print(file, runs->rules[i], true);
	}
}

static int on_add_runs(sd_bus_message *m, void *data, sd_bus_error *error)
{
	_cleanup_(policy_runs_clear) struct policy_runs runs = { .n_mms = 0 };
	_cleanup_free_ char *text = NULL;
	char why[POLICY_WHY_LEN];
	uint32_t flags;
	size_t len;
	FILE *file;
	int err = sd_bus_message_read(m, "u", &flags);

	(void)error;
	if (err >= 0)
		err = policy_bus_read_runs(m, &runs, why);
	if (err < 0)
		return bad_input(m, err, why);
	file = open_memstream(&text, &len);
	if (!file)
		return -ENOMEM;
	print_runs(file, &runs);
	if (fclose(file) != 0)
		return -ENOMEM;
	note(data, "AddRuns%s%s%s", flags & POLICY_RUNS_VOLATILE ? " volatile" : "",
	     flags & POLICY_RUNS_REPLACE ? " replace" : "", text);
	return reply_done(m);
}

/* The answer of a method that shows something; @append fills it from the fixture. */
static int reply_with(sd_bus_message *m, struct fake_agent *agent,
		      int (*append)(sd_bus_message *reply, sd_bus_message *call, bool is_empty))
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int err = sd_bus_message_new_method_return(m, &reply);

	if (err >= 0)
		err = append(reply, m, is_empty(agent));
	return err < 0 ? err : sd_bus_send(agent->bus, reply, NULL);
}

static int on_show(sd_bus_message *m, void *data, sd_bus_error *error)
{
	(void)error;
	return reply_with(m, data, fake_fixture_append);
}

static int on_store_explain(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *store, *policy;
	int err = sd_bus_message_read(m, "ss", &store, &policy);

	if (err < 0)
		return err;
	note(data, "StoreExplain %s \"%s\"", store, policy);
	return on_show(m, data, error);
}

static int on_store(sd_bus_message *m, void *data, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct fake_agent *agent = data;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	int err;

	(void)error;
	if (!file)
		return -ENOMEM;
	err = fake_stores_answer(m, agent->dir, file, &reply);
	(void)fclose(file);
	if (err < 0)
		return err;
	note(agent, "%.*s", (int)len - 1, text);
	return sd_bus_send(agent->bus, reply, NULL);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("AddMmPolicy", "a{sv}", "", on_mm_policy, 0),
	SD_BUS_METHOD("SetMmPolicy", "a{sv}", "", on_mm_policy, 0),
	SD_BUS_METHOD("DeleteMmPolicy", "s", "", on_delete_policy, 0),
	SD_BUS_METHOD("ListMmPolicies", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("AddQmPolicy", "a{sv}", "", on_qm_policy, 0),
	SD_BUS_METHOD("SetQmPolicy", "a{sv}", "", on_qm_policy, 0),
	SD_BUS_METHOD("DeleteQmPolicy", "s", "", on_delete_policy, 0),
	SD_BUS_METHOD("ListQmPolicies", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("AddRule", "a{sv}", "", on_rule, 0),
	SD_BUS_METHOD("SetRule", "a{sv}", "", on_rule, 0),
	SD_BUS_METHOD("DeleteRule", "a{sv}", "", on_rule, 0),
	SD_BUS_METHOD("ListRules", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("DeleteAll", "", "", on_delete_all, 0),
	SD_BUS_METHOD("AddRuns", "u" POLICY_RUNS_SIGNATURE, "", on_add_runs, 0),
	SD_BUS_METHOD("DeleteRuns", "", "", on_delete_all, 0),
	SD_BUS_METHOD("ListMmFilters", "s", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("ListQmFilters", "s", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("ListDriverDifferences", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("ListMmSas", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("ListQmSas", "", "aa{sv}", on_show, 0),
	SD_BUS_METHOD("GetStatistics", "", "a{st}a{st}a{st}", on_show, 0),
	SD_BUS_METHOD("GetConfig", "", "a{sv}", on_show, 0),
	SD_BUS_METHOD("SetConfig", "ss", "", on_set_config, 0),
	SD_BUS_METHOD("Explain", "a{sv}", "a{sv}", on_show, 0),
	SD_BUS_METHOD("GetStatus", "", "a{sv}aa{sv}aa{sv}a{st}", on_show, 0),
	SD_BUS_METHOD("StoreApply", "sua(ssa{sv})", "a(us)", on_store, 0),
	SD_BUS_METHOD("StoreRead", "sa{sv}", "a(sa{sv})", on_store, 0),
	SD_BUS_METHOD("GetStores", "", "aa{sv}", on_store, 0),
	SD_BUS_METHOD("StoreExplain", "ssa{sv}", "a{sv}", on_store_explain, 0),
	SD_BUS_METHOD("BeginDryRun", "", "", on_delete_all, 0),
	SD_BUS_METHOD("GetDryRun", "", "a{sv}", on_show, 0),
	SD_BUS_METHOD("TryBegin", "u", "", on_try_begin, 0),
	SD_BUS_METHOD("TryConfirm", "", "", on_delete_all, 0),
	SD_BUS_METHOD("TryEnd", "", "", on_delete_all, 0),
	SD_BUS_VTABLE_END,
};

static int serve(struct fake_agent *agent, int fd)
{
	sd_bus *bus = NULL;
	sd_id128_t id;
	int err = sd_bus_new(&bus);

	agent->bus = bus;
	agent->is_broken = false;
	if (err >= 0)
		err = sd_bus_set_fd(bus, fd, fd);
	if (err < 0)
		(void)close(fd);
	if (err >= 0)
		err = sd_id128_randomize(&id);
	if (err >= 0)
		err = sd_bus_set_server(bus, 1, id);
	if (err >= 0)
		err = sd_bus_add_object_vtable(bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
					       vtable, agent);
	if (err >= 0)
		err = sd_bus_start(bus);
	while (err >= 0 && !agent->is_broken) {
		err = sd_bus_process(bus, NULL);
		if (err == 0)
			err = sd_bus_wait(bus, UINT64_MAX);
	}
	if (!agent->is_broken)
		sd_bus_flush(bus);
	sd_bus_close_unref(bus);
	return err;
}

static void *run(void *data)
{
	struct fake_agent *agent = data;

	for (;;) {
		int fd = accept4(agent->listener, NULL, NULL, SOCK_CLOEXEC);

		/* shutdown() of the listener ends the thread */
		if (fd < 0)
			return NULL;
		(void)serve(agent, fd);
	}
}

struct fake_agent *fake_agent_new(const char *run_dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fake_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	pthread_mutex_init(&agent->lock, NULL);
	agent->log = open_memstream(&agent->log_text, &agent->log_len);
	agent->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(agent->dir, sizeof(agent->dir), "%s", run_dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" POLICY_BUS_SOCKET, run_dir);
	(void)unlink(addr.sun_path);	/* that of one which is no longer */
	if (!agent->log || agent->listener < 0 ||
	    bind(agent->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(agent->listener, 8) < 0)
		return fake_agent_free(agent);
	agent->has_thread = !pthread_create(&agent->thread, NULL, run, agent);
	return agent->has_thread ? agent : fake_agent_free(agent);
}

struct fake_agent *fake_agent_free(struct fake_agent *agent)
{
	if (!agent)
		return NULL;
	if (agent->has_thread) {
		shutdown(agent->listener, SHUT_RDWR);
		pthread_join(agent->thread, NULL);
	}
	if (agent->listener >= 0)
		(void)close(agent->listener);
	if (agent->log)
		(void)fclose(agent->log);
	free(agent->log_text);
	pthread_mutex_destroy(&agent->lock);
	free(agent);
	return NULL;
}

void fake_agent_set_empty(struct fake_agent *agent, int is_empty)
{
	pthread_mutex_lock(&agent->lock);
	agent->is_empty = is_empty;
	pthread_mutex_unlock(&agent->lock);
}

char *fake_agent_take_log(struct fake_agent *agent)
{
	char *text;

	pthread_mutex_lock(&agent->lock);
	(void)fclose(agent->log);
	text = agent->log_text;
	agent->log = open_memstream(&agent->log_text, &agent->log_len);
	pthread_mutex_unlock(&agent->lock);
	return text;
}
