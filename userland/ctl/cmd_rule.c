// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/methods.h"
#include "ctl/select.h"
#include "ctl/types.h"
#include "policy/address.h"
#include "policy/bus.h"
#include "policy/text.h"

#define SELECTOR_TAGS								\
	{ "srcaddr", &ctl_type_address, CTL_TAG_REQUIRED, NULL, "source address" }, \
	{ "dstaddr", &ctl_type_address, CTL_TAG_REQUIRED, NULL, "destination address" }

#define MORE_SELECTOR_TAGS							\
	{ "protocol", &ctl_type_protocol, 0, "ANY", "IP protocol" },		\
	{ "srcport", &ctl_type_port, 0, "0", "source port, 0 is any" },		\
	{ "dstport", &ctl_type_port, 0, "0", "destination port, 0 is any" },	\
	{ "mirrored", &ctl_type_bool, 0, "yes", "for both directions" },	\
	{ "conntype", &ctl_type_conntype, 0, "all", "kind of network connection" }

#define MASK_TAGS								\
	{ "srcmask", &ctl_type_mask, 0, "one host", "mask of srcaddr" },	\
	{ "dstmask", &ctl_type_mask, 0, "one host", "mask of dstaddr" },	\
	{ "tunneldstaddress", &ctl_type_tunnel, 0, "none", "gateway that the packets come out of" }, \
	{ "defaultresponse", &ctl_type_bool, 0, "no",				\
	  "only answers peers that no other rule is for" }

#define AUTH_TAGS(fallback)							\
	{ "kerberos", &ctl_type_bool, 0, fallback, "authenticate with Kerberos" }, \
	{ "psk", &ctl_type_psk, 0, NULL, "authenticate with a preshared key" },	\
	{ "rootca", &ctl_type_root_ca, CTL_TAG_MULTIPLE, NULL,			\
	  "authenticate with certificates of this authority; may be repeated" }

#define INTERFACE_TAG								\
	{ "interface", &ctl_type_interface, 0, "all",				\
	  "only what goes by this network interface; instead of conntype" }

#define MAIN_MODE_TAG								\
	{ "mainmode", &ctl_type_main_mode, 0, "own",				\
	  "which main mode filter counts: the rule's own addresses, or others; only: it is one" }

static const struct ctl_tag add_tags[] = {
	SELECTOR_TAGS,
	{ "mmpolicy", &ctl_type_mmpolicy, 0, NULL,
	  "main mode policy; required when an action negotiates" },
	{ "qmpolicy", &ctl_type_qmpolicy, 0, NULL,
	  "quick mode policy; required when an action negotiates" },
	MORE_SELECTOR_TAGS,
	{ "actioninbound", &ctl_type_action, 0, "negotiate", "what arrives" },
	{ "actionoutbound", &ctl_type_action, 0, "negotiate", "what leaves" },
	MASK_TAGS,
	AUTH_TAGS("yes, without psk and rootca"),
	INTERFACE_TAG,
	MAIN_MODE_TAG,
};

static const struct ctl_tag set_tags[] = {
	SELECTOR_TAGS,
	MORE_SELECTOR_TAGS,
	MASK_TAGS,
	{ "mmpolicy", &ctl_type_mmpolicy, 0, NULL, "main mode policy" },
	{ "qmpolicy", &ctl_type_qmpolicy, 0, NULL, "quick mode policy" },
	{ "actioninbound", &ctl_type_action, 0, NULL, "what arrives" },
	{ "actionoutbound", &ctl_type_action, 0, NULL, "what leaves" },
	AUTH_TAGS(NULL),
	INTERFACE_TAG,
	MAIN_MODE_TAG,
};

static const struct ctl_tag delete_tags[] = {
	SELECTOR_TAGS,
	MORE_SELECTOR_TAGS,
	MASK_TAGS,
	INTERFACE_TAG,
	MAIN_MODE_TAG,
};

