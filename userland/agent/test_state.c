// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

#include "agent/state.h"

static struct fault fault;

static struct ruleset *some_dynamic(void)
{
	struct ruleset *dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);

	assert_non_null(dynamic);
	assert_int_equal(dynamic_add_mm(dynamic,
					test_mm("name=main~mode mmlifetime=60 qmpermm=3 "
						"mmsecmethods=AES256-SHA256-14~3DES-SHA1-2",
						NULL),
					&fault),
			 0);
	assert_int_equal(dynamic_add_qm(dynamic,
					test_qm("name=q soft=yes pfsgroup=GRPMM "
						"qmsecmethods=AH[SHA1]:30000k/900s~ESP[3DES,MD5]~"
						"ESP[AESGCM256]",
						NULL),
					&fault),
			 0);
	assert_int_equal(dynamic_add_rule(dynamic,
					  test_rule("srcaddr=me dstaddr=10.0.0.0/8 protocol=tcp "
						    "dstport=445 mmpolicy=main~mode qmpolicy=q "
						    "kerberos=yes psk=S3cret~key",
						    NULL),
					  &fault),
			 0);
	assert_int_equal(dynamic_add_rule(dynamic,
					  test_rule("srcaddr=host.example dstaddr=any "
						    "mirrored=no actioninbound=block "
						    "actionoutbound=permit",
						    NULL),
					  &fault),
			 0);
	assert_int_equal(dynamic_add_rule(dynamic,
					  test_rule("srcaddr=me dstaddr=10.9.0.0/16 psk=k qmpolicy=q "
						    "mmpolicy=main~mode mainmode=others",
						    NULL),
					  &fault),
			 0);
	assert_int_equal(dynamic_add_rule(dynamic,
					  test_rule("srcaddr=me dstaddr=10.9.0.1 psk=k "
						    "mmpolicy=main~mode mainmode=only",
						    NULL),
					  &fault),
			 0);
	return dynamic;
}

static void some_names(struct names *names)
{
	struct ip_addr addrs[] = { test_addr("10.0.0.9"), test_addr("2001:db8::9"),
				   test_addr("10.0.0.9") };

	assert_int_equal(names_set(names, "host.example", addrs, 3), 1);
	assert_int_equal(names_set(names, "HOST.example", addrs, 3), 0);
}

static void assert_same(const struct ruleset *a, const struct ruleset *b)
{
	assert_int_equal(a->n_mms, b->n_mms);
	assert_int_equal(a->n_qms, b->n_qms);
	assert_int_equal(a->n_rules, b->n_rules);
	for (size_t i = 0; i < a->n_mms; i++)
		assert_true(policy_mm_policy_is_equal(a->mms[i]->policy, b->mms[i]->policy));
	for (size_t i = 0; i < a->n_qms; i++)
		assert_true(policy_qm_policy_is_equal(a->qms[i]->policy, b->qms[i]->policy));
	for (size_t i = 0; i < a->n_rules; i++) {
		struct policy_rule x = ruleset_rule_view(a->rules[i]);
		struct policy_rule y = ruleset_rule_view(b->rules[i]);

		assert_true(policy_rule_is_equal(&x, &y));
	}
}

static int encode(struct ruleset *dynamic, const struct names *names, uint8_t **ret_data,
		  size_t *ret_len)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT] = { [RULESET_LAYER_DYNAMIC] = dynamic };

	return state_encode(rulesets, names, ret_data, ret_len);
}

static int decode(const uint8_t *data, size_t len, struct ruleset **ret_dynamic,
		  struct names *ret_names, struct fault *ret_fault)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT] = { NULL };
	int r = state_decode(data, len, rulesets, ret_names, ret_fault);

	assert_null(rulesets[RULESET_LAYER_IPSECPOL]);
	*ret_dynamic = rulesets[RULESET_LAYER_DYNAMIC];
	return r;
}

