/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEST_UTIL_H
#define AGENT_TEST_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/dynamic.h"
#include "agent/expand.h"
#include "policy/fault.h"
#include "policy/text.h"

/* Helpers of the agent's tests: objects from the tags of the command line. */

static inline struct ip_addr test_addr(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return addr;
}

#define TEST_PARSE(type, tags, object, given)                                            \
	do {                                                                             \
		char why_[POLICY_WHY_LEN], *copy_ = strdup(tags), *save_ = NULL;         \
		assert_non_null(copy_);                                                  \
		for (char *tag_ = strtok_r(copy_, " ", &save_); tag_;                    \
		     tag_ = strtok_r(NULL, " ", &save_)) {                               \
			char *value_ = strchr(tag_, '=');                                \
			assert_non_null(value_);                                         \
			*value_++ = '\0';                                                \
			for (char *at_ = value_; *at_; at_++)                            \
				*at_ = *at_ == '~' ? ' ' : *at_;                         \
			if (policy_##type##_set_tag(object, tag_, value_, given, why_)) \
				fail_msg("%s=%s: %s", tag_, value_, why_);               \
		}                                                                        \
		free(copy_);                                                             \
	} while (0)

/* "~" in a value stands for a blank. */
static inline struct policy_rule *test_rule(const char *tags, uint32_t *ret_given)
{
	struct policy_rule *rule = policy_rule_new();
	uint32_t given = 0;

	assert_non_null(rule);
	TEST_PARSE(rule, tags, rule, &given);
	if (ret_given)
		*ret_given = given;
	return rule;
}

static inline struct policy_mm_policy *test_mm(const char *tags, uint32_t *ret_given)
{
	struct policy_mm_policy *policy = policy_mm_policy_new();
	uint32_t given = 0;

	assert_non_null(policy);
	TEST_PARSE(mm_policy, tags, policy, &given);
	if (ret_given)
		*ret_given = given;
	return policy;
}

static inline struct policy_qm_policy *test_qm(const char *tags, uint32_t *ret_given)
{
	struct policy_qm_policy *policy = policy_qm_policy_new();
	uint32_t given = 0;

	assert_non_null(policy);
	TEST_PARSE(qm_policy, tags, policy, &given);
	if (ret_given)
		*ret_given = given;
	return policy;
}

static inline const struct ip_addr *test_no_lookup(void *userdata,
						   const struct policy_address *address,
						   size_t *ret_n)
{
	(void)userdata;
	(void)address;
	*ret_n = 0;
	return NULL;
}

/* This host is 10.0.0.1 and 2001:db8::1, and packets to every place leave from there. */
static inline int test_find_source(void *userdata, const struct ip_addr *remote,
				   struct ip_addr *ret_addr)
{
	(void)userdata;
	*ret_addr = test_addr(ip_addr_len(remote) == 4 ? "10.0.0.1" : "2001:db8::1");
	return 0;
}

static inline bool test_is_me(void *userdata, const struct ip_addr *addr)
{
	struct ip_addr mine;

	test_find_source(userdata, addr, &mine);
	return ip_addr_is_equal(addr, &mine);
}

static const struct expand_names test_no_names = {
	.lookup = test_no_lookup, .is_me = test_is_me, .find_source = test_find_source,
};

#endif /* AGENT_TEST_UTIL_H */
