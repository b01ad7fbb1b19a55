// SPDX-License-Identifier: MIT
/*
 * Any text as the value of each tag: what is taken is good, can be printed, and what is printed is
 * taken again and means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/config.h"
#include "policy/methods.h"

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			abort();	\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_mm(const char *text)
{
	struct policy_mm_offer offers[POLICY_MAX_OFFERS], back[POLICY_MAX_OFFERS];
	char why[POLICY_WHY_LEN] = "", *printed;
	size_t n, n_back;

	if (policy_mm_offers_parse(text, offers, &n, why) < 0) {
		CHECK(*why);
		return;
	}
	for (size_t i = 0; i < n; i++)
		CHECK(!policy_mm_offer_check(&offers[i], why));
	printed = policy_mm_offers_to_text(offers, n);
	CHECK(!policy_mm_offers_parse(printed, back, &n_back, why) && n == n_back);
	for (size_t i = 0; i < n; i++)
		CHECK(offers[i].cipher == back[i].cipher && offers[i].hash == back[i].hash &&
		      offers[i].group == back[i].group);
	free(printed);
}

static void fuzz_qm(const char *text)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *a = policy_qm_policy_new();
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *b = policy_qm_policy_new();
	char why[POLICY_WHY_LEN] = "", *printed;

	if (policy_qm_offers_parse(text, a->offers, &a->n_offers, why) < 0) {
		CHECK(*why);
		return;
	}
	for (size_t i = 0; i < a->n_offers; i++)
		CHECK(!policy_qm_offer_check(&a->offers[i], why));
	printed = policy_qm_offers_to_text(a->offers, a->n_offers);
	CHECK(!policy_qm_offers_parse(printed, b->offers, &b->n_offers, why));
	CHECK(policy_qm_policy_is_equal(a, b));
	free(printed);
}

static void fuzz_address(const char *text)
{
	struct policy_address address, back;
	char why[POLICY_WHY_LEN] = "", *printed;

	if (policy_address_parse(text, &address, why) < 0) {
		CHECK(*why);
		return;
	}
	printed = policy_address_to_text(&address);
	CHECK(!policy_address_parse(printed, &back, why));
	CHECK(policy_address_is_equal(&address, &back));
	free(printed);
	policy_address_clear(&address);
	policy_address_clear(&back);
}

static void fuzz_method(const char *text)
{
	struct policy_method a[POLICY_MAX_METHODS], b[POLICY_MAX_METHODS];
	char why[POLICY_WHY_LEN] = "", *printed;
	size_t n = 0, n_back = 0;

	if (policy_methods_add_text(a, &n, text, why) < 0) {
		CHECK(*why && !n);
		return;
	}
	printed = policy_method_to_text(&a[0], true);
	CHECK(!policy_methods_add_text(b, &n_back, printed, why));
	CHECK(a[0].kind == b[0].kind && a[0].cert_map == b[0].cert_map);
	CHECK(a[0].exclude_ca_name == b[0].exclude_ca_name);
	CHECK(a[0].secret ? !strcmp(a[0].secret, b[0].secret) : !b[0].secret);
	policy_secret_free(printed);
	policy_methods_clear(a, &n);
	policy_methods_clear(b, &n_back);
}

static void fuzz_config(const char *text)
{
	for (size_t i = 0; i < policy_n_config_properties; i++) {
		const struct policy_config_property *property = &policy_config_properties[i];
		_cleanup_free_ char *value = NULL, *again = NULL;
		char why[POLICY_WHY_LEN] = "";

		if (policy_config_check(property, text, &value, why) < 0) {
			CHECK(*why);
			continue;
		}
		CHECK(!policy_config_check(property, value, &again, why));
		CHECK(!strcmp(value, again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ char *text = malloc(len + 1);

	memcpy(text, data, len);
	text[len] = '\0';
	fuzz_mm(text);
	fuzz_qm(text);
	fuzz_address(text);
	fuzz_method(text);
	fuzz_config(text);
	return 0;
}
