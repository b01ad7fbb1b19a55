// SPDX-License-Identifier: MIT
#include "store/save.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/text.h"
#include "store/find.h"

/* The parts of a head that are filled in. */
struct stamp {
	sd_id128_t guid;
	int64_t modified;
};

static int64_t now(void)
{
	return (int64_t)time(NULL);
}

static int make_stamp(const struct store_head *head, struct stamp *ret_stamp, struct fault *fault)
{
	struct stamp stamp = { head->guid, (int64_t)head->modified };

	if (sd_id128_is_null(stamp.guid) && sd_id128_randomize(&stamp.guid) < 0)
		return fault_failed(fault, "no random numbers for a GUID; nothing was changed");
	if (stamp.modified <= 0)
		stamp.modified = now();
	*ret_stamp = stamp;
	return 0;
}

/* The number of a row that was made, if one was. */
static void note_row(struct store *store, int64_t *id)
{
	if (!*id)
		*id = sqlite3_last_insert_rowid(store->db);
}

/* --- filters ------------------------------------------------------------------------------ */

int save_list(struct store *store, const struct store_filter_list *list, int64_t *id,
	      struct fault *fault)
{
	struct stamp stamp;
	int err = make_stamp(&list->head, &stamp, fault);

	if (err)
		return err;
	err = sql_run(store, fault,
		      "INSERT INTO filter_lists (id, guid, name, description, modified) "
		      "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET guid = excluded.guid, "
		      "name = excluded.name, description = excluded.description, "
		      "modified = excluded.modified",
		      "rgttx", *id, &stamp.guid, list->head.name, list->head.description,
		      stamp.modified);
	if (!err)
		note_row(store, id);
	return err;
}

int save_filter(struct store *store, const struct store_filter *filter, int64_t list_id,
		struct fault *fault)
{
	_cleanup_free_ char *source = policy_address_to_text(&filter->source);
	_cleanup_free_ char *destination = policy_address_to_text(&filter->destination);
	struct stamp stamp;
	int err = make_stamp(&filter->head, &stamp, fault);

	if (err)
		return err;
	if (!source || !destination)
		return fault_no_memory(fault);
	return sql_run(store, fault,
		       "INSERT INTO filters (guid, description, modified, list, source, destination, "
		       "protocol, source_port, destination_port, mirrored, is_main_mode) "
		       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		       "gtxxttiiiii", &stamp.guid, filter->head.description, stamp.modified, list_id,
		       source, destination, filter->protocol, filter->source_port,
		       filter->destination_port, filter->mirrored, filter->is_main_mode);
}

int save_touch_list(struct store *store, int64_t id, struct fault *fault)
{
	return sql_run(store, fault, "UPDATE filter_lists SET modified = ?2 "
		       "WHERE id = ?1 AND modified <> ?2", "xx", id, now());
}

/* --- filter actions ----------------------------------------------------------------------- */

int save_action(struct store *store, const struct store_filter_action *action, int64_t rule_id,
		int64_t *id, struct fault *fault)
{
	_cleanup_free_ char *offers = policy_qm_offers_to_text(action->offers, action->n_offers);
	struct stamp stamp;
	int err = make_stamp(&action->head, &stamp, fault);

	if (err)
		return err;
	if (!offers)
		return fault_no_memory(fault);
	err = sql_run(store, fault,
		      "INSERT INTO filter_actions (id, guid, name, description, modified, rule, "
		      "action, inpass, soft, qmpfs, qmsecmethods, is_tool) "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
		      "guid = excluded.guid, name = excluded.name, "
		      "description = excluded.description, modified = excluded.modified, "
		      "action = excluded.action, inpass = excluded.inpass, soft = excluded.soft, "
		      "qmpfs = excluded.qmpfs, qmsecmethods = excluded.qmsecmethods, "
		      "is_tool = excluded.is_tool",
		      "rgttxrtiiiti", *id, &stamp.guid, action->head.name, action->head.description,
		      stamp.modified, rule_id, policy_action_name(action->action), action->inpass,
		      action->soft, action->qmpfs, offers, action->is_tool);
	if (!err)
		note_row(store, id);
	return err;
}

/* --- policies ----------------------------------------------------------------------------- */

int save_policy(struct store *store, const struct store_policy *policy, int64_t *id,
		struct fault *fault)
{
	_cleanup_free_ char *offers = policy_mm_offers_to_text(policy->offers, policy->n_offers);
	struct stamp stamp;
	int err = make_stamp(&policy->head, &stamp, fault);