/* What ipsecpol made is in force until the service stops, and a crash is no stop. */
static void test_ipsecpol(void **state)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT] = { NULL }, *after[RULESET_LAYER_COUNT] = { NULL };
	_cleanup_(names_done) struct names names = { 0 }, names_after = { 0 };
	uint8_t *data = NULL;
	size_t len;

	(void)state;
	rulesets[RULESET_LAYER_DYNAMIC] = some_dynamic();
	rulesets[RULESET_LAYER_IPSECPOL] = ruleset_new(RULESET_LAYER_IPSECPOL);
	assert_int_equal(dynamic_add_rule(rulesets[RULESET_LAYER_IPSECPOL],
					  test_rule("srcaddr=me dstaddr=10.7.0.1 interface=eth0 actioninbound=block "
						    "actionoutbound=block", NULL), &fault), 0);
	assert_int_equal(state_encode(rulesets, &names, &data, &len), 0);
	assert_int_equal(state_decode(data, len, after, &names_after, &fault), 0);
	assert_same(rulesets[RULESET_LAYER_IPSECPOL], after[RULESET_LAYER_IPSECPOL]);
	assert_same(rulesets[RULESET_LAYER_DYNAMIC], after[RULESET_LAYER_DYNAMIC]);
	assert_int_equal(after[RULESET_LAYER_IPSECPOL]->layer, RULESET_LAYER_IPSECPOL);
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++) {
		ruleset_free(rulesets[i]);
		ruleset_free(after[i]);
	}
	wipe_free(data, len);
}

static void test_round_trip(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *before = some_dynamic(), *after = NULL;
	_cleanup_(names_done) struct names names = { 0 }, names_after = { 0 };
	uint8_t *data = NULL;
	size_t len;

	(void)state;
	some_names(&names);
	assert_int_equal(encode(before, &names, &data, &len), 0);
	if (decode(data, len, &after, &names_after, &fault))
		fail_msg("%s", fault.text);
	assert_same(before, after);
	assert_ptr_equal(after->rules[0]->treatment->mm, after->mms[0]);
	assert_int_equal(names_after.n, 1);
	assert_int_equal(names_find(&names_after, "host.EXAMPLE")->n_addrs, 2);
	wipe_free(data, len);
}

/* More than the first buffer holds. */
static void test_many(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *before = some_dynamic(), *after = NULL;
	_cleanup_(names_done) struct names names = { 0 }, names_after = { 0 };
	uint8_t *data = NULL;
	size_t len;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		char tags[128];

		snprintf(tags, sizeof(tags), "srcaddr=me dstaddr=10.1.%u.%u actioninbound=block "
			 "actionoutbound=block", i / 256, i % 256);
		assert_int_equal(dynamic_add_rule(before, test_rule(tags, NULL), &fault), 0);
	}
	assert_int_equal(encode(before, &names, &data, &len), 0);
	assert_int_equal(decode(data, len, &after, &names_after, &fault), 0);
	assert_same(before, after);
	wipe_free(data, len);
}

/* Whatever is wrong with the bytes is an error and never half a policy. */
static void test_damage(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = some_dynamic();
	_cleanup_(names_done) struct names names = { 0 }, none = { 0 };
	struct ruleset *after = NULL;
	uint8_t *data = NULL;
	size_t len;

	(void)state;
	some_names(&names);
	assert_int_equal(encode(dynamic, &names, &data, &len), 0);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(decode(data, i, &after, &none, &fault), -EBADMSG);
		data[i] ^= 1 << (i % 8);
		assert_int_equal(decode(data, len, &after, &none, &fault), -EBADMSG);
		assert_true(strlen(fault.text) > 0);
		data[i] ^= 1 << (i % 8);
	}
	assert_null(after);
	wipe_free(data, len);
}

/* What an agent before this form left, for an upgrade: a rule of main mode of its own. */
static void test_form_before(void **state)
{
	static const char hex[] =
		"4950445300000004f0cc5616228c159c00000000000000000000000000000001000000016d000000"
		"00000001e00000012c00000004020202020102010201010101000000010000000171000000000002"
		"00010002020000000000000000000100020100000000000000000000000100000000000000000000"
		"00000000000000000000000000000000000000000000000000ffffffff02020a0000020000000000"
		"0000000000000002ffffffff000000000000000000000000ffffffff000000016d00000001710000"
		"0000000100ffffffff03030000000000000000000000000000000000000000000000000000000000"
		"00000000000000ffffffff0000000001010000000000016b00000000";
	_cleanup_(ruleset_freep) struct ruleset *wanted = ruleset_new(RULESET_LAYER_DYNAMIC),
						*after = NULL;
	_cleanup_(names_done) struct names none = { 0 };
	uint8_t data[sizeof(hex) / 2];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &data[i]), 1);
	assert_int_equal(dynamic_add_mm(wanted, test_mm("name=m", NULL), &fault), 0);
	assert_int_equal(dynamic_add_qm(wanted, test_qm("name=q", NULL), &fault), 0);
	assert_int_equal(dynamic_add_rule(wanted, test_rule("srcaddr=me dstaddr=10.0.0.2 mmpolicy=m "
							    "qmpolicy=q psk=k", NULL), &fault), 0);
	assert_int_equal(decode(data, sizeof(data), &after, &none, &fault), 0);
	assert_same(wanted, after);
	/* the checksum is of the rest: other forms are refused by their number */
	data[7] = 3;
	after = ruleset_free(after);
	assert_int_equal(decode(data, sizeof(data), &after, &none, &fault), -EBADMSG);
	data[7] = 6;
	assert_int_equal(decode(data, sizeof(data), &after, &none, &fault), -EBADMSG);
}