static const struct ctl_tag show_tags[] = {
	{ "type", &ctl_type_rule_type, 0, "both", "only rules without, or with, a tunnel" },
	{ "srcaddr", &ctl_type_address, 0, NULL, "only rules with this source address" },
	{ "dstaddr", &ctl_type_address, 0, NULL, "only rules with this destination address" },
	{ "srcmask", &ctl_type_mask, 0, "one host", "mask of srcaddr" },
	{ "dstmask", &ctl_type_mask, 0, "one host", "mask of dstaddr" },
	{ "protocol", &ctl_type_protocol, 0, NULL, "only rules with this protocol" },
	{ "srcport", &ctl_type_port, 0, NULL, "only rules with this source port" },
	{ "dstport", &ctl_type_port, 0, NULL, "only rules with this destination port" },
	{ "actioninbound", &ctl_type_action, 0, NULL, "only rules with this action" },
	{ "actionoutbound", &ctl_type_action, 0, NULL, "only rules with this action" },
	CTL_TAG_RESOLVEDNS,
	{ "level", &ctl_type_level, 0, "normal", "verbose prints preshared keys, too" },
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

static enum ctl_exit set_tag(struct ctl *ctl, const struct ctl_args *args,
			     struct policy_rule *rule, const char *tag, const char *value,
			     uint32_t *given)
{
	char why[POLICY_WHY_LEN];
	int err = policy_rule_set_tag(rule, tag, value, given, why);

	if (err == -EINVAL)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	return err ? ctl_message_error(ctl, err, why) : CTL_EXIT_OK;
}

/* An address and its mask, wherever on the line they are. */
static enum ctl_exit set_masked(struct ctl *ctl, const struct ctl_args *args,
				struct policy_rule *rule, const char *tag, const char *mask_tag,
				uint32_t *given)
{
	_cleanup_free_ char *text = NULL;
	enum ctl_exit ret = ctl_address_text(ctl, args, tag, mask_tag, &text);

	return ret || !text ? ret : set_tag(ctl, args, rule, tag, text, given);
}

static enum ctl_exit build(struct ctl *ctl, const struct ctl_args *args,
			   struct policy_rule **ret_rule, uint32_t *ret_given)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	enum ctl_exit ret;
	uint32_t given = 0;

	if (!rule)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	ret = set_masked(ctl, args, rule, "srcaddr", "srcmask", &given) ?:
	      set_masked(ctl, args, rule, "dstaddr", "dstmask", &given);
	for (size_t i = 0; !ret && i < args->n; i++) {
		const struct ctl_tag *tag = args->list[i].tag;

		if (tag->type != &ctl_type_address && tag->type != &ctl_type_mask)
			ret = set_tag(ctl, args, rule, tag->name, args->list[i].value, &given);
	}
	if (ret)
		return ret;
	*ret_rule = TAKE_PTR(rule);
	*ret_given = given;
	return CTL_EXIT_OK;
}

static enum ctl_exit send_rule(struct ctl *ctl, const char *method, const struct policy_rule *rule,
			       uint32_t given)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, method, &message);
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_sensitive(message);
	if (err >= 0)
		err = policy_bus_append_rule_fields(message, rule, given, POLICY_BUS_SECRETS);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : ctl_call_send(ctl, message, NULL);
}

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &rule, &given);

	if (ret)
		return ret;
	if (policy_rule_check(rule, why) < 0)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	return send_rule(ctl, "AddRule", rule, UINT32_MAX);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &rule, &given);

	if (ret)
		return ret;
	if (!(given & ~POLICY_FIELDS_SELECTOR))
		return ctl_usage_error(ctl, args->command->path, "nothing to change is named");
	return send_rule(ctl, "SetRule", rule, given | POLICY_FIELDS_SELECTOR);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	uint32_t given = 0;
	enum ctl_exit ret;

	if (!args->has_all) {
		ret = build(ctl, args, &rule, &given);
		return ret ? ret : send_rule(ctl, "DeleteRule", rule, POLICY_FIELDS_SELECTOR);
	}
	ret = ctl_call_new(ctl, "DeleteRule", &message);
	if (ret)
		return ret;
	if (sd_bus_message_append(message, "a{sv}", 0) < 0)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	return ctl_call_send(ctl, message, NULL);
}

/* What is shown of a rule; it owns its strings. */
struct row {
	uint32_t id;			/* its place in the list */
	const char *source;
	const char *destination;
	const char *protocol;
	uint32_t source_port;
	uint32_t destination_port;
	bool mirrored;
	const char *connection;
	const char *interface;
	const char *inbound;
	const char *outbound;
	const char *tunnel;
	const char *default_response;	/* "yes", or not there */
	const char *main_mode;		/* "others", "only", or not there */
	const char *mm_policy;
	const char *qm_policy;
	const char *auth;		/* "psk kerberos" */
	const char *root_ca;		/* joined by "; " */
	const char *psk;		/* level=verbose only */
};