	if (err)
		return err;
	if (!offers)
		return fault_no_memory(fault);
	if (policy->is_assigned)
		err = sql_run(store, fault, "UPDATE policies SET is_assigned = 0, modified = ?2 "
			      "WHERE is_assigned AND id <> ?1", "xx", *id, now());
	if (err)
		return err;
	err = sql_run(store, fault,
		      "INSERT INTO policies (id, guid, name, description, modified, is_assigned, "
		      "mmpfs, quick_modes, lifetime_minutes, soft_sa_seconds, polling_minutes, "
		      "mmsecmethods, is_tool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
		      "ON CONFLICT (id) DO UPDATE SET guid = excluded.guid, name = excluded.name, "
		      "description = excluded.description, modified = excluded.modified, "
		      "is_assigned = excluded.is_assigned, mmpfs = excluded.mmpfs, "
		      "quick_modes = excluded.quick_modes, "
		      "lifetime_minutes = excluded.lifetime_minutes, "
		      "soft_sa_seconds = excluded.soft_sa_seconds, "
		      "polling_minutes = excluded.polling_minutes, "
		      "mmsecmethods = excluded.mmsecmethods, is_tool = excluded.is_tool",
		      "rgttxiiuuuuti", *id, &stamp.guid, policy->head.name, policy->head.description,
		      stamp.modified, policy->is_assigned, policy->mmpfs, policy->quick_modes,
		      policy->lifetime_minutes, policy->soft_sa_seconds, policy->polling_minutes,
		      offers, policy->is_tool);
	if (!err)
		note_row(store, id);
	return err;
}

int save_touch_policy(struct store *store, int64_t id, struct fault *fault)
{
	return sql_run(store, fault, "UPDATE policies SET modified = ?2 "
		       "WHERE id = ?1 AND modified <> ?2", "xx", id, now());
}

/* --- rules -------------------------------------------------------------------------------- */

static int save_methods(struct store *store, const struct store_rule *rule, int64_t rule_id,
			struct fault *fault)
{
	int err = sql_run(store, fault, "DELETE FROM methods WHERE rule = ?", "x", rule_id);

	for (size_t i = 0; !err && i < rule->n_methods; i++) {
		const struct policy_method *method = &rule->methods[i];

		err = sql_run(store, fault,
			      "INSERT INTO methods (rule, position, kind, secret, cert_map, "
			      "exclude_ca_name) VALUES (?, ?, ?, ?, ?, ?)",
			      "xittii", rule_id, (int)i, policy_method_kind_name(method->kind),
			      method->secret, method->cert_map, method->exclude_ca_name);
	}
	return err;
}

/* The action that is there already keeps its row. */
static int save_own_action(struct store *store, const struct store_rule *rule, int64_t rule_id,
			   struct fault *fault)
{
	int64_t id = 0;
	int found = sql_number(store, fault, &id, "SELECT id FROM filter_actions WHERE rule = ?",
			       "x", rule_id);

	return found < 0 ? found : save_action(store, rule->own_action, rule_id, &id, fault);
}

static int save_rule_row(struct store *store, const struct store_rule *rule, int64_t policy_id,
			 int64_t *id, struct fault *fault)
{
	_cleanup_free_ char *tunnel = NULL;
	int64_t list = 0, action = 0;
	struct stamp stamp;
	int err = make_stamp(&rule->head, &stamp, fault);

	if (!err && rule->filter_list)
		err = find_name(store, STORE_KIND_FILTER_LIST, rule->filter_list, &list, fault);
	if (!err && rule->filter_action)
		err = find_name(store, STORE_KIND_FILTER_ACTION, rule->filter_action, &action, fault);
	if (err)
		return err;
	if (rule->has_tunnel && !(tunnel = policy_address_to_text(&rule->tunnel)))
		return fault_no_memory(fault);
	err = sql_run(store, fault,
		      "INSERT INTO rules (id, guid, name, description, modified, policy, "
		      "is_default_response, is_active, filter_list, filter_action, tunnel, "
		      "connection, is_tool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
		      "ON CONFLICT (id) DO UPDATE SET guid = excluded.guid, name = excluded.name, "
		      "description = excluded.description, modified = excluded.modified, "
		      "is_active = excluded.is_active, filter_list = excluded.filter_list, "
		      "filter_action = excluded.filter_action, tunnel = excluded.tunnel, "
		      "connection = excluded.connection, is_tool = excluded.is_tool",
		      "rgttxxiirrtti", *id, &stamp.guid, rule->head.name, rule->head.description,
		      stamp.modified, policy_id, rule->is_default_response, rule->is_active, list,
		      action, tunnel, policy_connection_name(rule->connection), rule->is_tool);
	if (!err)
		note_row(store, id);
	return err;
}

int save_rule(struct store *store, const struct store_rule *rule, int64_t policy_id, int64_t *id,
	      struct fault *fault)
{
	int err = save_rule_row(store, rule, policy_id, id, fault) ?:
		  save_methods(store, rule, *id, fault);

	if (!err && rule->is_default_response)
		err = save_own_action(store, rule, *id, fault);
	return err;
}
