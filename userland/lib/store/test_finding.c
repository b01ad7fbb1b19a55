// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/address.h"
#include "store/examples.h"
#include "store/finding.h"
#include "store/test_content.h"

#define KEY "\"a key of 16 bytes or more\""

/* A policy that nothing can be said about, and a second list for more rules. */
static const char base[] =
	"static add filteraction name=secure qmsecmethods=ESP[AES128,SHA256]\n"
	"static add filteraction name=drop action=block\n"
	"static add filterlist name=l\n"
	"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.0/8\n"
	"static add filterlist name=m\n"
	"static add policy name=p mmsecmethods=AES128-SHA256-14\n"
	"static set defaultrule policy=p qmsecmethods=ESP[AES128,SHA256]\n"
	"static add rule name=r policy=p filterlist=l filteraction=secure\n";

#define M_OTHER "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8\n"
#define M_SAME "static add filter filterlist=m srcaddr=me dstaddr=10.0.0.0/8\n"
#define RULE "static add rule name=r2 policy=p filterlist=m filteraction="

/* What is added to the base: once with the finding, and nothing else, and once without any. */
static const struct finding_case {
	const char *id;
	const char *bad;
	const char *object;
	const char *fault;
	const char *good;
} cases[] = {
	{ "invalid", "static add filter filterlist=l srcaddr=me dstaddr=11.0.0.0/8 dstport=80\n",
	  "rule \"r\" of policy \"p\"", "protocol=TCP or UDP",
	  "static add filter filterlist=l srcaddr=me dstaddr=11.0.0.0/8 protocol=TCP dstport=80\n" },
	{ "invalid",
	  "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8 mirrored=no\n"
	  RULE "drop tunnel=10.0.0.0/8\n", "rule \"r2\"", "tunnel",
	  M_OTHER RULE "drop\n" },
	{ "dangling-list", "static add rule name=r2 policy=p filterlist=gone filteraction=drop\n",
	  "rule \"r2\" of policy \"p\"", "no filter list \"gone\"", M_OTHER RULE "drop\n" },
	{ "dangling-action", M_OTHER RULE "gone\n", "rule \"r2\"", "no filter action \"gone\"",
	  M_OTHER RULE "drop\n" },
	{ "no-offers", M_OTHER "static add filteraction name=a qmsecmethods=\"\"\n" RULE "a\n",
	  "rule \"r2\"", "nothing to offer",
	  M_OTHER "static add filteraction name=a action=permit qmsecmethods=\"\"\n" RULE "a\n" },
	{ "no-authentication", M_OTHER RULE "secure kerberos=no\n", "rule \"r2\"", "authentication",
	  M_OTHER RULE "drop kerberos=no\n" },
	{ "certificates-apart", M_OTHER RULE "secure rootca=CN=A kerberos=yes rootca=CN=B\n",
	  "rule \"r2\"", "between", M_OTHER RULE "secure rootca=CN=A rootca=CN=B kerberos=yes\n" },
	{ "one-way-negotiate",
	  "static add filter filterlist=l srcaddr=me dstaddr=11.0.0.0/8 mirrored=no\n"
	  "static add filter filterlist=l srcaddr=me dstaddr=12.0.0.0/8 mirrored=no\n",
	  "rule \"r\"", "filter srcaddr=me dstaddr=11.0.0.0/8 mirrored=no and 1 more of filter list "
	  "\"l\": one direction",
	  "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8 mirrored=no\n" RULE
	  "drop\n" },
	{ "tunnel-filter-port",
	  "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8 mirrored=no protocol=UDP\n"
	  RULE "secure tunnel=10.0.0.1\n", "rule \"r2\"", "protocol=UDP",
	  "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8 mirrored=no\n"
	  RULE "secure tunnel=10.0.0.1\n" },
	{ "mirrored-tunnel", M_OTHER RULE "secure tunnel=10.0.0.1\n", "rule \"r2\"", "one direction",
	  "static add filter filterlist=m srcaddr=me dstaddr=11.0.0.0/8 mirrored=no\n"
	  RULE "secure tunnel=10.0.0.1\n" },
	{ "server-not-me", "static add filter filterlist=l srcaddr=10.0.0.0/8 dstaddr=WINS\n",
	  "rule \"r\"", "dstaddr=WINS", "static add filter filterlist=l srcaddr=me dstaddr=WINS\n" },
	{ "same-traffic-conflict", M_SAME RULE "drop\n", "rule \"r2\"", "rule \"r\" does something",
	  "static add filter filterlist=m srcaddr=me dstaddr=10.0.0.0/9\n" RULE "drop\n" },
	{ "same-traffic-conflict",
	  "static add filter filterlist=m srcaddr=10.0.0.0/8 dstaddr=me mirrored=no\n" RULE "drop\n",
	  "rule \"r2\"", "dstaddr=me mirrored=no of filter list \"m\": rule \"r\"",
	  M_SAME RULE "drop conntype=lan\n" },
	{ "same-traffic-conflict",
	  "static add filter filterlist=l srcaddr=any dstaddr=11.0.0.0/8\n"
	  "static add filter filterlist=m srcaddr=0.0.0.0/0 dstaddr=11.0.0.0/8\n" RULE "drop\n",
	  "rule \"r2\"", "srcaddr=0.0.0.0/0",
	  "static add filter filterlist=m srcaddr=me dstaddr=any protocol=TCP mirrored=no\n"
	  "static add filter filterlist=m srcaddr=any dstaddr=me protocol=TCP mirrored=no\n"
	  RULE "drop\n" },
	{ "same-traffic", M_SAME RULE "secure\n", "rule \"r2\"", "does the same",
	  M_OTHER RULE "secure\n" },
	{ "same-traffic", "static add filter filterlist=l srcaddr=10.0.0.0/8 dstaddr=me\n",
	  "filter list \"l\"", "another filter of the list",
	  "static add filter filterlist=l srcaddr=10.0.0.0/8 dstaddr=any\n" },
	{ "same-traffic",
	  "static add filter filterlist=l srcaddr=me dstaddr=any protocol=TCP\n"
	  "static add filter filterlist=m srcaddr=me dstaddr=any protocol=TCP\n"
	  "static add filter filterlist=m srcaddr=10.0.0.0/8 dstaddr=me\n" RULE "secure\n",
	  "rule \"r2\"", "and 1 more of",
	  "static add filter filterlist=m srcaddr=me dstaddr=a.example\n"
	  "static add filter filterlist=m srcaddr=me dstaddr=b.example\n"
	  "static add filter filterlist=m srcaddr=me dstaddr=DNS\n" RULE "secure\n" },
	{ "methods-differ",
	  "static add filter filterlist=m srcaddr=10.0.0.0/8 dstaddr=me protocol=TCP dstport=23\n" RULE
	  "secure psk=" KEY "\n", "rule \"r2\"", "rule \"r\" is for the same two hosts",
	  M_OTHER RULE "secure psk=" KEY "\n" },
	{ "empty-list", RULE "secure\n", "rule \"r2\"", "filter list \"m\" has no filters",
	  M_OTHER RULE "secure\n" },
	{ "weak-cipher",
	  "static set policy name=p mmsecmethods=\"AES128-SHA256-14 DES-SHA1-14 DES-SHA256-14\"\n",
	  "policy \"p\"", "main mode offers DES-SHA1-14 DES-SHA256-14: DES",
	  "static set policy name=p mmsecmethods=\"AES128-SHA256-14 3DES-SHA1-14\"\n" },
	{ "weak-cipher",
	  M_OTHER "static add filteraction name=a qmsecmethods=ESP[DES,SHA1]\n" RULE "a\n",
	  "filter action \"a\"", "quick mode offers ESP[DES,SHA1]",
	  M_OTHER "static add filteraction name=a action=block qmsecmethods=ESP[DES,SHA1]\n"
	  RULE "a\n" },
	{ "weak-cipher", "static set defaultrule policy=p qmsecmethods=ESP[DES,SHA1]\n",
	  "default response rule of policy \"p\"", "DES",
	  "static set defaultrule policy=p qmsecmethods=ESP[3DES,SHA1]\n" },
	{ "weak-group", "static set policy name=p mmsecmethods=AES128-SHA256-1\n", "policy \"p\"",
	  "group 1", "static set policy name=p mmsecmethods=AES128-SHA256-20\n" },
	{ "no-integrity",
	  M_OTHER "static add filteraction name=a qmsecmethods=ESP[AES128,None]\n" RULE "a\n",
	  "filter action \"a\"", "without integrity",
	  M_OTHER "static add filteraction name=a "
	  "qmsecmethods=\"ESP[AESGCM128] AH[SHA1]+ESP[3DES,None]\"\n" RULE "a\n" },
	{ "soft", M_OTHER
	  "static add filteraction name=a soft=yes qmsecmethods=ESP[AES128,SHA256]\n" RULE "a\n",
	  "filter action \"a\"", "in clear",
	  M_OTHER "static add filteraction name=a soft=yes action=permit\n" RULE "a\n" },
	{ "inpass", M_OTHER
	  "static add filteraction name=a inpass=yes qmsecmethods=ESP[AES128,SHA256]\n" RULE "a\n",
	  "filter action \"a\"", "denial of service",
	  M_OTHER "static add filteraction name=a inpass=yes action=block\n" RULE "a\n" },
	{ "psk-placeholder", M_OTHER RULE "secure psk=*\n", "rule \"r2\"", "stands for a key",
	  M_OTHER RULE "secure psk=" KEY "\n" },
	{ "old-hash", "static set policy name=p mmsecmethods=AES128-MD5-14\n", "policy \"p\"", "MD5",
	  "static set policy name=p mmsecmethods=AES128-SHA1-14\n" },
	{ "old-group", "static set policy name=p mmsecmethods=AES128-SHA256-2\n", "policy \"p\"",
	  "group 2", "static set policy name=p mmsecmethods=AES128-SHA256-14\n" },
	{ "weak-psk", M_OTHER RULE "secure psk=ABC123\n", "rule \"r2\"", "short or simple",
	  M_OTHER RULE "secure psk=" KEY "\n" },
	{ "weak-psk", "static set defaultrule policy=p psk=aaaaaaaaaaaaaaaaaaaaaaaa\n",
	  "default response rule", "short or simple",
	  "static set defaultrule policy=p psk=" KEY "\n" },
	{ "certmap", M_OTHER RULE "secure rootca=\"CN=A certmap:yes\"\n", "rule \"r2\"", "in no domain",
	  M_OTHER RULE "secure rootca=\"CN=A certmap:no\"\n" },
	{ "group-negotiate", "static add filter filterlist=l srcaddr=me dstaddr=224.0.0.0/4\n",
	  "rule \"r\"", "multicast", "static add filter filterlist=m srcaddr=me dstaddr=224.0.0.0/4\n"
	  RULE "drop\n" },
	{ "group-negotiate", "static add filter filterlist=l srcaddr=me dstaddr=255.255.255.255\n",
	  "rule \"r\"", "broadcast",
	  "static add filter filterlist=l srcaddr=me dstaddr=255.255.255.254\n" },
	{ "inactive-rule", M_SAME RULE "drop activate=no\n", "rule \"r2\"", "not active",
	  M_OTHER RULE "drop\n" },
	{ "inactive-rule", "static set defaultrule policy=p activate=no\n", "default response rule",
	  "not active", "static set defaultrule policy=p activate=yes\n" },
};

