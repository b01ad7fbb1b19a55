// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>

#include "agent/compile.h"
#include "agent/layers.h"
#include "store/examples.h"
#include "store/finding.h"
#include "store/test_content.h"

static struct fault fault;

static struct ruleset *compile(const struct store_content *content, const char *name,
			       const struct ruleset *before)
{
	struct ruleset *ruleset = NULL;

	if (compile_policy(store_content_find_policy(content, name), RULESET_LAYER_LOCAL, before,
			   &ruleset, &fault))
		fail_msg("%s", fault.text);
	return ruleset;
}

static struct layers *build(struct ruleset *ruleset, const struct layers *before)
{
	struct layers *layers = NULL;

	if (layers_build(&ruleset, 1, &test_no_names, before, &layers, &fault))
		fail_msg("%s", fault.text);
	return layers;
}

static const char *text_of(const struct ruleset_rule *rule)
{
	static char buf[512];
	char *text = ruleset_rule_to_text(rule);

	snprintf(buf, sizeof(buf), "%s", text);
	free(text);
	return buf;
}

static void assert_actions(const struct ruleset_rule *rule, enum ipsecdrv_action outbound,
			   enum ipsecdrv_action inbound)
{
	assert_int_equal(rule->treatment->rule->outbound, outbound);
	assert_int_equal(rule->treatment->rule->inbound, inbound);
}

/* --- the three example policies ----------------------------------------------------------- */

static void assert_default_response(const struct ruleset *ruleset)
{
	const struct ruleset_rule *rule = ruleset->rules[0];
	const struct policy_qm_policy *qm = rule->treatment->qm->policy;

	assert_true(rule->treatment->rule->is_default_response);
	assert_actions(rule, IPSECDRV_ACTION_NEGOTIATE, IPSECDRV_ACTION_NEGOTIATE);
	assert_int_equal(rule->treatment->rule->n_methods, 1);
	assert_int_equal(rule->treatment->rule->methods[0].kind, POLICY_METHOD_KERBEROS);
	assert_int_equal(qm->n_offers, 6);
	for (size_t i = 0; i < qm->n_offers; i++) {
		assert_int_equal(qm->offers[i].lifetime_seconds, 0);
		assert_int_equal(qm->offers[i].lifetime_kilobytes, 0);
	}
	assert_string_equal(qm->name, "Default Response");
}

static void assert_main_mode(const struct ruleset *ruleset, const char *name)
{
	const struct policy_mm_policy *mm = ruleset->mms[0]->policy;

	assert_int_equal(ruleset->n_mms, 1);
	assert_string_equal(mm->name, name);
	assert_int_equal(mm->lifetime_minutes, 480);
	assert_int_equal(mm->quick_modes, 0);
	assert_int_equal(mm->soft_sa_seconds, 300);
	assert_int_equal(mm->n_offers, 4);
	assert_int_equal(mm->offers[0].cipher, POLICY_CIPHER_3DES);
	assert_int_equal(mm->offers[0].hash, POLICY_HASH_SHA1);
	assert_int_equal(mm->offers[0].group, 2);
	assert_int_equal(mm->offers[3].cipher, POLICY_CIPHER_DES);
	assert_int_equal(mm->offers[3].hash, POLICY_HASH_MD5);
	assert_int_equal(mm->offers[3].group, 1);
}

static void test_client(void **state)
{
	struct store_content *content = store_examples_new();
	_cleanup_(ruleset_freep) struct ruleset *ruleset =
		compile(content, "Client (Respond Only)", NULL);
	_cleanup_(layers_freep) struct layers *layers = build(ruleset, NULL);

	(void)state;
	assert_int_equal(ruleset->n_rules, 1);
	assert_default_response(ruleset);
	assert_main_mode(ruleset, "Client (Respond Only)");
	assert_int_equal(layers->n_filters, 0);
	assert_ptr_equal(layers->default_rule, ruleset->rules[0]);
	store_content_free(content);
}