struct dir {
	char path[64];
	char file[128];
};

static struct dir dir_new(void)
{
	struct dir dir = { .path = "/tmp/test_state.XXXXXX" };

	assert_non_null(mkdtemp(dir.path));
	snprintf(dir.file, sizeof(dir.file), "%s/%s", dir.path, STATE_FILE);
	return dir;
}

static void assert_content(const char *path, const char *expected)
{
	uint8_t *data = NULL;
	size_t len;

	assert_int_equal(state_read(path, &data, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
	free(data);
}

static void test_file(void **state)
{
	struct dir dir = dir_new();
	uint8_t *data;
	size_t len;
	struct stat st;

	(void)state;
	assert_int_equal(state_read(dir.file, &data, &len), -ENOENT);
	assert_int_equal(state_stage(dir.file, (const uint8_t *)"one", 3), 0);
	assert_int_equal(state_read(dir.file, &data, &len), -ENOENT);
	assert_int_equal(state_publish(dir.file), 0);
	assert_content(dir.file, "one");
	assert_int_equal(stat(dir.file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(state_stage(dir.file, (const uint8_t *)"two", 3), 0);
	state_unstage(dir.file);
	assert_content(dir.file, "one");
	assert_int_equal(chmod(dir.file, 0640), 0);
	assert_int_equal(state_read(dir.file, &data, &len), -EPERM);
	state_remove(dir.file);
	assert_int_equal(state_read(dir.file, &data, &len), -ENOENT);
	assert_int_equal(rmdir(dir.path), 0);
}

/* A symbolic link in the run directory is not followed, neither way. */
static void test_link(void **state)
{
	struct dir dir = dir_new();
	char target[128];
	uint8_t *data;
	size_t len;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", dir.path);
	assert_int_equal(symlink(target, dir.file), 0);
	assert_int_equal(state_read(dir.file, &data, &len), -ELOOP);
	assert_int_equal(state_stage(dir.file, (const uint8_t *)"x", 1), 0);
	assert_int_equal(state_publish(dir.file), 0);
	assert_int_equal(access(target, F_OK), -1);
	assert_content(dir.file, "x");
	state_remove(dir.file);
	assert_int_equal(rmdir(dir.path), 0);
}

static void test_retain(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = some_dynamic();
	_cleanup_(names_done) struct names names = { 0 };
	struct ip_addr addr = test_addr("10.0.0.1");

	(void)state;
	some_names(&names);
	assert_int_equal(dynamic_add_rule(dynamic, test_rule("srcaddr=10.1.0.0/16 dstaddr=10.2.0.0/16 "
							     "mirrored=no tunneldstaddress=gate.example "
							     "actioninbound=block actionoutbound=block",
							     NULL), &fault), 0);
	assert_int_equal(names_set(&names, "other.example", &addr, 1), 1);
	assert_int_equal(names_set(&names, "Gate.example", &addr, 1), 1);
	assert_int_equal(names_set(&names, "gate.EXAMPLE", &addr, 1), 0);
	assert_int_equal(names_set(&names, "a.example", &addr, 1), 1);
	assert_int_equal(names_set(&names, "zz.example", &addr, 1), 1);
	assert_int_equal(names.n, 5);
	for (size_t i = 1; i < names.n; i++)
		assert_true(strcasecmp(names.names[i - 1].name, names.names[i].name) < 0);
	names_retain(&names, &dynamic, 1);
	assert_non_null(names_find(&names, "host.example"));
	assert_non_null(names_find(&names, "gate.example"));
	assert_null(names_find(&names, "other.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_many),
		cmocka_unit_test(test_ipsecpol),
		cmocka_unit_test(test_damage),	   cmocka_unit_test(test_file),
		cmocka_unit_test(test_form_before),
		cmocka_unit_test(test_link),	   cmocka_unit_test(test_retain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
