// SPDX-License-Identifier: MIT
/*
 * A store that an enemy has written. The input is the file, if it begins as SQLite's files do; else
 * it is SQL that is run on a good store with all checks switched off, which comes to odd values
 * and odd tables faster than the bytes of pages do. What is taken is read, printed and changed;
 * what is read is good by its own checks.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/open.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/text.h"

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			abort();	\
	} while (0)

#define IMAGE_MAX	(1 << 20)
#define STEPS_MAX	2000		/* thousands of the virtual machine's */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* --- SQLite's memory ---------------------------------------------------------------------- */

/*
 * An input makes and frees tens of thousands of small pieces, all but a few of them SQLite's own,
 * whose code is not checked here: they are not the sanitizer's business, which takes half the time. What
 * the store asks of SQLite's memory (store/memory.h) is not what is looked at either.
 */
union piece {
	size_t size;
	max_align_t align;
};

void *__libc_malloc(size_t size);
void __libc_free(void *p);

static void *take(int size)
{
	union piece *piece = __libc_malloc(sizeof(*piece) + (size_t)size);

	if (!piece)
		return NULL;
	piece->size = (size_t)size;
	return piece + 1;
}

static void give(void *p)
{
	if (p)
		__libc_free((union piece *)p - 1);
}

static int size_of(void *p)
{
	return p ? (int)((union piece *)p - 1)->size : 0;
}

static void *resize(void *p, int size)
{
	int old = size_of(p);
	void *bigger = take(size);

	if (!bigger)
		return NULL;
	memcpy(bigger, p, (size_t)(old < size ? old : size));
	give(p);
	return bigger;
}

static int round_up(int size)
{
	return (size + 7) & ~7;
}

static int start(void *data)
{
	(void)data;
	return SQLITE_OK;
}

static void stop(void *data)
{
	(void)data;
}

