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
#include "agent/fault.h"
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

static const struct expand_names test_no_names = { .lookup = test_no_lookup };

#endif /* AGENT_TEST_UTIL_H */
