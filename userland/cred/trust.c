// SPDX-License-Identifier: MIT
#include "cred/trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cred/rules.h"
#include "cred/store.h"
#include "link/messages.h"

/* Most rules name the same few CAs, so each name is kept, parsed and looked up once. */
struct trust {
	struct rules *rules;
	struct trust_ca cas[TRUST_CAS_MAX];
	size_t n_cas;
	struct trust_method *methods;	/* of all rules */
	size_t n_rules;
	struct trust_rule list[];
};

/* --- making ------------------------------------------------------------------------------- */

static bool is_text(const struct link_credential *method, const char *text)
{
	return strlen(text) == method->value_len && !memcmp(text, method->value, method->value_len);
}

static int add_ca(struct trust *trust, const struct link_credential *method)
{
	struct trust_ca *ca = &trust->cas[trust->n_cas];

	if (trust->n_cas == TRUST_CAS_MAX) {
		log_warning("more than %d names of CAs in the policy, leaving some out",
			    TRUST_CAS_MAX);
		return -1;
	}
	ca->text = strndup((const char *)method->value, method->value_len);
	ca->anchors = sk_X509_new_null();
	if (!ca->text || !ca->anchors) {
		free(ca->text);
		sk_X509_free(ca->anchors);
		return -1;
	}
	if (name_text_parse(ca->text, &ca->name) < 0)
		ca->name = (struct name_text){ 0 };	/* trust_complain() says so */
	trust->n_cas++;
	return 0;
}

/* NULL without memory, or with too many. */
static const struct trust_ca *ca_of(struct trust *trust, const struct link_credential *method)
{
	for (size_t i = 0; i < trust->n_cas; i++)
		if (is_text(method, trust->cas[i].text))
			return &trust->cas[i];
	return add_ca(trust, method) < 0 ? NULL : &trust->cas[trust->n_cas - 1];
}

static size_t count_methods(const struct link_credentials *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n_rules; i++)
		n += list->rules[i].n_methods;
	return n;
}

static void fill(struct trust *trust, const struct link_credentials *list)
{
	struct trust_method *next = trust->methods;

	for (size_t i = 0; i < list->n_rules; i++) {
		const struct link_credential_rule *from = &list->rules[i];
		size_t source = link_credentials_source(list, i);

		if (source != i) {
			trust->list[i] = trust->list[source];
			continue;
		}
		trust->list[i].methods = next;
		for (size_t m = 0; m < from->n_methods; m++) {
			const struct link_credential *method = &from->methods[m];
			const struct trust_ca *ca;

			if (method->kind != LINK_CREDENTIAL_CERTIFICATE)
				continue;
			ca = ca_of(trust, method);
			if (ca)
				*next++ = (struct trust_method){ ca, method->excludes_ca_name };
		}
		trust->list[i].n_methods = (size_t)(next - trust->list[i].methods);
	}
}

struct trust *trust_new(const struct link_credentials *list)
{
	struct trust *trust = calloc(1, sizeof(*trust) + list->n_rules * sizeof(trust->list[0]));

	if (!trust)
		return NULL;
	trust->n_rules = list->n_rules;
	trust->rules = rules_new(list);
	trust->methods = calloc(count_methods(list) + 1, sizeof(*trust->methods));
	if (!trust->rules || !trust->methods)
		return trust_free(trust);
	fill(trust, list);
	return trust;
}

struct trust *trust_free(struct trust *trust)
{
	if (!trust)
		return NULL;
	for (size_t i = 0; i < trust->n_cas; i++) {
		free(trust->cas[i].text);
		name_text_clear(&trust->cas[i].name);
		sk_X509_free(trust->cas[i].anchors);
	}
	(void)rules_free(trust->rules);
	free(trust->methods);
	free(trust);
	return NULL;
}

/* --- the store ---------------------------------------------------------------------------- */

void trust_resolve(struct trust *trust, const struct store *store)
{
	STACK_OF(X509) *roots = store_roots(store);

	for (size_t i = 0; i < trust->n_cas; i++) {
		struct trust_ca *ca = &trust->cas[i];

		sk_X509_zero(ca->anchors);
		for (int k = 0; ca->name.forward && k < sk_X509_num(roots); k++) {
			X509 *root = sk_X509_value(roots, k);

			if (name_text_matches(&ca->name, X509_get_subject_name(root)))
				(void)sk_X509_push(ca->anchors, root);
		}
	}
}

void trust_complain(const struct trust *trust)
{
	for (size_t i = 0; i < trust->n_cas; i++) {
		const struct trust_ca *ca = &trust->cas[i];

		if (!ca->name.forward)
			log_warning("rootca=\"%s\": not a name of the form \"CN=..., O=...\"",
				    ca->text);
		else if (!sk_X509_num(ca->anchors))
			log_warning("rootca=\"%s\": no certificate of this CA in the folder roots",
				    ca->text);
	}
}

/* --- asking ------------------------------------------------------------------------------- */

const struct trust_rule *trust_find(const struct trust *trust, const struct ike_path *path)
{
	size_t place = trust ? rules_find(trust->rules, path) : RULES_NONE;

	return place == RULES_NONE ? NULL : &trust->list[place];
}

size_t trust_n_rules(const struct trust *trust)
{
	return trust->n_rules;
}

const struct trust_rule *trust_rule(const struct trust *trust, size_t place)
{
	return &trust->list[place];
}
