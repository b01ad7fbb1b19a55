// SPDX-License-Identifier: MIT
#include "ctl/select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/types.h"
#include "policy/address.h"
#include "policy/text.h"

enum ctl_exit ctl_address_text(struct ctl *ctl, const struct ctl_args *args, const char *tag,
			       const char *mask_tag, char **ret_text)
{
	const char *value = ctl_args_get(args, tag);
	const char *mask = mask_tag ? ctl_args_get(args, mask_tag) : NULL;
	struct policy_address address;
	char why[POLICY_WHY_LEN];
	int err;

	*ret_text = NULL;
	if (!value)
		return CTL_EXIT_OK;
	err = mask ? policy_address_parse_masked(value, mask, &address, why) :
	      policy_address_parse(value, &address, why);
	if (err == -EINVAL)
		return ctl_usage_error(ctl, args->command->path, "%s: %s", tag, why);
	if (err)
		return ctl_message_error(ctl, err, why);
	*ret_text = policy_address_to_text(&address);
	policy_address_clear(&address);
	return *ret_text ? CTL_EXIT_OK : ctl_message_error(ctl, -ENOMEM, NULL);
}

static bool is_same_address(const char *a, const char *b)
{
	struct policy_address x, y;
	char why[POLICY_WHY_LEN];
	bool is_same;

	if (policy_address_parse(a, &x, why) < 0)
		return !strcasecmp(a, b);
	if (policy_address_parse(b, &y, why) < 0) {
		policy_address_clear(&x);
		return false;
	}
	is_same = policy_address_is_equal(&x, &y);
	policy_address_clear(&x);
	policy_address_clear(&y);
	return is_same;
}

static bool is_same_word(const struct ctl_value_type *type, const char *a, const char *b)
{
	uint8_t x, y;

	if (type == &ctl_type_protocol)
		return !policy_protocol_parse(a, &x) && !policy_protocol_parse(b, &y) && x == y;
	if (type == &ctl_type_address || type == &ctl_type_ip)
		return is_same_address(a, b);
	return !strcasecmp(a, b);
}

static bool is_selected(const struct ctl_tag *tag, const struct policy_key *key, const char *value,
			const void *row)
{
	const void *field = (const char *)row + key->offset;
	const char *text = NULL;
	char buf[IP_ADDR_STRLEN];

	switch (key->type) {
	case POLICY_VALUE_STRING:
		text = *(char *const *)field;
		break;
	case POLICY_VALUE_ADDRESS:
		text = ip_addr_format(field, buf);
		break;
	case POLICY_VALUE_NUMBER:
		snprintf(buf, sizeof(buf), "%" PRIu32, *(const uint32_t *)field);
		text = buf;
		break;
	case POLICY_VALUE_BOOL:
	case POLICY_VALUE_COUNTER:
		return true;
	}
	return text && is_same_word(tag->type, value, text);
}

/* Keeps the order of both parts. */
static int partition(const struct policy_record *record, void *rows, size_t *n,
		     const struct ctl_tag *tag, const char *value)
{
	const struct policy_key *key = policy_record_find_key(record, tag->name);
	_cleanup_free_ char *rest = malloc(*n * record->size + 1);
	size_t kept = 0, left = 0;
	char *all = rows;

	if (!rest)
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++) {
		char *row = all + i * record->size;

		if (is_selected(tag, key, value, row))
			memmove(all + kept++ * record->size, row, record->size);
		else
			memcpy(rest + left++ * record->size, row, record->size);
	}
	memcpy(all + kept * record->size, rest, left * record->size);
	*n = kept;
	return 0;
}

static const char *mask_of(const struct ctl_command *command, const char *tag)
{
	const char *mask = !strcmp(tag, "srcaddr") ? "srcmask" :
			   !strcmp(tag, "dstaddr") ? "dstmask" : NULL;

	for (size_t i = 0; mask && i < command->n_tags; i++)
		if (!strcmp(command->tags[i].name, mask))
			return mask;
	return NULL;
}

static enum ctl_exit check_masks(struct ctl *ctl, const struct ctl_args *args)
{
	static const char *const pairs[][2] = { { "srcmask", "srcaddr" }, { "dstmask", "dstaddr" } };

	for (size_t i = 0; i < 2; i++)
		if (ctl_args_get(args, pairs[i][0]) && !ctl_args_get(args, pairs[i][1]))
			return ctl_usage_error(ctl, args->command->path,
					       "%s without %s means nothing", pairs[i][0],
					       pairs[i][1]);
	return CTL_EXIT_OK;
}

enum ctl_exit ctl_select_rows(struct ctl *ctl, const struct ctl_args *args,
			      const struct policy_record *record, void *rows, size_t *n)
{
	enum ctl_exit ret = check_masks(ctl, args);

	if (ret)
		return ret;
	for (size_t i = 0; i < args->n && !args->has_all; i++) {
		const struct ctl_tag *tag = args->list[i].tag;
		const char *value = args->list[i].value;
		_cleanup_free_ char *address = NULL;

		if (!policy_record_find_key(record, tag->name) || tag->type == &ctl_type_filter_type ||
		    tag->type == &ctl_type_rule_type)
			continue;
		if (tag->type == &ctl_type_address) {
			ret = ctl_address_text(ctl, args, tag->name,
					       mask_of(args->command, tag->name), &address);
			if (ret)
				return ret;
			value = address ?: value;
		}
		if (partition(record, rows, n, tag, value) < 0)
			return ctl_message_error(ctl, -ENOMEM, NULL);
	}
	return CTL_EXIT_OK;
}
