// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/stores_link.h"

#define PATH_LEN 512

static enum ctl_exit fault_error(struct ctl *ctl, const struct fault *fault)
{
	return ctl_error(ctl, ctl_fault_number(fault), "%s", fault->text);
}

/*
 * Which files belong to the agent that does not answer is known for the usual one only: to change
 * those of another would be worse than to refuse.
 */
static enum ctl_exit store_path(struct ctl *ctl, enum store_location location,
				char path[static PATH_LEN])
{
	const char *file = store_location_file(location), *dir = ctl->state_dir;
	int len;

	if (!file)
		return ctl_error(ctl, CTL_ERROR_NOT_RUNNING,
				 "the %s store is not a file, only the policy agent knows it; start it "
				 "with \"systemctl start ipsec-policy-agent\"",
				 store_location_name(location));
	if (!dir && strcmp(ctl->run_dir, CTL_RUN_DIR) != 0)
		return ctl_error(ctl, CTL_ERROR_NOT_RUNNING,
				 "the policy agent does not answer at %s/%s; start it, or name the "
				 "directory of its stores with --state-dir", ctl->run_dir,
				 POLICY_BUS_SOCKET);
	len = snprintf(path, PATH_LEN, "%s/%s", dir ?: CTL_STATE_DIR, file);
	if (len >= PATH_LEN)
		return ctl_error(ctl, CTL_ERROR_INVALID, "the path of the state directory is too "
				 "long; use a shorter one");
	return CTL_EXIT_OK;
}

static enum ctl_exit open_for_changes(struct ctl *ctl, enum store_location location,
				      struct store **store)
{
	unsigned int flags = STORE_OPEN_WRITE | STORE_OPEN_CREATE;
	struct fault fault = { .number = 0 };
	char path[PATH_LEN];
	enum ctl_exit ret;

	if (*store)
		return CTL_EXIT_OK;
	ret = store_path(ctl, location, path);
	if (ret)
		return ret;
	/* the examples are for the local store, as in the original */
	if (location != STORE_LOCATION_LOCAL)
		flags |= STORE_OPEN_EMPTY;
	return store_open(path, flags, store, &fault) < 0 ? fault_error(ctl, &fault) : CTL_EXIT_OK;
}

/* Whether the transaction is to be committed. */
static bool apply(struct store *store, unsigned int flags, const struct store_change *changes,
		  size_t n, struct store_outcome *outcomes)
{
	bool is_refused = false;

	for (size_t i = 0; i < n; i++) {
		struct fault fault = { .number = 0 };

		if (!store_apply(store, &changes[i], &fault))
			continue;
		outcomes[i].number = ctl_fault_number(&fault);
		outcomes[i].text = strdup(fault.text);
		is_refused = true;
		if (flags & STORE_APPLY_ALL)
			break;
	}
	return !(flags & STORE_APPLY_DRY_RUN) && !(is_refused && flags & STORE_APPLY_ALL);
}

enum ctl_exit ctl_stores_apply_to_file(struct ctl *ctl, enum store_location location,
				       unsigned int flags, const struct store_change *changes,
				       size_t n, struct store_outcome *outcomes,
				       struct store **store)
{
	enum ctl_exit ret = open_for_changes(ctl, location, store);
	struct fault fault = { .number = 0 };

	if (ret)
		return ret;
	if (store_begin(*store, &fault) < 0)
		return fault_error(ctl, &fault);
	if (!apply(*store, flags, changes, n, outcomes)) {
		store_rollback(*store);
		return CTL_EXIT_OK;
	}
	return store_commit(*store, &fault) < 0 ? fault_error(ctl, &fault) : CTL_EXIT_OK;
}

enum ctl_exit ctl_stores_read_file(struct ctl *ctl, enum store_location location,
				   const struct store_query *query,
				   struct store_content **ret_content)
{
	_cleanup_(store_closep) struct store *store = NULL;
	struct fault fault = { .number = 0 };
	char path[PATH_LEN];
	enum ctl_exit ret = store_path(ctl, location, path);
	int err;

	if (ret)
		return ret;
	err = store_open(path, STORE_OPEN_READ, &store, &fault);
	if (err == -ENOENT) {
		*ret_content = store_content_new();
		return *ret_content ? CTL_EXIT_OK : ctl_message_error(ctl, -ENOMEM, NULL);
	}
	if (!err)
		err = store_read(store, query, ret_content, &fault);
	return err < 0 ? fault_error(ctl, &fault) : CTL_EXIT_OK;
}
