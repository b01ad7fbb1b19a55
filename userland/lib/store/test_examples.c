// SPDX-License-Identifier: MIT
/* The values of the original's example policies; its descriptions are its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/examples.h"
#include "store/guid.h"
#include "store/text.h"

static const char original[] =
	"static add filteraction name=Permit action=permit qmsecmethods=\"\"\n"
	"static add filteraction name=\"Request Security (Optional)\" inpass=yes soft=yes "
	"qmsecmethods=\"ESP[3DES,SHA1]:100000k/900s ESP[DES,SHA1]:100000k/900s "
	"AH[SHA1]:100000k/300s AH[MD5]:100000k/300s\"\n"
	"static add filteraction name=\"Require Security\" inpass=yes "
	"qmsecmethods=\"ESP[3DES,SHA1]:100000k/900s ESP[3DES,MD5]:100000k/900s "
	"ESP[DES,SHA1]:100000k/900s ESP[DES,MD5]:100000k/900s\"\n"
	"static add filterlist name=\"All IP Traffic\"\n"
	"static add filter filterlist=\"All IP Traffic\" srcaddr=me dstaddr=any\n"
	"static add filterlist name=\"All ICMP Traffic\"\n"
	"static add filter filterlist=\"All ICMP Traffic\" srcaddr=me dstaddr=any protocol=ICMP\n"
	"static add policy name=\"Client (Respond Only)\"\n"
	"static add policy name=\"Server (Request Security)\"\n"
	"static add rule name=\"Request Security (Optional) Rule\" policy=\"Server (Request Security)\" "
	"filterlist=\"All IP Traffic\" filteraction=\"Request Security (Optional)\"\n"
	"static add rule name=\"Permit unsecure ICMP packets to pass through.\" "
	"policy=\"Server (Request Security)\" filterlist=\"All ICMP Traffic\" filteraction=Permit\n"
	"static add policy name=\"Secure Server (Require Security)\"\n"
	"static add rule name=\"Require Security\" policy=\"Secure Server (Require Security)\" "
	"filterlist=\"All IP Traffic\" filteraction=\"Require Security\"\n"
	"static add rule name=\"Permit unsecure ICMP packets to pass through.\" "
	"policy=\"Secure Server (Require Security)\" filterlist=\"All ICMP Traffic\" "
	"filteraction=Permit\n";

/* In the order of the lists, their filters, actions, policies, their rules and actions. */
static const char *const guids[] = {
	"{7238523A-70FA-11D1-864C-14A300000000}", "{59319BDD-5EE3-11D2-ACE8-0060B0ECCA17}",
	"{72385235-70FA-11D1-864C-14A300000000}", "{5119D263-071D-11D3-AD22-0060B0ECCA17}",
	"{7238523B-70FA-11D1-864C-14A300000000}", "{72385233-70FA-11D1-864C-14A300000000}",
	"{7238523F-70FA-11D1-864C-14A300000000}", "{72385236-70FA-11D1-864C-14A300000000}",
	"{59319C04-5EE3-11D2-ACE8-0060B0ECCA17}", "{59319C01-5EE3-11D2-ACE8-0060B0ECCA17}",
	"{72385230-70FA-11D1-864C-14A300000000}", "{59319BE2-5EE3-11D2-ACE8-0060B0ECCA17}",
	"{59319BDF-5EE3-11D2-ACE8-0060B0ECCA17}", "{72385232-70FA-11D1-864C-14A300000000}",
	"{594272E2-071D-11D3-AD22-0060B0ECCA17}", "{7238523C-70FA-11D1-864C-14A300000000}",
	"{59319BF3-5EE3-11D2-ACE8-0060B0ECCA17}", "{59319BF0-5EE3-11D2-ACE8-0060B0ECCA17}",
	"{7238523E-70FA-11D1-864C-14A300000000}", "{594272FD-071D-11D3-AD22-0060B0ECCA17}",
};

static void drop_description(struct store_head *head)
{
	free(head->description);
	head->description = NULL;
}

static void values(void **state)
{
	struct store_content *content = store_examples_new();
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	(void)state;
	assert_non_null(content);
	assert_string_equal(content->lists[1]->filters[0]->head.description, "ICMP");
	for (size_t i = 0; i < content->n_policies; i++)
		drop_description(&content->policies[i]->head);
	for (size_t i = 0; i < content->n_actions; i++)
		drop_description(&content->actions[i]->head);
	for (size_t i = 0; i < content->n_lists; i++) {
		drop_description(&content->lists[i]->head);
		drop_description(&content->lists[i]->filters[0]->head);
	}
	store_content_print(file, content, true);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(text, original);
	free(text);
	store_content_free(content);
}

static void expect_guid(const struct store_head *head, size_t *place)
{
	char text[STORE_GUID_STRLEN];

	assert_true(*place < sizeof(guids) / sizeof(guids[0]));
	assert_string_equal(store_guid_format(head->guid, text), guids[(*place)++]);
}

static void identities(void **state)
{
	struct store_content *content = store_examples_new();
	size_t place = 0;

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < content->n_lists; i++) {
		assert_int_equal(content->lists[i]->n_filters, 1);
		expect_guid(&content->lists[i]->head, &place);
		expect_guid(&content->lists[i]->filters[0]->head, &place);
	}
	for (size_t i = 0; i < content->n_actions; i++)
		expect_guid(&content->actions[i]->head, &place);
	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		expect_guid(&policy->head, &place);
		for (size_t j = 0; j < policy->n_rules; j++) {
			expect_guid(&policy->rules[j]->head, &place);
			if (policy->rules[j]->own_action)
				expect_guid(&policy->rules[j]->own_action->head, &place);
		}
	}
	assert_int_equal(place, sizeof(guids) / sizeof(guids[0]));
	store_content_free(content);
}

/* What the dump does not print is the default: here it is said. */
static void defaults(void **state)
{
	struct store_content *content = store_examples_new();
	static const char offers[] = "qmsecmethods=\"ESP[3DES,SHA1] ESP[3DES,MD5] ESP[DES,SHA1] "
				     "ESP[DES,MD5] AH[SHA1] AH[MD5]\"";

	(void)state;
	for (size_t i = 0; i < content->n_policies; i++) {
		struct store_change change = {
			.verb = STORE_VERB_SET, .kind = STORE_KIND_DEFAULT_RULE,
			.given = STORE_FIELD_QMSECMETHODS | STORE_FIELD_AUTH | STORE_FIELD_ACTIVATE |
				 STORE_FIELD_QMPFS,
			.rule = store_policy_default_rule(content->policies[i]),
		};
		char *text = NULL;
		size_t len;
		FILE *file = open_memstream(&text, &len);

		store_change_print(file, &change, true);
		assert_int_equal(fclose(file), 0);
		assert_non_null(strstr(text, offers));
		assert_non_null(strstr(text, "qmpfs=no activate=yes"));
		assert_non_null(strstr(text, "kerberos=yes"));
		free(text);
	}
	store_content_free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "A27 the example policies have the original's values", values, NULL, NULL, NULL },
		{ "A27 and its GUIDs", identities, NULL, NULL, NULL },
		{ "A27 their default response rules", defaults, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("store examples", tests, NULL, NULL);
}