/* Me to any in both families, and ICMP in both. */
static void assert_server_filters(struct ruleset *ruleset)
{
	_cleanup_(layers_freep) struct layers *layers = build(ruleset, NULL);
	size_t n_permitted = 0;

	assert_int_equal(layers->n_filters, 4);
	for (size_t i = 0; i < layers->n_filters; i++) {
		const struct kernel_filter *filter = &layers->filters[i].filter;

		assert_int_equal(filter->local.class, IPSECDRV_ADDRESS_CLASS_ME);
		assert_int_equal(filter->inbound, IPSECDRV_ACTION_PERMIT);
		assert_int_equal(filter->outbound, filter->protocol == 1 ?
				 IPSECDRV_ACTION_PERMIT : IPSECDRV_ACTION_NEGOTIATE);
		n_permitted += filter->protocol == 1;
	}
	assert_int_equal(n_permitted, 2);
}

static void test_server(void **state)
{
	struct store_content *content = store_examples_new();
	_cleanup_(ruleset_freep) struct ruleset *ruleset =
		compile(content, "Server (Request Security)", NULL);
	const struct policy_qm_policy *qm = ruleset->rules[1]->treatment->qm->policy;

	(void)state;
	assert_int_equal(ruleset->n_rules, 3);
	assert_default_response(ruleset);
	assert_main_mode(ruleset, "Server (Request Security)");
	assert_actions(ruleset->rules[1], IPSECDRV_ACTION_NEGOTIATE, IPSECDRV_ACTION_PERMIT);
	assert_actions(ruleset->rules[2], IPSECDRV_ACTION_PERMIT, IPSECDRV_ACTION_PERMIT);
	assert_string_equal(qm->name, "Request Security (Optional)");
	assert_true(qm->soft);
	assert_int_equal(qm->pfs_group, POLICY_PFS_NONE);
	assert_int_equal(qm->n_offers, 4);
	assert_int_equal(qm->offers[0].lifetime_seconds, 900);
	assert_int_equal(qm->offers[0].lifetime_kilobytes, 100000);
	assert_null(ruleset->rules[2]->treatment->qm);
	assert_int_equal(ruleset->rules[2]->treatment->rule->n_methods, 0);
	assert_server_filters(ruleset);
	store_content_free(content);
}

static void test_secure_server(void **state)
{
	struct store_content *content = store_examples_new();
	_cleanup_(ruleset_freep) struct ruleset *ruleset =
		compile(content, "Secure Server (Require Security)", NULL);
	const struct policy_qm_policy *qm = ruleset->rules[1]->treatment->qm->policy;

	(void)state;
	assert_int_equal(ruleset->n_rules, 3);
	assert_string_equal(qm->name, "Require Security");
	assert_false(qm->soft);
	assert_int_equal(qm->n_offers, 4);
	assert_server_filters(ruleset);
	store_content_free(content);
}

/* --- the telnet example ------------------------------------------------------------------- */

static const char telnet[] =
	"static add filteraction name=Block action=block\n"
	"static add filteraction name=Secure action=negotiate inpass=no soft=no "
		"qmsecmethods=\"ESP[3DES,SHA1]:100000k/3600s\"\n"
	"static add filterlist name=In-Telnet\n"
	"static add filter filterlist=In-Telnet srcaddr=any dstaddr=me protocol=TCP dstport=23\n"
	"static add filterlist name=Partner\n"
	"static add filter filterlist=Partner srcaddr=10.0.0.2 dstaddr=me protocol=TCP dstport=23\n"
	"static add policy name=AndyPol activatedefaultrule=no\n"
	"static add rule name=telnet policy=AndyPol filterlist=In-Telnet filteraction=Block\n"
	"static add rule name=partner policy=AndyPol filterlist=Partner filteraction=Secure "
		"psk=ABC123\n";