static struct store_findings find(const struct store_content *content,
				  const struct store_check_context *context)
{
	struct store_findings findings;

	assert_int_equal(store_policy_find(content, content->policies[0], context, &findings), 0);
	for (size_t i = 1; i < findings.n; i++)
		assert_true(findings.list[i - 1].severity >= findings.list[i].severity);
	return findings;
}

static struct store_findings find_in(const char *more, const struct store_check_context *context)
{
	char *script = malloc(sizeof(base) + strlen(more));
	struct store_findings findings;
	struct store_content *content;

	assert_non_null(script);
	strcpy(script, base);
	strcat(script, more);
	content = test_content_from(script);
	findings = find(content, context);
	store_content_free(content);
	free(script);
	return findings;
}

static void expect_one(const struct store_findings *findings, const char *id, const char *object,
		       const char *fault)
{
	if (findings->n != 1 || strcmp(findings->list[0].id, id) != 0)
		fail_msg("%s: %zu findings, %s: %s", id, findings->n,
			 findings->n ? findings->list[0].id : "",
			 findings->n ? findings->list[0].fault : "");
	if (!strstr(findings->list[0].object, object) || !strstr(findings->list[0].fault, fault))
		fail_msg("%s: %s: %s", id, findings->list[0].object, findings->list[0].fault);
	assert_true(strlen(findings->list[0].remedy) > 10);
}

