// SPDX-License-Identifier: MIT
/*
 * One mapping holds an entry for each rule and, behind them, the keys:
 *
 *   | entry 0 | entry 1 | ... | key of 0 | key of 1 | ...
 *
 * Rules that share their methods share the key.
 *
 * A new list is a new mapping; the old one is wiped and unmapped when the new one is complete.
 */
#include "cred/secrets.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "cred/rules.h"
#include "ike/crypto.h"
#include "ike/engine.h"
#include "link/messages.h"

struct entry {
	size_t key_offset;	/* in the mapping */
	size_t key_len;		/* 0: the rule has other methods only */
};

struct vault {
	uint8_t *bytes;
	size_t size;
	size_t n_entries;
};

struct secrets {
	struct rules *rules;
	struct vault vault;
	bool is_loaded;
};

/* --- the mapping -------------------------------------------------------------------------- */

static void vault_close(struct vault *vault)
{
	if (!vault->bytes)
		return;
	wipe(vault->bytes, vault->size);
	(void)munmap(vault->bytes, vault->size);
	*vault = (struct vault){ 0 };
}

static int vault_open(struct vault *vault, size_t size)
{
	void *bytes;

	if (size == 0)
		return 0;
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	/* each page is locked the moment it is written to */
	if (mlock2(bytes, size, MLOCK_ONFAULT) < 0) {
		(void)munmap(bytes, size);
		return -ENOMEM;
	}
	/* a kernel that does not know these leaves a core file and children, of which we have neither */
	(void)madvise(bytes, size, MADV_DONTDUMP);
	(void)madvise(bytes, size, MADV_WIPEONFORK);
	vault->bytes = bytes;
	vault->size = size;
	return 0;
}

static const struct entry *entries(const struct vault *vault)
{
	return (const struct entry *)vault->bytes;
}

/* The rule's preshared key, its first one. */
static struct bytes key_of(const struct link_credential_rule *rule)
{
	for (size_t i = 0; i < rule->n_methods; i++)
		if (rule->methods[i].kind == LINK_CREDENTIAL_PSK)
			return (struct bytes){ rule->methods[i].value, rule->methods[i].value_len };
	return (struct bytes){ 0 };
}

static size_t size_of(const struct link_credentials *list)
{
	size_t size = list->n_rules * sizeof(struct entry);

	for (size_t i = 0; i < list->n_rules; i++)
		size += key_of(&list->rules[i]).len;
	return size;
}

static void fill(struct vault *vault, const struct link_credentials *list)
{
	struct entry *table = (struct entry *)vault->bytes;
	size_t offset = list->n_rules * sizeof(*table);

	if (!table)
		return;		/* an empty list */
	for (size_t i = 0; i < list->n_rules; i++) {
		size_t source = link_credentials_source(list, i);
		struct bytes key = key_of(&list->rules[i]);

		if (source != i) {
			table[i] = table[source];
			continue;
		}
		table[i] = (struct entry){ .key_offset = offset, .key_len = key.len };
		if (key.len)
			memcpy(vault->bytes + offset, key.data, key.len);
		offset += key.len;
	}
	vault->n_entries = list->n_rules;
}

/* --- secrets ------------------------------------------------------------------------------ */

struct secrets *secrets_new(void)
{
	if (crypto_init() < 0)
		return NULL;
	return calloc(1, sizeof(struct secrets));
}

struct secrets *secrets_free(struct secrets *secrets)
{
	if (secrets) {
		vault_close(&secrets->vault);
		(void)rules_free(secrets->rules);
	}
	free(secrets);
	return NULL;
}

int secrets_replace(struct secrets *secrets, const struct link_credentials *list)
{
	struct rules *rules = rules_new(list);
	struct vault vault = { 0 };
	int r = rules ? vault_open(&vault, size_of(list)) : -ENOMEM;

	if (r < 0) {
		(void)rules_free(rules);
		return r;
	}
	fill(&vault, list);
	vault_close(&secrets->vault);
	secrets->vault = vault;
	(void)rules_free(secrets->rules);
	secrets->rules = rules;
	secrets->is_loaded = true;
	return 0;
}

bool secrets_is_loaded(const struct secrets *secrets)
{
	return secrets->is_loaded;
}

size_t secrets_count(const struct secrets *secrets)
{
	return secrets->vault.n_entries;
}

int secrets_skeyid(const struct secrets *secrets, const struct ike_psk_request *request,
		   struct link_skeyid *ret_skeyid)
{
	size_t place = rules_find(secrets->rules, &request->path);
	const struct entry *entry = place == RULES_NONE ? NULL : &entries(&secrets->vault)[place];
	const struct bytes nonces[] = { { request->ni, request->ni_len },
					{ request->nr, request->nr_len } };
	struct bytes key;
	int r;

	if (!entry || !entry->key_len)
		return -ENOENT;
	key = (struct bytes){ secrets->vault.bytes + entry->key_offset, entry->key_len };
	r = crypto_prf(request->hash, key, nonces, 2, ret_skeyid->bytes);
	if (r < 0)
		return r;
	ret_skeyid->len = ike_hash_len(request->hash);
	return 0;
}