static void make_fast(void)
{
	static const sqlite3_mem_methods methods = {
		.xMalloc = take, .xFree = give, .xRealloc = resize, .xSize = size_of,
		.xRoundup = round_up, .xInit = start, .xShutdown = stop,
	};

	CHECK(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
	CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
	CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

/* The good store: serialized, with the examples and something of each kind. */
static unsigned char *image;
static sqlite3_int64 image_len;

static sqlite3 *open_memory(void)
{
	sqlite3 *db;

	CHECK(sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
			      NULL) == SQLITE_OK);
	return db;
}

static void load(sqlite3 *db, const unsigned char *bytes, size_t len)
{
	unsigned char *copy = sqlite3_malloc64(len ? len : 1);

	CHECK(copy);
	memcpy(copy, bytes, len);
	/* A database in memory has no write-ahead log; all else is the same. */
	if (len > 19) {
		copy[18] = copy[18] == 2 ? 1 : copy[18];
		copy[19] = copy[19] == 2 ? 1 : copy[19];
	}
	CHECK(sqlite3_deserialize(db, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len,
				  SQLITE_DESERIALIZE_FREEONCLOSE |
				  SQLITE_DESERIALIZE_RESIZEABLE) == SQLITE_OK);
}

static struct store *new_store(void)
{
	struct store *store = calloc(1, sizeof(*store));

	CHECK(store);
	store->path = strdup("input");
	CHECK(store->path);
	store->db = open_memory();
	return store;
}

static void apply(struct store *store, enum store_kind kind, const char *const *tags)
{
	struct store_change change = { .verb = STORE_VERB_ADD, .kind = kind };
	char why[POLICY_WHY_LEN];
	struct fault fault;

	for (; tags[0]; tags += 2)
		CHECK(!store_change_set_tag(&change, tags[0], tags[1], why));
	CHECK(!store_apply(store, &change, &fault));
	store_change_clear(&change);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *filter[] = { "filterlist", "l", "srcaddr", "me", "dstaddr", "host.example",
				 "protocol", "TCP", "dstport", "23", "description", "d", NULL };
	const char *rule[] = { "name", "r", "policy", "Server (Request Security)", "filterlist", "l",
			       "filteraction", "Permit", "tunnel", "10.0.0.1", "psk", "k",
			       "rootca", "CN=a", NULL };
	struct ip_addr address = ip_addr_v4(0x0a000001);
	struct store *store;
	struct fault fault;

	(void)argc;
	(void)argv;
	make_fast();
	store = new_store();
	CHECK(sqlite3_exec(store->db, "PRAGMA page_size = 512", NULL, NULL, NULL) == SQLITE_OK);
	CHECK(!store_take_database(store, STORE_OPEN_WRITE | STORE_OPEN_CREATE, &fault));
	apply(store, STORE_KIND_FILTER, filter);
	apply(store, STORE_KIND_RULE, rule);
	CHECK(!store_set_addresses(store, "host.example", &address, 1, &fault));
	image = sqlite3_serialize(store->db, "main", &image_len, 0);
	CHECK(image);
	store_close(store);
	return 0;
}

/* --- the enemy's SQL ---------------------------------------------------------------------- */

static int give_up(void *data)
{
	int *steps = data;

	return ++*steps > STEPS_MAX;
}

static int keep_inside(void *data, int action, const char *a, const char *b, const char *c,
		       const char *d)
{
	(void)data;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY : SQLITE_OK;
}

/* Runs the statements one by one, so that a bad one does not keep the next one from running. */
static void run_statements(sqlite3 *db, char *sql)
{
	char *save = NULL;

	for (char *at = strtok_r(sql, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
		(void)sqlite3_exec(db, at, NULL, NULL, NULL);
}

static void tamper(sqlite3 *db, const uint8_t *data, size_t len)
{
	char *sql = strndup((const char *)data, len);
	int steps = 0;

	CHECK(sql);
	(void)sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF",
			   NULL, NULL, NULL);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 18);
	(void)sqlite3_set_authorizer(db, keep_inside, NULL);
	sqlite3_progress_handler(db, 1000, give_up, &steps);
	run_statements(db, sql);
	if (!sqlite3_get_autocommit(db))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	free(sql);
}

/* The input's database as bytes; the caller frees them with sqlite3_free(). */
static unsigned char *make_image(const uint8_t *data, size_t len, sqlite3_int64 *ret_len)
{
	unsigned char *bytes;
	sqlite3 *db;

	if (len >= 16 && !memcmp(data, "SQLite format 3", 16)) {
		bytes = sqlite3_malloc64(len);
		CHECK(bytes);
		memcpy(bytes, data, len);
		*ret_len = (sqlite3_int64)len;
		return bytes;
	}
	db = open_memory();
	load(db, image, (size_t)image_len);
	tamper(db, data, len);
	bytes = sqlite3_serialize(db, "main", ret_len, 0);
	(void)sqlite3_close(db);
	return bytes;
}

/* --- the reader --------------------------------------------------------------------------- */

static void check_content(const struct store_content *content)
{
	char why[POLICY_WHY_LEN];
	FILE *nowhere = fopen("/dev/null", "we");

	CHECK(nowhere);
	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		CHECK(!store_policy_check(policy, why));
		for (size_t j = 0; j < policy->n_rules; j++) {
			CHECK(!store_rule_check(policy->rules[j], why));
			CHECK(policy->rules[j]->is_default_response ||
			      (policy->rules[j]->list && policy->rules[j]->action));
		}
	}
	for (size_t i = 0; i < content->n_lists; i++)
		CHECK(!store_filter_list_check(content->lists[i], why));
	store_content_print(nowhere, content, true);
	(void)fclose(nowhere);
}

static void change_store(struct store *store)
{
	struct store_change change = { .verb = STORE_VERB_DELETE, .kind = STORE_KIND_POLICY };
	struct store_policy *policy = store_policy_new();
	struct fault fault;

	CHECK(policy);
	policy->head.name = strdup("new");
	change.is_all = true;
	(void)store_apply(store, &change, &fault);
	change = (struct store_change){ .kind = STORE_KIND_POLICY, .store_policy = policy };
	(void)store_apply(store, &change, &fault);
	store_policy_free(policy);
}

static void use(struct store *store)
{
	const struct store_query queries[] = {
		{ .policy = NULL }, { .only_assigned = true }, { .policy = "Server (Request Security)" },
	};
	struct ip_addr *addresses;
	struct fault fault = { .name = NULL };
	size_t n;

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct store_content *content;
		int err = store_read(store, &queries[i], &content, &fault);

		CHECK(!err || *fault.text);
		if (err)
			continue;
		check_content(content);
		store_content_free(content);
	}
	if (!store_get_addresses(store, "host.example", &addresses, &n, &fault))
		free(addresses);
	change_store(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault fault = { .name = NULL };
	sqlite3_int64 bytes_len = 0;
	struct store *store;
	unsigned char *bytes;
	int err;

	if (len > IMAGE_MAX)
		return 0;
	bytes = make_image(data, len, &bytes_len);
	if (!bytes)
		return 0;
	store = new_store();
	load(store->db, bytes, (size_t)bytes_len);
	/* One of both ways, for more inputs a second. */
	err = store_take_database(store, len & 1 ? STORE_OPEN_WRITE : STORE_OPEN_READ, &fault);
	CHECK(!err || *fault.text);
	if (!err)
		use(store);
	store_close(store);
	sqlite3_free(bytes);
	return 0;
}