static void each_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_findings findings = find_in(cases[i].bad, NULL);

		expect_one(&findings, cases[i].id, cases[i].object, cases[i].fault);
		store_findings_done(&findings);
		findings = find_in(cases[i].good, NULL);
		if (findings.n)
			fail_msg("%s (%zu): %s: %s", cases[i].id, i, findings.list[0].id,
				 findings.list[0].fault);
		store_findings_done(&findings);
	}
}

static void severities(void **state)
{
	struct store_findings findings = find_in(M_SAME RULE "gone psk=ABC123\n", NULL);

	(void)state;
	assert_int_equal(findings.n, 1);
	assert_true(store_findings_has_error(&findings));
	assert_string_equal(store_severity_name(findings.list[0].severity), "error");
	store_findings_done(&findings);
	findings = find_in("static set policy name=p mmsecmethods=\"DES-MD5-2\"\n"
			   "static add rule name=r2 policy=p filterlist=gone filteraction=drop\n",
			   NULL);
	assert_int_equal(findings.n, 4);
	assert_string_equal(findings.list[0].id, "dangling-list");
	assert_string_equal(findings.list[1].id, "weak-cipher");
	assert_string_equal(findings.list[2].id, "old-hash");
	assert_string_equal(findings.list[3].id, "old-group");
	store_findings_done(&findings);
	findings = find_in("", NULL);
	assert_int_equal(findings.n, 0);
	assert_false(store_findings_has_error(&findings));
	store_findings_done(&findings);
}

