// SPDX-License-Identifier: MIT
#include "ctl/fake_stores.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "policy/bus.h"
#include "policy/record.h"
#include "store/bus.h"
#include "store/store.h"
#include "store/text.h"

#define PATH_LEN 512

static int refuse(sd_bus_message *m, const struct fault *fault, sd_bus_message **ret_reply)
{
	char name[sizeof(POLICY_BUS_NUMBER) + 12];

	snprintf(name, sizeof(name), POLICY_BUS_NUMBER "%u", (unsigned int)fault->number);
	return sd_bus_message_new_method_errorf(m, ret_reply, fault->number ? name : fault->name,
						"%s", fault->text);
}

static int open_store(const char *dir, enum store_location location, struct store **ret_store,
		      struct fault *fault)
{
	unsigned int flags = STORE_OPEN_WRITE | STORE_OPEN_CREATE;
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, store_location_file(location));
	if (location != STORE_LOCATION_LOCAL)
		flags |= STORE_OPEN_EMPTY;
	return store_open(path, flags, ret_store, fault);
}

static uint32_t number_of(const struct fault *fault)
{
	if (fault->number)
		return fault->number;
	return !strcmp(fault->name, POLICY_BUS_INVALID) ? CTL_ERROR_INVALID : CTL_ERROR_GENERAL;
}

/* One change of a message that has been entered; 0 at the end. */
static int apply_one(sd_bus_message *m, sd_bus_message *reply, struct store *store, FILE *log,
		     bool *is_refused)
{
	struct fault fault = { .text = "" };
	char why[POLICY_WHY_LEN];
	struct store_change change;
	int err = store_bus_read_change(m, &change, why);

	if (err <= 0)
		return err;
	fputs("  ", log);
	store_change_print(log, &change, true);
	fputc('\n', log);
	err = store_apply(store, &change, &fault);
	store_change_clear(&change);
	*is_refused |= err < 0;
	err = sd_bus_message_append(reply, "(us)", err < 0 ? number_of(&fault) : 0,
				    err < 0 ? fault.text : "");
	return err < 0 ? err : 1;
}

static int apply(sd_bus_message *m, sd_bus_message *reply, const char *dir, FILE *log,
		 struct fault *fault)
{
	_cleanup_(store_closep) struct store *store = NULL;
	enum store_location location;
	bool is_refused = false;
	const char *name;
	uint32_t flags;
	int err = sd_bus_message_read(m, "su", &name, &flags);

	if (err < 0 || store_location_parse(name, &location) < 0)
		return fault_invalid(fault, "no such store");
	fprintf(log, "StoreApply %s%s%s\n", name, flags & STORE_APPLY_ALL ? ", all or none" : "",
		flags & STORE_APPLY_DRY_RUN ? ", dry run" : "");
	err = open_store(dir, location, &store, fault);
	if (!err)
		err = store_begin(store, fault);
	if (err < 0)
		return err;
	err = sd_bus_message_enter_container(m, 'a', "(ssa{sv})");
	if (err >= 0)
		err = sd_bus_message_open_container(reply, 'a', "(us)");
	do
		err = err < 0 ? err : apply_one(m, reply, store, log, &is_refused);
	while (err > 0);
	if (err >= 0)
		err = sd_bus_message_close_container(reply);
	if (err < 0)
		return fault_invalid(fault, "a change that cannot be read");
	if (flags & STORE_APPLY_DRY_RUN || (flags & STORE_APPLY_ALL && is_refused))
		return 0;
	return store_commit(store, fault);
}

static int read_store(sd_bus_message *m, sd_bus_message *reply, const char *dir, FILE *log,
		      struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	enum store_location location;
	char why[POLICY_WHY_LEN];
	struct store_query query;
	const char *name;
	int err = sd_bus_message_read(m, "s", &name);

	if (err < 0 || store_location_parse(name, &location) < 0 ||
	    store_bus_read_query(m, &query, why) < 0)
		return fault_invalid(fault, "no such store or query");
	fprintf(log, "StoreRead %s%s%s%s%s\n", name, query.policy ? ", policy " : "",
		query.policy ?: "", query.only_assigned ? ", only assigned" : "",
		query.without_filters ? ", without filters" : "");
	err = open_store(dir, location, &store, fault);
	if (!err)
		err = store_read(store, &query, &content, fault);
	if (err < 0)
		return err;
	err = store_bus_append_content(reply, content);
	return err < 0 ? fault_no_memory(fault) : 0;
}

static int append_store(sd_bus_message *reply, const char *dir, enum store_location location,
			struct fault *fault)
{
	const struct store_query query = { .only_assigned = true };
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	struct policy_store_info info = {
		.store = store_location_name(location),
		.file = store_location_file(location),
		.polling_minutes = STORE_POLLING_MINUTES,
		.writable = true,
	};
	const struct store_policy *policy;
	int err = open_store(dir, location, &store, fault);

	if (!err)
		err = store_read(store, &query, &content, fault);
	if (err < 0)
		return err;
	policy = store_content_assigned(content);
	if (policy) {
		info.policy = policy->head.name;
		info.in_force = true;
		info.rules = (uint32_t)policy->n_rules;
		info.polling_minutes = policy->polling_minutes;
	}
	err = policy_bus_append_record(reply, &policy_store_record, &info);
	return err < 0 ? fault_no_memory(fault) : 0;
}

static int get_stores(sd_bus_message *m, sd_bus_message *reply, const char *dir, FILE *log,
		      struct fault *fault)
{
	int err = sd_bus_message_open_container(reply, 'a', "a{sv}");

	(void)m;
	fputs("GetStores\n", log);
	if (err < 0)
		return fault_no_memory(fault);
	err = append_store(reply, dir, STORE_LOCATION_PERSISTENT, fault) ?:
	      append_store(reply, dir, STORE_LOCATION_LOCAL, fault);
	if (!err && sd_bus_message_close_container(reply) < 0)
		return fault_no_memory(fault);
	return err;
}

int fake_stores_answer(sd_bus_message *m, const char *dir, FILE *log, sd_bus_message **ret_reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *call = sd_bus_message_get_member(m);
	struct fault fault = { .text = "" };
	int err = sd_bus_message_new_method_return(m, &reply);

	if (err < 0)
		return err;
	err = !strcmp(call, "StoreApply") ? apply(m, reply, dir, log, &fault) :
	      !strcmp(call, "StoreRead") ? read_store(m, reply, dir, log, &fault) :
	      get_stores(m, reply, dir, log, &fault);
	if (err < 0)
		return refuse(m, &fault, ret_reply);
	*ret_reply = TAKE_PTR(reply);
	return 0;
}

void fake_stores_remove(const char *dir)
{
	static const enum store_location locations[] = {
		STORE_LOCATION_PERSISTENT, STORE_LOCATION_LOCAL,
	};
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char path[PATH_LEN];

	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		for (size_t j = 0; j < sizeof(tails) / sizeof(tails[0]); j++) {
			snprintf(path, sizeof(path), "%s/%s%s", dir,
				 store_location_file(locations[i]), tails[j]);
			(void)unlink(path);
		}
	}
}