static const struct policy_key row_keys[] = {
	{ "id", POLICY_VALUE_NUMBER, offsetof(struct row, id) },
	{ "srcaddr", POLICY_VALUE_STRING, offsetof(struct row, source) },
	{ "dstaddr", POLICY_VALUE_STRING, offsetof(struct row, destination) },
	{ "protocol", POLICY_VALUE_STRING, offsetof(struct row, protocol) },
	{ "srcport", POLICY_VALUE_NUMBER, offsetof(struct row, source_port) },
	{ "dstport", POLICY_VALUE_NUMBER, offsetof(struct row, destination_port) },
	{ "mirrored", POLICY_VALUE_BOOL, offsetof(struct row, mirrored) },
	{ "conntype", POLICY_VALUE_STRING, offsetof(struct row, connection) },
	{ "interface", POLICY_VALUE_STRING, offsetof(struct row, interface) },
	{ "actioninbound", POLICY_VALUE_STRING, offsetof(struct row, inbound) },
	{ "actionoutbound", POLICY_VALUE_STRING, offsetof(struct row, outbound) },
	{ "tunneldstaddress", POLICY_VALUE_STRING, offsetof(struct row, tunnel) },
	{ "defaultresponse", POLICY_VALUE_STRING, offsetof(struct row, default_response) },
	{ "mainmode", POLICY_VALUE_STRING, offsetof(struct row, main_mode) },
	{ "mmpolicy", POLICY_VALUE_STRING, offsetof(struct row, mm_policy) },
	{ "qmpolicy", POLICY_VALUE_STRING, offsetof(struct row, qm_policy) },
	{ "auth", POLICY_VALUE_STRING, offsetof(struct row, auth) },
	{ "rootca", POLICY_VALUE_STRING, offsetof(struct row, root_ca) },
	{ "psk", POLICY_VALUE_STRING, offsetof(struct row, psk) },
};