static void nothing_active(void **state)
{
	struct store_content *content = test_content_from(
		"static add policy name=q activatedefaultrule=no\n");
	struct store_findings findings = find(content, NULL);

	(void)state;
	assert_int_equal(findings.n, 2);
	assert_string_equal(findings.list[0].id, "inactive-rule");
	assert_string_equal(findings.list[1].id, "no-active-rule");
	assert_string_equal(findings.list[1].object, "policy \"q\"");
	store_findings_done(&findings);
	store_content_free(content);
}

static struct store_check_context connection(const char *local, const char *remote)
{
	struct store_check_context context = { .ssh_local_port = 22, .ssh_remote_port = 40000 };

	assert_int_equal(ip_addr_parse(local, &context.ssh_local), 0);
	assert_int_equal(ip_addr_parse(remote, &context.ssh_remote), 0);
	return context;
}

static void expect_ssh(const char *more, const struct store_check_context *context,
		       const char *object, const char *fault)
{
	struct store_findings findings = find_in(more, context);

	if (object)
		expect_one(&findings, "ssh-lock-out", object, fault);
	else
		assert_int_equal(findings.n, 0);
	store_findings_done(&findings);
}

static void lock_out(void **state)
{
	struct store_check_context inside = connection("192.0.2.1", "10.1.2.3");
	struct store_check_context outside = connection("192.0.2.1", "198.51.100.9");
	struct store_check_context six = connection("2001:db8::1", "2001:db8::2");

	(void)state;
	expect_ssh("", &outside, NULL, NULL);
	expect_ssh("", &inside, "rule \"r\"", "from 10.1.2.3 goes on only if that host can negotiate");
	/* the more specific filter counts, whichever rule is first */
	expect_ssh("static add filteraction name=pass action=permit\n"
		   "static add filter filterlist=m srcaddr=any dstaddr=me protocol=TCP dstport=22\n"
		   RULE "pass\n", &outside, NULL, NULL);
	expect_ssh("static add filteraction name=pass action=permit\n"
		   "static add filter filterlist=m srcaddr=10.1.0.0/16 dstaddr=me protocol=TCP dstport=22\n"
		   RULE "pass\n", &inside, NULL, NULL);
	expect_ssh("static add filter filterlist=m srcaddr=any dstaddr=me protocol=TCP dstport=22\n"
		   RULE "drop\n", &outside, "rule \"r2\"", "blocks your own SSH connection from 198");
	expect_ssh("static add filter filterlist=m srcaddr=any dstaddr=me protocol=TCP dstport=22\n"
		   RULE "drop\n", &six, "rule \"r2\"", "blocks");
	expect_ssh("static add filter filterlist=m srcaddr=any dstaddr=me protocol=TCP dstport=23\n"
		   RULE "drop\n", &outside, NULL, NULL);
	expect_ssh("static add filter filterlist=m srcaddr=me dstaddr=any protocol=TCP srcport=22 "
		   "mirrored=no\n" RULE "drop\n", &outside, "rule \"r2\"", "blocks");
	expect_ssh("static add filter filterlist=m srcaddr=any dstaddr=me\n"
		   RULE "drop conntype=dialup\n", &outside, NULL, NULL);
	expect_ssh("static add filter filterlist=m srcaddr=any dstaddr=me\n"
		   RULE "drop activate=yes\n", &outside, "rule \"r2\"", "blocks");
}

