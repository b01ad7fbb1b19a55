// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/stores_link.h"

static int append_changes(sd_bus_message *message, const struct store_change *changes, size_t n)
{
	int err = sd_bus_message_open_container(message, 'a', "(ssa{sv})");

	for (size_t i = 0; err >= 0 && i < n; i++)
		err = store_bus_append_change(message, &changes[i]);
	return err < 0 ? err : sd_bus_message_close_container(message);
}

static int read_outcomes(sd_bus_message *reply, struct store_outcome *outcomes, size_t n)
{
	int err = sd_bus_message_enter_container(reply, 'a', "(us)");
	const char *text;
	uint32_t number;

	for (size_t i = 0; err >= 0 && i < n; i++) {
		err = sd_bus_message_read(reply, "(us)", &number, &text);
		if (err == 0)
			return -EBADMSG;
		if (err < 0)
			break;
		outcomes[i].number = number;
		outcomes[i].text = number ? strdup(text) : NULL;
		if (number && !outcomes[i].text)
			return -ENOMEM;
	}
	return err < 0 ? err : 0;
}

enum ctl_exit ctl_stores_apply_by_agent(struct ctl *ctl, enum store_location location,
					unsigned int flags, const struct store_change *changes,
					size_t n, struct store_outcome *outcomes)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL, *reply = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, "StoreApply", &message);
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_sensitive(message);
	if (err >= 0)
		err = sd_bus_message_append(message, "su", store_location_name(location), flags);
	if (err >= 0)
		err = append_changes(message, changes, n);
	if (err < 0)
		return ctl_message_error(ctl, err, NULL);
	ret = ctl_call_send(ctl, message, &reply);
	if (ret)
		return ret;
	err = read_outcomes(reply, outcomes, n);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : CTL_EXIT_OK;
}

enum ctl_exit ctl_stores_read_by_agent(struct ctl *ctl, enum store_location location,
				       const struct store_query *query,
				       struct store_content **ret_content)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL, *reply = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, "StoreRead", &message);
	char why[POLICY_WHY_LEN] = "";
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_append(message, "s", store_location_name(location));
	if (err >= 0)
		err = store_bus_append_query(message, query);
	if (err < 0)
		return ctl_message_error(ctl, err, NULL);
	ret = ctl_call_send(ctl, message, &reply);
	if (ret)
		return ret;
	err = store_bus_read_content(reply, ret_content, why);
	return err < 0 ? ctl_message_error(ctl, err, why) : CTL_EXIT_OK;
}