static void test_telnet(void **state)
{
	struct store_content *content = test_content_from(telnet);
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile(content, "AndyPol", NULL);
	_cleanup_(layers_freep) struct layers *layers = build(ruleset, NULL);

	(void)state;
	assert_int_equal(ruleset->n_rules, 2);
	assert_int_equal(ruleset->n_qms, 1);
	assert_actions(ruleset->rules[0], IPSECDRV_ACTION_BLOCK, IPSECDRV_ACTION_BLOCK);
	assert_actions(ruleset->rules[1], IPSECDRV_ACTION_NEGOTIATE, IPSECDRV_ACTION_NEGOTIATE);
	assert_string_equal(text_of(ruleset->rules[0]),
			    "rule \"telnet\" of policy \"AndyPol\" (local): srcaddr=any dstaddr=me "
			    "protocol=TCP srcport=0 dstport=23");
	assert_int_equal(layers->n_filters, 3);
	assert_int_equal(layers->n_mms, 1);
	assert_null(layers->default_rule);
	store_content_free(content);
}

/* --- field by field ----------------------------------------------------------------------- */

/* A policy "p" of one rule "r" (list "l", action "a") and what the tags add to each. */
static struct ruleset *compile_one(const char *policy, const char *rule, const char *action,
				   const char *filter)
{
	struct ruleset *ruleset = NULL;
	struct store_content *content;
	char *script;
	int r;

	assert_true(asprintf(&script,
			     "static add filteraction name=a %s\n"
			     "static add filterlist name=l\n"
			     "static add filter filterlist=l %s\n"
			     "static add policy name=p activatedefaultrule=no %s\n"
			     "static add rule name=r policy=p filterlist=l filteraction=a %s\n",
			     action, filter, policy, rule) > 0);
	content = test_content_from(script);
	r = compile_policy(content->policies[0], RULESET_LAYER_LOCAL, NULL, &ruleset, &fault);
	if (r)
		assert_null(ruleset);
	store_content_free(content);
	free(script);
	return ruleset;
}

#define FILTER "srcaddr=me dstaddr=10.0.0.2"