static void examples(void **state)
{
	struct store_content *content = store_examples_new();

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < content->n_policies; i++) {
		struct store_findings findings;

		assert_int_equal(store_policy_find(content, content->policies[i], NULL, &findings),
				 0);
		assert_true(findings.n > 0);
		assert_false(store_findings_has_error(&findings));
		store_findings_done(&findings);
	}
	store_content_free(content);
}

static void random_policies(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		struct store_content *content = test_content_random(i);
		struct store_check_context context = connection("192.0.2.1", "10.1.2.3");

		for (size_t j = 0; j < content->n_policies; j++) {
			struct store_findings findings;

			assert_int_equal(store_policy_find(content, content->policies[j], &context,
							   &findings), 0);
			for (size_t k = 0; k < findings.n; k++)
				assert_string_not_equal(findings.list[k].id, "dangling-list");
			store_findings_done(&findings);
		}
		store_content_free(content);
	}
}

/* A list of @n filters for each of 100 rules; every 1,000th filter is for the same as another. */
static struct store_content *make_large(size_t n)
{
	struct store_content *content = test_content_from(base);
	char line[160];

	for (size_t i = 0; i < 100; i++) {
		struct store_filter_list *list = store_filter_list_new();
		struct store_rule *rule = store_rule_copy(content->policies[0]->rules[1]);

		snprintf(line, sizeof(line), "list %zu", i);
		list->head.name = strdup(line);
		free(rule->filter_list);
		rule->filter_list = strdup(line);
		rule->head.name[0] = 'x';
		for (size_t j = 0; j < n / 100; j++) {
			size_t number = i * (n / 100) + j;
			struct store_filter *filter = store_filter_new();

			if (number % 1000 == 999)
				number--;
			filter->destination.kind = POLICY_ADDRESS_IP;
			filter->destination.addr = ip_addr_v4(0x0b000000 + (uint32_t)number);
			filter->destination.mask = policy_mask_from_prefix(2, 32);
			assert_int_equal(store_filter_list_add(list, filter), 0);
		}
		assert_int_equal(store_content_add_list(content, list), 0);
		assert_int_equal(store_policy_add(content->policies[0], rule), 0);
	}
	assert_int_equal(store_content_link(content), 0);
	return content;
}

static void large(void **state)
{
	struct store_content *content = make_large(100000);
	struct store_findings findings;
	clock_t start = clock();

	(void)state;
	findings = find(content, NULL);
	/* with sanitizers on a slow machine; all pairs would be hours */
	assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
	assert_int_equal(findings.n, 100);
	assert_string_equal(findings.list[99].id, "same-traffic");
	store_findings_done(&findings);
	store_content_free(content);
	content = make_large(200000);
	findings = find(content, NULL);
	expect_one(&findings, "too-many-filters", "policy \"p\"", "200000");
	store_findings_done(&findings);
	store_content_free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "F09 F11 each fault is found, and is not where it is none", each_finding, NULL, NULL,
		  NULL },
		{ "errors are told first", severities, NULL, NULL, NULL },
		{ "a policy without active rules", nothing_active, NULL, NULL, NULL },
		{ "the administrator's own connection", lock_out, NULL, NULL, NULL },
		{ "the examples can be put in force", examples, NULL, NULL, NULL },
		{ "whatever a policy is, it is looked at", random_policies, NULL, NULL, NULL },
		{ "100,000 filters", large, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("store findings", tests, NULL, NULL);
}
