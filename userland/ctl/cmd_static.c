// SPDX-License-Identifier: MIT
/*
 * The grammar of the static context. Its commands are parsed and checked in full, so that scripts
 * can be tried, and then refused: there is no store yet that they could change.
 */
#include "ctl/ctl.h"
#include "ctl/types.h"

#define TAG(name, type, text) { name, &ctl_type_##type, 0, NULL, text }
#define TAG_DEFAULT(name, type, fallback, text) { name, &ctl_type_##type, 0, fallback, text }
#define TAG_REQUIRED(name, type, text) { name, &ctl_type_##type, CTL_TAG_REQUIRED, NULL, text }

#define FILTER_TAGS								\
	TAG_DEFAULT("protocol", protocol, "ANY", "IP protocol"),		\
	TAG_DEFAULT("mirrored", bool, "yes", "for both directions"),		\
	TAG_DEFAULT("srcmask", mask, "one host", "mask of srcaddr"),		\
	TAG_DEFAULT("dstmask", mask, "one host", "mask of dstaddr"),		\
	TAG_DEFAULT("srcport", port, "0", "source port, 0 is any"),		\
	TAG_DEFAULT("dstport", port, "0", "destination port, 0 is any")

#define AUTH_TAGS								\
	TAG("kerberos", bool, "authenticate with Kerberos"),			\
	TAG("psk", psk, "authenticate with a preshared key"),			\
	{ "rootca", &ctl_type_root_ca, CTL_TAG_MULTIPLE, NULL,			\
	  "authenticate with certificates of this authority; may be repeated" }

#define SHOW_TAGS								\
	TAG_DEFAULT("level", level, "normal", "how much"),			\
	CTL_TAG_FORMAT,								\
	CTL_TAG_WIDE

static const struct ctl_tag add_filter_tags[] = {
	TAG_REQUIRED("filterlist", name, "list that it is added to; made if need be"),
	TAG_REQUIRED("srcaddr", address, "source address"),
	TAG_REQUIRED("dstaddr", address, "destination address"),
	TAG("description", text, "free text"),
	FILTER_TAGS,
};

static const struct ctl_tag add_filteraction_tags[] = {
	TAG_REQUIRED("name", name, "name of the action"),
	TAG("description", text, "free text"),
	TAG_DEFAULT("qmpfs", bool, "no", "fresh Diffie-Hellman for every quick mode"),
	TAG_DEFAULT("inpass", bool, "no", "accept clear text, answer with IPsec"),
	TAG_DEFAULT("soft", bool, "no", "clear text with peers that do not answer IKE at all"),
	TAG_DEFAULT("action", action, "negotiate", "what is done"),
	TAG("qmsecmethods", qm_methods, "what is offered, in this order"),
};

static const struct ctl_tag add_filterlist_tags[] = {
	TAG_REQUIRED("name", name, "name of the list"),
	TAG("description", text, "free text"),
};

static const struct ctl_tag add_policy_tags[] = {
	TAG_REQUIRED("name", name, "name of the policy"),
	TAG("description", text, "free text"),
	TAG_DEFAULT("mmpfs", bool, "no", "a new main mode for every quick mode"),
	TAG_DEFAULT("qmpermm", number, "0", "quick modes per main mode, 0 is no limit"),
	TAG_DEFAULT("mmlifetime", minutes, "480", "minutes until a main mode is made anew"),
	TAG_DEFAULT("activatedefaultrule", bool, "yes", "the default response rule is active"),
	TAG_DEFAULT("pollinginterval", minutes, "180", "minutes between looks at the store"),
	TAG_DEFAULT("assign", bool, "no", "put the policy in force"),
	TAG("mmsecmethods", mm_methods, "what is offered, in this order"),
};

