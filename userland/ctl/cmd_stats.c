// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/types.h"
#include "policy/bus.h"

static const struct ctl_tag show_tags[] = {
	{ "type", &ctl_type_stats_type, 0, "all", "which statistics" },
};

/* The order and the labels of @table; what it does not know comes after, under its key. */
static void sort_group(struct ctl_counters *group, const struct policy_counter *table,
		       size_t n_table)
{
	size_t at = 0;

	for (size_t i = 0; i < n_table; i++) {
		for (size_t j = at; j < group->n; j++) {
			struct ctl_counter found = group->list[j];

			if (strcmp(found.key, table[i].key) != 0)
				continue;
			memmove(&group->list[at + 1], &group->list[at], (j - at) * sizeof(found));
			found.label = table[i].label;
			group->list[at++] = found;
			break;
		}
	}
}

static enum ctl_exit print_ike(struct ctl *ctl, struct ctl_counters *ike)
{
	if (!ike->n && !ctl->json) {
		print_title(ctl->out, "IKE Statistics");
		fputs("The IKE service is not running.\n", ctl->out);
		return CTL_EXIT_OK;
	}
	sort_group(ike, policy_ike_counters, policy_n_ike_counters);
	return ctl_print_counters(ctl, "ike", "IKE Statistics", ike->list, ike->n);
}

static enum ctl_exit print_ipsec(struct ctl *ctl, struct ctl_counters *ipsec,
				 struct ctl_counters *drops)
{
	enum ctl_exit ret;

	sort_group(ipsec, policy_ipsec_counters, policy_n_ipsec_counters);
	ret = ctl_print_counters(ctl, "ipsec", "IPSec Statistics", ipsec->list, ipsec->n);
	if (ret)
		return ret;
	if (!ctl->json) {
		/* in JSON all reasons */
		ctl_drop_zeros(drops);
		if (!drops->n)
			return CTL_EXIT_OK;
		fputc('\n', ctl->out);
	}
	return ctl_print_counters(ctl, "drops", "Packets Dropped", drops->list, drops->n);
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ struct ctl_counters *groups = calloc(3, sizeof(*groups));
	const char *type = ctl_args_get(args, "type") ?: "all";
	bool with_ike = strcasecmp(type, "ipsec") != 0, with_ipsec = strcasecmp(type, "ike") != 0;
	enum ctl_exit ret = ctl_call(ctl, "GetStatistics", NULL, &reply);

	if (!ret && !groups)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; !ret && i < 3; i++)
		ret = ctl_read_counters(ctl, reply, &groups[i]);
	if (ret)
		return ret;
	if (with_ike)
		ret = print_ike(ctl, &groups[0]);
	if (!ret && with_ike && with_ipsec && !ctl->json)
		fputc('\n', ctl->out);
	return ret || !with_ipsec ? ret : print_ipsec(ctl, &groups[1], &groups[2]);
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic show stats",
		.text = "print statistics of IKE and of the driver",
		.remarks = "Behind the IPsec statistics come the numbers of packets dropped, by "
			   "reason; ipsecdrv(7) explains the reasons.",
		.examples = "  dynamic show stats type=ipsec\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_stats_set = CTL_COMMAND_SET(commands);
