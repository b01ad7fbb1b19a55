// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <strings.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/select.h"
#include "ctl/types.h"
#include "policy/bus.h"

#define FILTER_TAGS								\
	{ "name", &ctl_type_name, 0, "all", "name of the filter; or the word all" }, \
	{ "type", &ctl_type_filter_type, 0, "generic",				\
	  "as the rules say, or with addresses filled in as the driver has them" }, \
	{ "srcaddr", &ctl_type_address, 0, NULL, "only filters with this source address" }, \
	{ "dstaddr", &ctl_type_address, 0, NULL, "only filters with this destination address" }, \
	{ "srcmask", &ctl_type_mask, 0, "one host", "mask of srcaddr" },	\
	{ "dstmask", &ctl_type_mask, 0, "one host", "mask of dstaddr" }

static const struct ctl_tag mm_tags[] = {
	FILTER_TAGS,
	CTL_TAG_RESOLVEDNS,
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

static const struct ctl_tag qm_tags[] = {
	FILTER_TAGS,
	{ "protocol", &ctl_type_protocol, 0, NULL, "only filters with this protocol" },
	{ "srcport", &ctl_type_port, 0, NULL, "only filters with this source port" },
	{ "dstport", &ctl_type_port, 0, NULL, "only filters with this destination port" },
	{ "actioninbound", &ctl_type_action, 0, NULL, "only filters with this action" },
	{ "actionoutbound", &ctl_type_action, 0, NULL, "only filters with this action" },
	CTL_TAG_RESOLVEDNS,
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

static const struct column mm_columns[] = {
	{ "Filter Name", "name", NULL, COLUMN_BOTH },
	{ "Type", "type", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy Layer", "layer", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy", "policy", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Overruled By Layer", "overruledby", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Mirrored", "mirrored", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Connection Type", "conntype", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Authentication Methods", "auth", NULL, COLUMN_BOTH },
	{ "MM Policy", "mmpolicy", NULL, COLUMN_BOTH },
};

static const struct column mm_specific_columns[] = {
	{ "Filter Name", "name", NULL, COLUMN_BOTH },
	{ "Type", "type", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy Layer", "layer", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy", "policy", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Direction", "direction", NULL, COLUMN_BOTH },
	{ "Weight", "weight", NULL, COLUMN_BOTH },
	{ "Connection Type", "conntype", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Authentication Methods", "auth", NULL, COLUMN_BOTH },
	{ "MM Policy", "mmpolicy", NULL, COLUMN_BOTH },
};

static const struct column qm_columns[] = {
	{ "Filter Name", "name", NULL, COLUMN_BOTH },
	{ "Type", "type", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy Layer", "layer", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy", "policy", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Overruled By Layer", "overruledby", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Tunnel Source", "tunnelsrcaddress", NULL, COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Tunnel Destination", "tunneldstaddress", NULL,
	  COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Protocol", "protocol", NULL, COLUMN_BOTH },
	{ "Src Port", "srcport", NULL, COLUMN_BOTH },
	{ "Dst Port", "dstport", NULL, COLUMN_BOTH },
	{ "Mirrored", "mirrored", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Connection Type", "conntype", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Interface", "interface", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Quick Mode Policy", "qmpolicy", NULL, COLUMN_BOTH },
	{ "Inbound Action", "actioninbound", NULL, COLUMN_BOTH },
	{ "Outbound Action", "actionoutbound", NULL, COLUMN_BOTH },
};

static const struct column qm_specific_columns[] = {
	{ "Filter Name", "name", NULL, COLUMN_BOTH },
	{ "Type", "type", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy Layer", "layer", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy", "policy", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Filter ID", "id", NULL, COLUMN_BOTH },
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Tunnel Source", "tunnelsrcaddress", NULL, COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Tunnel Destination", "tunneldstaddress", NULL,
	  COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Protocol", "protocol", NULL, COLUMN_BOTH },
	{ "Src Port", "srcport", NULL, COLUMN_BOTH },
	{ "Dst Port", "dstport", NULL, COLUMN_BOTH },
	{ "Direction", "direction", NULL, COLUMN_BOTH },
	{ "Weight", "weight", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Connection Type", "conntype", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Interface", "interface", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Quick Mode Policy", "qmpolicy", NULL, COLUMN_BOTH },
	{ "Inbound Action", "actioninbound", NULL, COLUMN_BOTH },
	{ "Outbound Action", "actionoutbound", NULL, COLUMN_BOTH },
	{ "Inbound Hits", "hitsinbound", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Outbound Hits", "hitsoutbound", NULL, COLUMN_LIST | COLUMN_WIDE },
};

static const struct view mm_views[] = {
	{
		.name = "mmfilters",
		.title = "Main Mode Filters: Generic",
		.none = "There are no generic main mode filters.",
		.record = &policy_mm_filter_record,
		VIEW_COLUMNS(mm_columns),
	},
	{
		.name = "mmfilters_specific",
		.title = "Main Mode Filters: Specific",
		.none = "There are no specific main mode filters.",
		.record = &policy_mm_filter_record,
		VIEW_COLUMNS(mm_specific_columns),
	},
};

static const struct view qm_views[] = {
	{
		.name = "qmfilters",
		.title = "Quick Mode Filters: Generic",
		.none = "There are no generic quick mode filters.",
		.record = &policy_qm_filter_record,
		VIEW_COLUMNS(qm_columns),
	},
	{
		.name = "qmfilters_specific",
		.title = "Quick Mode Filters: Specific",
		.none = "There are no specific quick mode filters.",
		.record = &policy_qm_filter_record,
		VIEW_COLUMNS(qm_specific_columns),
	},
};

/* @views: generic, specific. */
static enum ctl_exit show(struct ctl *ctl, const struct ctl_args *args, const char *method,
			  const struct view *views, unsigned int not_found)
{
	const char *type = ctl_args_get(args, "type");
	bool is_specific = type && !strcasecmp(type, "specific");
	const char *name = args->has_all ? NULL : ctl_args_get(args, "name");
	const struct view *view = &views[is_specific];
	struct layout layout = ctl_layout(args);
	void *rows = NULL;
	size_t n = 0, selected;
	enum ctl_exit ret;

	ret = ctl_list_records(ctl, method, is_specific ? "specific" : "generic", view->record,
			       &rows, &n);
	selected = n;
	if (!ret)
		ret = ctl_select_rows(ctl, args, view->record, rows, &selected);
	if (!ret && name && !selected)
		ret = ctl_error(ctl, not_found, "there is no filter \"%s\" that matches; "
				"the same command with all lists those that there are", name);
	else if (!ret)
		ret = ctl_print_view(ctl, &layout, view, rows, selected);
	ctl_rows_free(view->record, rows, n);
	return ret;
}

static enum ctl_exit run_mm(struct ctl *ctl, const struct ctl_args *args)
{
	return show(ctl, args, "ListMmFilters", mm_views, POLICY_ERROR_MM_FILTER_NOT_FOUND);
}

static enum ctl_exit run_qm(struct ctl *ctl, const struct ctl_args *args)
{
	return show(ctl, args, "ListQmFilters", qm_views, POLICY_ERROR_TRANSPORT_FILTER_NOT_FOUND);
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic show mmfilter",
		.text = "print main mode filters: whom IKE speaks with, and how",
		.examples = "  dynamic show mmfilter all\n"
			    "  dynamic show mmfilter all type=specific format=table\n",
		CTL_TAGS(mm_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_mm,
	},
	{
		.path = "dynamic show qmfilter",
		.text = "print quick mode filters: what happens to packets",
		.remarks = "Specific filters are listed in the order in which the driver tries them.",
		.examples = "  dynamic show qmfilter all\n"
			    "  dynamic show qmfilter all type=specific protocol=TCP\n",
		CTL_TAGS(qm_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_qm,
	},
};

const struct ctl_command_set ctl_filter_set = CTL_COMMAND_SET(commands);