static const struct ctl_tag add_rule_tags[] = {
	TAG_REQUIRED("name", name, "name of the rule"),
	TAG_REQUIRED("policy", name, "policy that it belongs to"),
	TAG_REQUIRED("filterlist", name, "list of filters that it is for"),
	TAG_REQUIRED("filteraction", name, "what it does"),
	TAG_DEFAULT("tunnel", tunnel, "none", "endpoint of the tunnel"),
	TAG_DEFAULT("conntype", conntype, "all", "kind of network connection"),
	TAG_DEFAULT("activate", bool, "yes", "the rule is active"),
	TAG("description", text, "free text"),
	AUTH_TAGS,
};

static const struct ctl_tag delete_filter_tags[] = {
	TAG_REQUIRED("filterlist", name, "list that it is in"),
	TAG_REQUIRED("srcaddr", address, "source address"),
	TAG_REQUIRED("dstaddr", address, "destination address"),
	FILTER_TAGS,
};

static const struct ctl_tag delete_name_tags[] = {
	TAG_REQUIRED("name", name, "name of the object; or the word all"),
};

static const struct ctl_tag delete_rule_tags[] = {
	TAG("name", name, "name of the rule"),
	TAG("id", number, "its number in show rule"),
	TAG("policy", name, "policy that it belongs to"),
};

static const struct ctl_tag set_batch_tags[] = {
	TAG_REQUIRED("mode", batch_mode, "collect changes of a script"),
};

static const struct ctl_tag set_defaultrule_tags[] = {
	TAG_REQUIRED("policy", name, "policy that it belongs to"),
	TAG("qmpfs", bool, "fresh Diffie-Hellman for every quick mode"),
	TAG("activate", bool, "the rule is active"),
	TAG("qmsecmethods", qm_methods, "what is offered, in this order"),
	AUTH_TAGS,
};