static const struct policy_record row_record = {
	"rules", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static const struct column columns[] = {
	{ "Rule", "id", NULL, COLUMN_BOTH },
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Protocol", "protocol", NULL, COLUMN_BOTH },
	{ "Src Port", "srcport", NULL, COLUMN_BOTH },
	{ "Dst Port", "dstport", NULL, COLUMN_BOTH },
	{ "Mirrored", "mirrored", NULL, COLUMN_BOTH },
	{ "Connection Type", "conntype", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Interface", "interface", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Inbound Action", "actioninbound", NULL, COLUMN_BOTH },
	{ "Outbound Action", "actionoutbound", NULL, COLUMN_BOTH },
	{ "Tunnel Destination", "tunneldstaddress", NULL,
	  COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Default Response", "defaultresponse", NULL, COLUMN_LIST },
	{ "Main Mode Filter", "mainmode", NULL, COLUMN_LIST },
	{ "MM Policy", "mmpolicy", NULL, COLUMN_BOTH },
	{ "QM Policy", "qmpolicy", NULL, COLUMN_BOTH },
	{ "Authentication Methods", "auth", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Root CAs", "rootca", NULL, COLUMN_LIST },
	{ "Preshared Key", "psk", NULL, COLUMN_LIST },
};

static const struct view view = {
	.name = "rules",
	.title = "Rules",
	.none = "There are no rules.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
};

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void fill_row(struct row *row, const struct policy_rule *rule, bool is_verbose)
{
	char protocol[POLICY_PROTOCOL_STRLEN];
	/* a rule that negotiates nothing authenticates nobody */
	bool has_auth = policy_rule_is_negotiated(rule);

	*row = (struct row){
		.source = policy_address_to_text(&rule->source),
		.destination = policy_address_to_text(&rule->destination),
		.protocol = copy(policy_protocol_format(rule->protocol, protocol)),
		.source_port = rule->source_port,
		.destination_port = rule->destination_port,
		.mirrored = rule->mirrored,
		.connection = copy(policy_connection_name(rule->connection)),
		.interface = copy(rule->interface),
		.inbound = copy(policy_action_name(rule->inbound)),
		.outbound = copy(policy_action_name(rule->outbound)),
		.tunnel = rule->has_tunnel ? policy_address_to_text(&rule->tunnel_destination) : NULL,
		.default_response = copy(rule->is_default_response ? "yes" : NULL),
		.main_mode = copy(rule->main_mode ? policy_main_mode_name(rule->main_mode) : NULL),
		.mm_policy = copy(rule->mm_policy),
		.qm_policy = copy(rule->qm_policy),
		.auth = has_auth ? ctl_methods_text(rule->methods, rule->n_methods, -1) : NULL,
		.root_ca = ctl_methods_text(rule->methods, rule->n_methods, POLICY_METHOD_ROOT_CA),
		.psk = is_verbose ? ctl_methods_text(rule->methods, rule->n_methods,
						     POLICY_METHOD_PSK) : NULL,
	};
}

static bool is_wanted(const struct ctl_args *args, const struct policy_rule *rule)
{
	const char *type = ctl_args_get(args, "type");

	return !type || rule->has_tunnel == !strcasecmp(type, "tunnel");
}

static enum ctl_exit list(struct ctl *ctl, const struct ctl_args *args, struct row **rows,
			  size_t *n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *level = ctl_args_get(args, "level");
	enum ctl_exit ret = ctl_call(ctl, "ListRules", NULL, &reply);
	char why[POLICY_WHY_LEN] = "";
	uint32_t id = 0;
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_enter_container(reply, 'a', "a{sv}");
	while (err >= 0) {
		_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
		struct row *more;

		err = policy_bus_read_rule(reply, &rule, NULL, why);
		if (err == 0)
			return CTL_EXIT_OK;
		if (err < 0)
			break;
		id++;
		if (!is_wanted(args, rule))
			continue;
		more = realloc(*rows, (*n + 1) * sizeof(*more));
		if (!more) {
			err = -ENOMEM;
			break;
		}
		*rows = more;
		fill_row(&more[*n], rule, level && !strcasecmp(level, "verbose"));
		more[(*n)++].id = id;
	}
	return ctl_message_error(ctl, err, why);
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	struct layout layout = ctl_layout(args);
	struct row *rows = NULL;
	size_t n = 0, selected;
	enum ctl_exit ret;

	ret = list(ctl, args, &rows, &n);
	selected = n;
	if (!ret)
		ret = ctl_select_rows(ctl, args, &row_record, rows, &selected);
	if (!ret)
		ret = ctl_print_view(ctl, &layout, &view, rows, selected);
	ctl_rows_free(&row_record, rows, n);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic add rule",
		.text = "create a rule; it acts at once",
		.remarks = "A mirrored rule is for both directions. The order of kerberos, psk and "
			   "rootca is the order of preference. With actioninbound=permit and "
			   "actionoutbound=negotiate, clear text is accepted and answered with IPsec. "
			   "The most specific rule decides a packet, whatever the order of rules. "
			   "A tunnel needs mirrored=no and a rule for each direction. "
			   "With mainmode=others a rule negotiates only between addresses that another "
			   "rule is a main mode filter for; what is left out is dropped.",
		.examples =
			"  dynamic add rule srcaddr=me dstaddr=10.0.0.2 mmpolicy=mm qmpolicy=qm psk=\"a secret\"\n"
			"  dynamic add rule any me protocol=TCP dstport=23 actionin=block actionout=block\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_add,
	},
	{
		.path = "dynamic set rule",
		.text = "change a rule, which is found by what it matches",
		.remarks = "Addresses, masks, protocol, ports, mirrored, conntype, interface, mainmode and tunneldstaddress "
			   "find the rule, with the defaults of add; the other tags change it. "
			   "Authentication methods replace all old ones.",
		.examples = "  dynamic set rule srcaddr=me dstaddr=10.0.0.2 qmpolicy=qm2\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_set,
	},
	{
		.path = "dynamic delete rule",
		.text = "remove a rule, which is found by what it matches",
		.remarks = "The rule has to match exactly, with the defaults of add; all is every rule.",
		.examples = "  dynamic delete rule srcaddr=me dstaddr=10.0.0.2\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_AGENT,
		.run = run_delete,
	},
	{
		.path = "dynamic show rule",
		.text = "print rules",
		.examples = "  dynamic show rule\n"
			    "  dynamic show rule dstaddr=10.0.0.0 dstmask=24 format=table\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_rule_set = CTL_COMMAND_SET(commands);
