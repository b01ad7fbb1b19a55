// SPDX-License-Identifier: MIT
/* What DNS names were when they were last resolved. */
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "policy/check.h"
#include "store/sql.h"
#include "store/store.h"

/* More than a name has that is of use in a filter; what a stranger's server says is bounded. */
#define MAX_ADDRESSES	1024

static int replace_addresses(struct store *store, const char *name,
			     const struct ip_addr *addresses, size_t n, struct fault *fault)
{
	char text[IP_ADDR_STRLEN];
	int err = sql_run(store, fault, "DELETE FROM addresses WHERE name = ?", "t", name);

	for (size_t i = 0; !err && i < n; i++)
		err = sql_run(store, fault,
			      "INSERT INTO addresses (name, position, address) VALUES (?, ?, ?)",
			      "tit", name, (int)i, ip_addr_format(&addresses[i], text));
	return err;
}

int store_set_addresses(struct store *store, const char *name, const struct ip_addr *addresses,
			size_t n, struct fault *fault)
{
	bool is_own = !store->in_transaction;
	char why[POLICY_WHY_LEN];
	int err;

	if (policy_name_check("name", name, why) < 0)
		return fault_invalid(fault, "%s", why);
	if (n > MAX_ADDRESSES)
		return fault_invalid(fault, "\"%s\" has more than %d addresses; the first ones can be "
				     "stored", name, MAX_ADDRESSES);
	err = is_own ? store_begin(store, fault) : 0;
	if (err)
		return err;
	err = replace_addresses(store, name, addresses, n, fault);
	if (is_own && !err)
		return store_commit(store, fault);
	if (is_own)
		store_rollback(store);
	return err;
}

static int read_address(struct store *store, sqlite3_stmt *statement, struct ip_addr *ret_address,
			struct fault *fault)
{
	struct sql_row row = { .statement = statement };
	_cleanup_free_ char *text = sql_row_text(&row, "address", IP_ADDR_STRLEN);

	if (row.err == -ENOMEM)
		return fault_no_memory(fault);
	if (row.err || !text || ip_addr_parse(text, ret_address) < 0)
		return sql_damaged(store, fault, "the address of a name is none");
	return 0;
}

int store_get_addresses(struct store *store, const char *name, struct ip_addr **ret_addresses,
			size_t *ret_n, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	_cleanup_free_ struct ip_addr *addresses = calloc(MAX_ADDRESSES, sizeof(*addresses));
	size_t n = 0;
	int err;

	if (!addresses)
		return fault_no_memory(fault);
	err = sql_query(store, fault, &statement,
			"SELECT address FROM addresses WHERE name = ? ORDER BY position LIMIT ?", "ti",
			name, MAX_ADDRESSES);
	while (!err && (err = sql_next(store, fault, statement)) > 0)
		err = read_address(store, statement, &addresses[n++], fault);
	if (err)
		return err;
	*ret_addresses = TAKE_PTR(addresses);
	*ret_n = n;
	return 0;
}