static const struct ctl_tag set_filteraction_tags[] = {
	TAG("name", name, "name of the action"),
	TAG("guid", guid, "or its GUID"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("qmpfs", bool, "fresh Diffie-Hellman for every quick mode"),
	TAG("inpass", bool, "accept clear text, answer with IPsec"),
	TAG("soft", bool, "clear text with peers that do not answer IKE at all"),
	TAG("action", action, "what is done"),
	TAG("qmsecmethods", qm_methods, "what is offered, in this order"),
};

static const struct ctl_tag set_filterlist_tags[] = {
	TAG("name", name, "name of the list"),
	TAG("guid", guid, "or its GUID"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
};

static const struct ctl_tag set_policy_tags[] = {
	TAG("name", name, "name of the policy"),
	TAG("guid", guid, "or its GUID"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("mmpfs", bool, "a new main mode for every quick mode"),
	TAG("qmpermm", number, "quick modes per main mode, 0 is no limit"),
	TAG("mmlifetime", minutes, "minutes until a main mode is made anew"),
	TAG("activatedefaultrule", bool, "the default response rule is active"),
	TAG("pollinginterval", minutes, "minutes between looks at the store"),
	TAG("assign", bool, "put the policy in force"),
	TAG("gponame", name, "group policy object, with the domain store"),
	TAG("mmsecmethods", mm_methods, "what is offered, in this order"),
};

static const struct ctl_tag set_rule_tags[] = {
	TAG("name", name, "name of the rule"),
	TAG("id", number, "or its number in show rule"),
	TAG_REQUIRED("policy", name, "policy that it belongs to"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("filterlist", name, "list of filters that it is for"),
	TAG("filteraction", name, "what it does"),
	TAG("tunnel", tunnel, "endpoint of the tunnel"),
	TAG("conntype", conntype, "kind of network connection"),
	TAG("activate", bool, "the rule is active"),
	AUTH_TAGS,
};

static const struct ctl_tag set_store_tags[] = {
	TAG_REQUIRED("location", store, "store that commands act on"),
	TAG("domain", text, "DNS name of the domain"),
};

static const struct ctl_tag show_all_tags[] = {
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

static const struct ctl_tag show_filteraction_tags[] = {
	TAG_DEFAULT("name", name, "all", "name of the action; or the word all"),
	TAG("rule", name, "the action of this rule"),
	SHOW_TAGS,
};

static const struct ctl_tag show_filterlist_tags[] = {
	TAG_DEFAULT("name", name, "all", "name of the list; or the word all"),
	TAG("rule", name, "the list of this rule"),
	SHOW_TAGS,
	CTL_TAG_RESOLVEDNS,
};

static const struct ctl_tag show_gpo_tags[] = {
	TAG("name", name, "name of the group policy object"),
};

static const struct ctl_tag show_policy_tags[] = {
	TAG_DEFAULT("name", name, "all", "name of the policy; or the word all"),
	SHOW_TAGS,
};

static const struct ctl_tag show_rule_tags[] = {
	TAG("name", name, "name of the rule; or the word all"),
	TAG("id", number, "or its number"),
	TAG("policy", name, "policy that it belongs to"),
	TAG("type", rule_type, "only rules without, or with, a tunnel"),
	SHOW_TAGS,
};

static const struct ctl_tag file_tags[] = {
	TAG_REQUIRED("file", text, "name of the file"),
};

static const struct ctl_tag release_tags[] = {
	TAG_REQUIRED("release", release, "whose examples"),
};

static enum ctl_exit run_refuse(struct ctl *ctl, const struct ctl_args *args)
{
	return ctl_error(ctl, CTL_ERROR_NOT_SUPPORTED,
			 "%s: the static context comes with the policy stores; nothing was changed. "
			 "The dynamic context works", args->command->path);
}

#define COMMAND(words, what, table) \
	{ .path = "static " words, .text = what, CTL_TAGS(table), .run = run_refuse }
#define COMMAND_ALL(words, what, table)					\
	{ .path = "static " words, .text = what, CTL_TAGS(table),		\
	  .flags = CTL_COMMAND_ALL, .run = run_refuse }
#define COMMAND_BARE(words, what) \
	{ .path = "static " words, .text = what, .run = run_refuse }

static const struct ctl_command commands[] = {
	COMMAND("add filter", "add a filter to a list", add_filter_tags),
	COMMAND("add filteraction", "create a filter action", add_filteraction_tags),
	COMMAND("add filterlist", "create a filter list", add_filterlist_tags),
	COMMAND("add policy", "create a policy", add_policy_tags),
	COMMAND("add rule", "create a rule of a policy", add_rule_tags),
	COMMAND_BARE("delete all", "remove all policies, lists and actions"),
	COMMAND("delete filter", "remove a filter from a list", delete_filter_tags),
	COMMAND_ALL("delete filteraction", "remove a filter action", delete_name_tags),
	COMMAND_ALL("delete filterlist", "remove a filter list", delete_name_tags),
	COMMAND_ALL("delete policy", "remove a policy and its rules", delete_name_tags),
	COMMAND_ALL("delete rule", "remove a rule of a policy", delete_rule_tags),
	COMMAND("set batch", "collect changes of a script", set_batch_tags),
	COMMAND("set defaultrule", "change the default response rule", set_defaultrule_tags),
	COMMAND("set filteraction", "change a filter action", set_filteraction_tags),
	COMMAND("set filterlist", "change a filter list", set_filterlist_tags),
	COMMAND("set policy", "change or assign a policy", set_policy_tags),
	COMMAND("set rule", "change a rule of a policy", set_rule_tags),
	COMMAND("set store", "choose the store", set_store_tags),
	COMMAND("show all", "print everything in the store", show_all_tags),
	COMMAND_ALL("show filteraction", "print filter actions", show_filteraction_tags),
	COMMAND_ALL("show filterlist", "print filter lists", show_filterlist_tags),
	COMMAND("show gpoassignedpolicy", "print where the assigned policy comes from",
		show_gpo_tags),
	COMMAND_ALL("show policy", "print policies", show_policy_tags),
	COMMAND_ALL("show rule", "print rules of a policy", show_rule_tags),
	COMMAND_BARE("show store", "print which store commands act on"),
	COMMAND("exportpolicy", "write the store to a file", file_tags),
	COMMAND("importpolicy", "read policies from a file", file_tags),
	COMMAND("restorepolicyexamples", "create the three example policies", release_tags),
};

const struct ctl_command_set ctl_static_set = CTL_COMMAND_SET(commands);
