// SPDX-License-Identifier: MIT
#include "ctl/static.h"

static const struct ctl_tag add_tags[] = {
	TAG_REQUIRED("filterlist", filterlist, "list that it is added to; made if need be"),
	TAG_REQUIRED("srcaddr", address, "source address"),
	TAG_REQUIRED("dstaddr", address, "destination address"),
	TAG("description", text, "free text"),
	TAG_DEFAULT("protocol", protocol, "ANY", "IP protocol"),
	TAG_DEFAULT("mirrored", bool, "yes", "for both directions"),
	TAG_DEFAULT("srcmask", mask, "one host", "mask of srcaddr"),
	TAG_DEFAULT("dstmask", mask, "one host", "mask of dstaddr"),
	TAG_DEFAULT("srcport", port, "0", "source port, 0 is any"),
	TAG_DEFAULT("dstport", port, "0", "destination port, 0 is any"),
	TAG_DEFAULT("mainmode", bool, "no", "only a main mode filter, of addresses"),
};

/* Nothing has a default here: what is not given may be anything. */
static const struct ctl_tag delete_tags[] = {
	TAG_REQUIRED("filterlist", filterlist, "list that it is in"),
	TAG_REQUIRED("srcaddr", address, "source address"),
	TAG_REQUIRED("dstaddr", address, "destination address"),
	TAG("protocol", protocol, "IP protocol"),
	TAG_DEFAULT("srcmask", mask, "one host", "mask of srcaddr"),
	TAG_DEFAULT("dstmask", mask, "one host", "mask of dstaddr"),
	TAG("srcport", port, "source port"),
	TAG("dstport", port, "destination port"),
	TAG("mirrored", bool, "for both directions"),
	TAG("mainmode", bool, "only a main mode filter"),
};

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_ADD, STORE_KIND_FILTER);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_DELETE, STORE_KIND_FILTER);
}

static const struct ctl_command commands[] = {
	{
		.path = "static add filter",
		.text = "add a filter to a list",
		.remarks = "A list that is not there is made. Addresses are those of dynamic add rule: if "
			   "one is WINS, DNS, DHCP or GATEWAY, the other has to be me. A rule negotiates "
			   "between the addresses of its filters, or, if some have mainmode=yes, of these "
			   "only; what they leave out is dropped.",
		.examples =
			"  static add filter filterlist=telnetAll srcaddr=any dstaddr=me protocol=TCP "
			"dstport=23\n"
			"  static add filter nets 10.1.0.0 10.2.0.0 srcmask=16 dstmask=255.255.0.0\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_add,
	},
	{
		.path = "static delete filter",
		.text = "remove filters from a list",
		.remarks = "Filters have no names: every filter of the list that has what is given is "
			   "removed. What is not given may be anything.",
		.examples = "  static delete filter filterlist=telnetAll srcaddr=any dstaddr=me "
			    "dstport=23\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_delete,
	},
};

const struct ctl_command_set ctl_static_filter_set = CTL_COMMAND_SET(commands);