static void test_actions(void **state)
{
	static const struct {
		const char *tags;
		enum ipsecdrv_action outbound, inbound;
		bool negotiates;
	} rows[] = {
		{ "action=permit", IPSECDRV_ACTION_PERMIT, IPSECDRV_ACTION_PERMIT, false },
		{ "action=permit inpass=yes soft=yes", IPSECDRV_ACTION_PERMIT,
		  IPSECDRV_ACTION_PERMIT, false },
		{ "action=block", IPSECDRV_ACTION_BLOCK, IPSECDRV_ACTION_BLOCK, false },
		{ "action=block inpass=yes", IPSECDRV_ACTION_BLOCK, IPSECDRV_ACTION_BLOCK, false },
		{ "action=negotiate", IPSECDRV_ACTION_NEGOTIATE, IPSECDRV_ACTION_NEGOTIATE, true },
		{ "action=negotiate inpass=yes", IPSECDRV_ACTION_NEGOTIATE,
		  IPSECDRV_ACTION_PERMIT, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(ruleset_freep) struct ruleset *ruleset =
			compile_one("", "", rows[i].tags, FILTER);

		if (!ruleset)
			fail_msg("%s: %s", rows[i].tags, fault.text);
		assert_actions(ruleset->rules[0], rows[i].outbound, rows[i].inbound);
		assert_int_equal(ruleset->n_qms, rows[i].negotiates);
		assert_int_equal(ruleset->rules[0]->treatment->mm != NULL, rows[i].negotiates);
		assert_int_equal(ruleset->rules[0]->treatment->rule->n_methods, rows[i].negotiates);
	}
}

static void test_policy_fields(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *plain = compile_one(
		"qmpermm=7 mmlifetime=10 mmsecmethods=\"AES256-SHA256-14 3DES-SHA1-2\" "
		"softsaexpirationtime=60",
		"", "", FILTER);
	_cleanup_(ruleset_freep) struct ruleset *pfs =
		compile_one("mmpfs=yes qmpermm=7", "", "", FILTER);
	const struct policy_mm_policy *mm = plain->mms[0]->policy;

	(void)state;
	assert_int_equal(mm->quick_modes, 7);
	assert_int_equal(mm->lifetime_minutes, 10);
	assert_int_equal(mm->soft_sa_seconds, 60);
	assert_int_equal(mm->n_offers, 2);
	assert_int_equal(mm->offers[0].cipher, POLICY_CIPHER_AES256);
	assert_int_equal(pfs->mms[0]->policy->quick_modes, 1);
	assert_int_equal(pfs->mms[0]->policy->soft_sa_seconds, 300);
}

static void test_action_fields(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile_one(
		"", "", "soft=yes qmpfs=yes qmsecmethods=\"AH[MD5] ESP[DES,MD5]:20480k/300s\"", FILTER);
	const struct policy_qm_policy *qm = ruleset->qms[0]->policy;

	(void)state;
	assert_string_equal(qm->name, "a");
	assert_true(qm->soft);
	assert_int_equal(qm->pfs_group, POLICY_PFS_MAIN_MODE);
	assert_int_equal(qm->n_offers, 2);
	assert_true(qm->offers[0].has_ah);
	assert_int_equal(qm->offers[1].lifetime_seconds, 300);
}

static void test_rule_fields(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile_one(
		"", "conntype=lan kerberos=yes psk=k", "", "srcaddr=me dstaddr=10.0.0.0/24 "
		"protocol=UDP srcport=500 dstport=5");
	_cleanup_(ruleset_freep) struct ruleset *inactive =
		compile_one("", "activate=no", "", FILTER);
	const struct ruleset_rule *rule = ruleset->rules[0];
	const struct policy_rule *treatment = rule->treatment->rule;

	(void)state;
	assert_int_equal(treatment->connection, POLICY_CONNECTION_LAN);
	assert_int_equal(treatment->n_methods, 2);
	assert_int_equal(treatment->methods[0].kind, POLICY_METHOD_KERBEROS);
	assert_string_equal(treatment->methods[1].secret, "k");
	assert_string_equal(treatment->mm_policy, "p");
	assert_string_equal(treatment->qm_policy, "a");
	assert_string_equal(rule->treatment->name, "r");
	assert_string_equal(rule->treatment->policy, "p");
	assert_int_equal(rule->protocol, 17);
	assert_int_equal(rule->source_port, 500);
	assert_int_equal(rule->destination_port, 5);
	assert_true(rule->mirrored);
	assert_int_equal(inactive->n_rules, 0);
	assert_int_equal(inactive->n_qms, 0);
}

/* Rules of one action share its policy, filters of one rule its treatment. */
static void test_sharing(void **state)
{
	struct store_content *content = test_content_from(
		"static add filteraction name=a\n"
		"static add filterlist name=l\n"
		"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.2\n"
		"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.3\n"
		"static add filterlist name=m\n"
		"static add filter filterlist=m srcaddr=me dstaddr=10.0.0.4 mirrored=yes\n"
		"static add policy name=p activatedefaultrule=no\n"
		"static add rule name=r policy=p filterlist=l filteraction=a\n"
		"static add rule name=s policy=p filterlist=m filteraction=a psk=x\n");
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile(content, "p", NULL);

	(void)state;
	assert_int_equal(ruleset->n_rules, 3);
	assert_int_equal(ruleset->n_qms, 1);
	assert_ptr_equal(ruleset->rules[0]->treatment, ruleset->rules[1]->treatment);
	assert_ptr_not_equal(ruleset->rules[0]->treatment, ruleset->rules[2]->treatment);
	assert_ptr_equal(ruleset->rules[2]->treatment->qm, ruleset->qms[0]);
	/* what is common to a hundred thousand filters is not in them */
	assert_true(sizeof(struct ruleset_rule) <= 136);
	store_content_free(content);
}

/* Rules that negotiate do it between the addresses of the list's main mode filters, if it has some. */
static void test_main_mode_filters(void **state)
{
	struct store_content *content = test_content_from(
		"static add filteraction name=a\n"
		"static add filteraction name=b action=block\n"
		"static add filterlist name=l\n"
		"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.0/8 protocol=TCP dstport=23\n"
		"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.2 mainmode=yes\n"
		"static add policy name=p activatedefaultrule=no\n"
		"static add rule name=r policy=p filterlist=l filteraction=a conntype=lan psk=x\n"
		"static add rule name=s policy=p filterlist=l filteraction=b conntype=dialup\n");
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile(content, "p", NULL);
	_cleanup_(layers_freep) struct layers *layers = build(ruleset, NULL);

	(void)state;
	assert_int_equal(ruleset->n_rules, 3);
	assert_int_equal(ruleset->rules[0]->treatment->rule->main_mode, POLICY_MAIN_MODE_OTHERS);
	assert_int_equal(ruleset->rules[1]->treatment->rule->main_mode, POLICY_MAIN_MODE_ONLY);
	assert_null(ruleset->rules[1]->treatment->qm);
	assert_string_equal(ruleset->rules[1]->treatment->rule->methods[0].secret, "x");
	/* to block is not main mode's affair */
	assert_int_equal(ruleset->rules[2]->treatment->rule->main_mode, POLICY_MAIN_MODE_OWN);
	assert_int_equal(layers->n_filters, 2);
	assert_int_equal(layers->n_mms, 1);
	assert_int_equal(layers->mms[0].remote.addr.bytes[3], 2);
	store_content_free(content);
}

/* A list of mirrored filters is no reason for a mirrored tunnel. */
static void test_tunnel(void **state)
{
	struct store_content *content = test_content_from(
		"static add filteraction name=a\n"
		"static add filterlist name=out\n"
		"static add filter filterlist=out srcaddr=10.1.0.0/16 dstaddr=10.2.0.0/16\n"
		"static add filterlist name=in\n"
		"static add filter filterlist=in srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 mirrored=no\n"
		"static add policy name=p activatedefaultrule=no\n"
		"static add rule name=o policy=p filterlist=out filteraction=a tunnel=10.0.0.9 psk=k\n"
		"static add rule name=i policy=p filterlist=in filteraction=a tunnel=10.0.0.1 psk=k\n");
	_cleanup_(ruleset_freep) struct ruleset *ruleset = compile(content, "p", NULL);
	_cleanup_(layers_freep) struct layers *layers = build(ruleset, NULL);
	const struct kernel_filter *filter = &layers->filters[0].filter;

	(void)state;
	assert_false(ruleset->rules[0]->mirrored);
	assert_int_equal(layers->n_filters, 1);
	assert_int_equal(filter->class, IPSECDRV_FILTER_CLASS_TUNNEL);
	assert_int_equal(filter->outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_int_equal(filter->inbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_int_equal(layers->filters[0].tunnel_fault, TUNNEL_FAULT_NONE);
	store_content_free(content);
}

static void assert_refused(const char *policy, const char *rule, const char *action,
			   const char *filter, const char *sentence)
{
	assert_null(compile_one(policy, rule, action, filter));
	if (!strstr(fault.text, sentence))
		fail_msg("\"%s\" is not in \"%s\"", sentence, fault.text);
}

static void test_refused(void **state)
{
	struct store_content *content = test_content_from(telnet);
	struct ruleset *ruleset = NULL;

	(void)state;
	assert_refused("", "", "", FILTER " mirrored=no",
		       "rule \"r\" of policy \"p\", filter from me to 10.0.0.2 of \"l\": ");
	assert_refused("", "", "", FILTER " mirrored=no", "needs both directions");
	assert_refused("", "tunnel=10.0.0.9", "", FILTER " protocol=TCP", "all protocols");
	content->policies[0]->rules[1]->list = NULL;
	assert_int_not_equal(compile_policy(content->policies[0], RULESET_LAYER_LOCAL, NULL,
					    &ruleset, &fault), 0);
	assert_non_null(strstr(fault.text, "rule \"telnet\" of policy \"AndyPol\": its filter list"));
	assert_int_equal(store_content_link(content), 0);
	content->policies[0]->rules[2]->action = NULL;
	assert_int_not_equal(compile_policy(content->policies[0], RULESET_LAYER_LOCAL, NULL,
					    &ruleset, &fault), 0);
	assert_non_null(strstr(fault.text, "its filter action does not exist"));
	content->actions[1]->n_offers = 0;
	assert_int_equal(store_content_link(content), 0);
	assert_int_not_equal(compile_policy(content->policies[0], RULESET_LAYER_LOCAL, NULL,
					    &ruleset, &fault), 0);
	assert_non_null(strstr(fault.text, "filter action \"Secure\" of policy \"AndyPol\""));
	assert_null(ruleset);
	store_content_free(content);
}

/* --- the same traffic --------------------------------------------------------------------- */

/* Two rules for 10.0.0.2 by actions of other names: whether check and driver take them. */
static void assert_agreed(const char *first, const char *second, const char *id, bool is_taken)
{
	char text[1024];
	struct store_content *content;
	_cleanup_(ruleset_freep) struct ruleset *ruleset = NULL;
	struct store_findings findings;
	struct layers *layers = NULL;
	bool is_found = false;

	snprintf(text, sizeof(text),
		 "static add filteraction name=a %s\nstatic add filteraction name=b %s\n"
		 "static add filterlist name=l\n"
		 "static add filter filterlist=l srcaddr=me dstaddr=10.0.0.2\n"
		 "static add filterlist name=k\n"
		 "static add filter filterlist=k srcaddr=10.0.0.2 dstaddr=me\n"
		 "static add policy name=p activatedefaultrule=no\n"
		 "static add rule name=r policy=p filterlist=l filteraction=a psk=x\n"
		 "static add rule name=s policy=p filterlist=k filteraction=b psk=x\n",
		 first, second);
	content = test_content_from(text);
	assert_int_equal(store_policy_find(content, content->policies[0], NULL, &findings), 0);
	for (size_t i = 0; i < findings.n; i++)
		is_found = is_found || !strcmp(findings.list[i].id, id);
	assert_true(is_found);
	store_findings_done(&findings);
	ruleset = compile(content, "p", NULL);
	assert_int_equal(!layers_build(&ruleset, 1, &test_no_names, NULL, &layers, &fault),
			 is_taken);
	if (is_taken)
		assert_int_equal(layers->n_filters, 1);
	else
		assert_int_equal(fault.number, 13008);
	layers_free(layers);
	store_content_free(content);
}

static void test_same_traffic(void **state)
{
	(void)state;
	assert_agreed("action=block", "action=block", "same-traffic", true);
	assert_agreed("action=negotiate qmsecmethods=ESP[AES128,SHA1]",
		      "action=negotiate qmsecmethods=ESP[AES128,SHA1]", "same-traffic", true);
	assert_agreed("action=negotiate qmsecmethods=ESP[AES128,SHA1]",
		      "action=negotiate qmsecmethods=ESP[AES256,SHA1]", "same-traffic-conflict",
		      false);
	assert_agreed("action=block", "action=permit", "same-traffic-conflict", false);
}

/* --- versions ----------------------------------------------------------------------------- */

static void set_guids(struct store_content *content)
{
	for (size_t i = 0; i < content->n_policies; i++)
		for (size_t j = 0; j < content->policies[i]->n_rules; j++)
			assert_int_equal(sd_id128_randomize(
				&content->policies[i]->rules[j]->head.guid), 0);
}

static uint64_t version_of(const struct ruleset *ruleset, size_t rule)
{
	return ruleset->rules[rule]->treatment->version;
}

static void test_versions(void **state)
{
	struct store_content *content = test_content_from(telnet);
	struct store_policy *policy = content->policies[0];
	struct store_rule *partner = policy->rules[2];
	struct ruleset *first, *second;

	(void)state;
	set_guids(content);
	first = compile(content, "AndyPol", NULL);
	/* nothing, names, and actions do not concern negotiations */
	free(partner->head.name);
	partner->head.name = strdup("friend");
	free(content->actions[1]->head.name);
	content->actions[1]->head.name = strdup("Other");
	content->actions[1]->inpass = true;
	second = compile(content, "AndyPol", first);
	assert_int_equal(version_of(second, 0), version_of(first, 0));
	assert_int_equal(version_of(second, 1), version_of(first, 1));
	assert_string_equal(second->rules[1]->treatment->name, "friend");
	assert_actions(second->rules[1], IPSECDRV_ACTION_NEGOTIATE, IPSECDRV_ACTION_PERMIT);
	ruleset_free(first);
	/* another key does, of the one rule */
	free(partner->methods[0].secret);
	partner->methods[0].secret = strdup("other");
	first = compile(content, "AndyPol", second);
	assert_int_equal(version_of(first, 0), version_of(second, 0));
	assert_true(version_of(first, 1) > version_of(second, 1));
	ruleset_free(second);
	/* another offer of main mode does, of what negotiates */
	policy->n_offers = 1;
	second = compile(content, "AndyPol", first);
	assert_int_equal(version_of(second, 0), version_of(first, 0));
	assert_true(version_of(second, 1) > version_of(first, 1));
	ruleset_free(first);
	/* another rule is another one, even if it says the same */
	assert_int_equal(sd_id128_randomize(&partner->head.guid), 0);
	first = compile(content, "AndyPol", second);
	assert_true(version_of(first, 1) > version_of(second, 1));
	ruleset_free(first);
	ruleset_free(second);
	store_content_free(content);
}

/* --- size --------------------------------------------------------------------------------- */

#define RULES	10000
#define FILTERS	10

static struct store_filter_list *some_list(uint32_t number)
{
	struct store_filter_list *list = store_filter_list_new();

	assert_true(asprintf(&list->head.name, "l%u", number) > 0);
	for (uint32_t i = 0; i < FILTERS; i++) {
		struct store_filter *filter = store_filter_new();

		filter->source.kind = POLICY_ADDRESS_ME;
		filter->destination.kind = POLICY_ADDRESS_IP;
		filter->destination.addr = ip_addr_v4(0x0a000000 + number * FILTERS + i);
		filter->destination.mask = ip_addr_v4(0xffffffff);
		filter->mirrored = true;
		assert_int_equal(store_filter_list_add(list, filter), 0);
	}
	return list;
}

static struct store_content *large_content(void)
{
	struct store_content *content = test_content_from(
		"static add filteraction name=a action=block\n"
		"static add policy name=p activatedefaultrule=no\n");

	for (uint32_t i = 0; i < RULES; i++) {
		struct store_rule *rule = store_rule_new();
		struct store_filter_list *list = some_list(i);

		assert_true(asprintf(&rule->head.name, "r%u", i) > 0);
		rule->filter_list = strdup(list->head.name);
		rule->filter_action = strdup("a");
		rule->is_active = true;
		assert_int_equal(store_content_add_list(content, list), 0);
		assert_int_equal(store_policy_add(content->policies[0], rule), 0);
	}
	set_guids(content);
	assert_int_equal(store_content_link(content), 0);
	return content;
}

/* One rule of ten thousand is another one: its ten filters are, and no other. */
static void test_large(void **state)
{
	struct store_content *content = large_content();
	_cleanup_(ruleset_freep) struct ruleset *first = compile(content, "p", NULL), *second = NULL;
	_cleanup_(layers_freep) struct layers *before = build(first, NULL), *after = NULL;
	struct store_filter_action *permit = store_filter_action_new();
	size_t n_changed = 0;

	(void)state;
	assert_int_equal(before->n_filters, RULES * FILTERS);
	permit->head.name = strdup("b");
	permit->action = IPSECDRV_ACTION_PERMIT;
	assert_int_equal(store_content_add_action(content, permit), 0);
	content->policies[0]->rules[RULES / 2]->action = permit;
	second = compile(content, "p", first);
	after = build(second, before);
	assert_int_equal(after->n_filters, RULES * FILTERS);
	for (size_t i = 0; i < after->n_filters; i++) {
		assert_int_equal(after->filters[i].filter.id, before->filters[i].filter.id);
		n_changed += after->filters[i].filter.outbound !=
			     before->filters[i].filter.outbound;
	}
	assert_int_equal(n_changed, FILTERS);
	store_content_free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_secure_server),
		cmocka_unit_test(test_telnet),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_policy_fields),
		cmocka_unit_test(test_action_fields),
		cmocka_unit_test(test_rule_fields),
		cmocka_unit_test(test_sharing),
		{ "K28 C19 main mode filters of a stored list", test_main_mode_filters, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_same_traffic),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
