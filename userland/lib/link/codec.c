// SPDX-License-Identifier: MIT
#include "link/codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/cleanup.h"

static void *at(const void *object, size_t offset)
{
	return (uint8_t *)object + offset;
}

static void *pointer_at(const void *object, size_t offset)
{
	void *p;

	memcpy(&p, at(object, offset), sizeof(p));
	return p;
}

static void set_pointer(void *object, size_t offset, void *p)
{
	memcpy(at(object, offset), &p, sizeof(p));
}

static size_t length_at(const void *object, const struct codec_field *field)
{
	size_t len;

	memcpy(&len, at(object, field->len_offset), sizeof(len));
	return len;
}

static uint64_t uint_at(const void *object, const struct codec_field *field)
{
	const void *p = at(object, field->offset);

	switch (field->width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static char uint_code(size_t width)
{
	switch (width) {
	case 1:
		return SD_BUS_TYPE_BYTE;
	case 2:
		return SD_BUS_TYPE_UINT16;
	case 4:
		return SD_BUS_TYPE_UINT32;
	default:
		return SD_BUS_TYPE_UINT64;
	}
}

/* --- signature ---------------------------------------------------------------------------- */

static int put_code(char *buf, size_t *len, char code)
{
	if (*len >= CODEC_SIGNATURE_MAX_LEN)
		return -ENOBUFS;
	buf[(*len)++] = code;
	buf[*len] = '\0';
	return 0;
}

static int put_type(char *buf, size_t *len, const struct codec_type *type)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct codec_field *field = &type->fields[i];
		int r = 0;

		switch (field->kind) {
		case CODEC_UINT:
			r = put_code(buf, len, uint_code(field->width));
			break;
		case CODEC_BOOL:
			r = put_code(buf, len, SD_BUS_TYPE_BOOLEAN);
			break;
		case CODEC_ADDR:
		case CODEC_BYTES:
		case CODEC_HEAP_BYTES:
			r = put_code(buf, len, SD_BUS_TYPE_ARRAY);
			if (r == 0)
				r = put_code(buf, len, SD_BUS_TYPE_BYTE);
			break;
		case CODEC_TEXT:
		case CODEC_OPTIONAL_TEXT:
			r = put_code(buf, len, SD_BUS_TYPE_STRING);
			break;
		case CODEC_ARRAY:
		case CODEC_HEAP_ARRAY:
		case CODEC_OPTIONAL:
			r = put_code(buf, len, SD_BUS_TYPE_ARRAY);
			if (r < 0)
				return r;
			/* fall through */
		case CODEC_STRUCT:
			r = put_code(buf, len, SD_BUS_TYPE_STRUCT_BEGIN);
			if (r == 0)
				r = put_type(buf, len, field->type);
			if (r == 0)
				r = put_code(buf, len, SD_BUS_TYPE_STRUCT_END);
			break;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int codec_signature(const struct codec_type *type, char buf[static CODEC_SIGNATURE_MAX_LEN + 1])
{
	size_t len = 0;

	buf[0] = '\0';
	return type ? put_type(buf, &len, type) : 0;
}

/* --- check -------------------------------------------------------------------------------- */

static bool addr_is_good(const struct ip_addr *addr, bool is_required)
{
	size_t len = ip_addr_len(addr);

	if (addr->family == AF_UNSPEC && is_required)
		return false;
	if (addr->family != AF_UNSPEC && len == 0)
		return false;
	for (size_t i = len; i < sizeof(addr->bytes); i++)
		if (addr->bytes[i])
			return false;
	return true;
}

/* Texts end up in log lines and on terminals. */
static const char *text_at(const void *object, const struct codec_field *field)
{
	const char *text = pointer_at(object, field->offset);

	return text ? text : "";
}

static bool text_is_good(const char *text, uint64_t max)
{
	size_t len;

	if (!text)
		return false;
	len = strnlen(text, max + 1);
	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

static int check_elements(const struct codec_field *field, const void *first, size_t n)
{
	if (n < field->min || n > field->max || (n && !first))
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		int r = codec_check(field->type, at(first, i * field->type->size));

		if (r < 0)
			return r;
	}
	return 0;
}

static int check_field(const struct codec_field *field, const void *object)
{
	const void *p = at(object, field->offset);
	uint64_t value;
	size_t len;

	switch (field->kind) {
	case CODEC_UINT:
		value = uint_at(object, field);
		return value < field->min || value > field->max ? -EBADMSG : 0;
	case CODEC_BOOL:
		return *(const uint8_t *)p > 1 ? -EBADMSG : 0;
	case CODEC_ADDR:
		return addr_is_good(p, field->min) ? 0 : -EBADMSG;
	case CODEC_BYTES:
		len = length_at(object, field);
		return len < field->min || len > field->max ? -EBADMSG : 0;
	case CODEC_HEAP_BYTES:
		len = length_at(object, field);
		return len < field->min || len > field->max ||
		       (len && !pointer_at(object, field->offset)) ? -EBADMSG : 0;
	case CODEC_TEXT:
		return text_is_good(pointer_at(object, field->offset), field->max) ? 0 : -EBADMSG;
	case CODEC_OPTIONAL_TEXT:
		return text_is_good(text_at(object, field), field->max) ? 0 : -EBADMSG;
	case CODEC_STRUCT:
		return codec_check(field->type, p);
	case CODEC_ARRAY:
		return check_elements(field, p, length_at(object, field));
	case CODEC_HEAP_ARRAY:
		return check_elements(field, pointer_at(object, field->offset),
				      length_at(object, field));
	case CODEC_OPTIONAL:
		p = pointer_at(object, field->offset);
		return check_elements(field, p, p ? 1 : 0);
	}
	return -EBADMSG;
}

int codec_check(const struct codec_type *type, const void *object)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		int r = check_field(&type->fields[i], object);

		if (r < 0)
			return r;
	}
	return type->check ? type->check(object) : 0;
}

/* --- struct to message -------------------------------------------------------------------- */

static int append_struct(sd_bus_message *m, const struct codec_type *type, const char *signature,
			 const void *object)
{
	int r = sd_bus_message_open_container(m, SD_BUS_TYPE_STRUCT, signature);

	if (r >= 0)
		r = codec_append(m, type, object);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_elements(sd_bus_message *m, const struct codec_type *type, const void *first,
			   size_t n)
{
	char contents[CODEC_SIGNATURE_MAX_LEN + 1];
	char element[CODEC_SIGNATURE_MAX_LEN + 3];
	int r = codec_signature(type, contents);

	if (r < 0)
		return r;
	(void)snprintf(element, sizeof(element), "(%s)", contents);
	r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, element);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_struct(m, type, contents, at(first, i * type->size));
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_field(sd_bus_message *m, const struct codec_field *field, const void *object)
{
	char contents[CODEC_SIGNATURE_MAX_LEN + 1];
	const void *p = at(object, field->offset);
	const struct ip_addr *addr = p;
	int r;

	switch (field->kind) {
	case CODEC_UINT:
		return sd_bus_message_append_basic(m, uint_code(field->width), p);
	case CODEC_BOOL:
		return sd_bus_message_append_basic(m, SD_BUS_TYPE_BOOLEAN,
						   &(int){ *(const bool *)p });
	case CODEC_ADDR:
		return sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, addr->bytes,
						   ip_addr_len(addr));
	case CODEC_BYTES:
		return sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, p,
						   length_at(object, field));
	case CODEC_HEAP_BYTES:
		return sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE,
						   pointer_at(object, field->offset),
						   length_at(object, field));
	case CODEC_TEXT:
	case CODEC_OPTIONAL_TEXT:
		return sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, text_at(object, field));
	case CODEC_STRUCT:
		r = codec_signature(field->type, contents);
		return r < 0 ? r : append_struct(m, field->type, contents, p);
	case CODEC_ARRAY:
		return append_elements(m, field->type, p, length_at(object, field));
	case CODEC_HEAP_ARRAY:
		return append_elements(m, field->type, pointer_at(object, field->offset),
				       length_at(object, field));
	case CODEC_OPTIONAL:
		p = pointer_at(object, field->offset);
		return append_elements(m, field->type, p, p ? 1 : 0);
	}
	return -EINVAL;
}

int codec_append(sd_bus_message *m, const struct codec_type *type, const void *object)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		int r = append_field(m, &type->fields[i], object);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- message to struct -------------------------------------------------------------------- */

static int read_struct(sd_bus_message *m, const struct codec_type *type, void *object);

static int read_bytes(sd_bus_message *m, const struct codec_field *field, void *object)
{
	const void *data;
	size_t len;
	int r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &data, &len);

	if (r < 0)
		return r;
	if (len < field->min || len > field->max)
		return -EBADMSG;
	if (field->kind == CODEC_BYTES) {
		if (len)
			memcpy(at(object, field->offset), data, len);
	} else if (len) {
		void *copy = malloc(len);

		if (!copy)
			return -ENOMEM;
		memcpy(copy, data, len);
		set_pointer(object, field->offset, copy);
	}
	memcpy(at(object, field->len_offset), &len, sizeof(len));
	return 0;
}

static int read_addr(sd_bus_message *m, struct ip_addr *addr)
{
	const void *data;
	size_t len;
	int r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &data, &len);

	if (r < 0)
		return r;
	if (len && ip_addr_from_bytes(data, len, addr) < 0)
		return -EBADMSG;
	return 0;
}

static int read_text(sd_bus_message *m, const struct codec_field *field, void *object)
{
	const char *text;
	char *copy;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text);

	if (r < 0)
		return r;
	if (!text_is_good(text, field->max))
		return -EBADMSG;
	if (field->kind == CODEC_OPTIONAL_TEXT && !*text)
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	set_pointer(object, field->offset, copy);
	return 0;
}

/* Opens the next struct of an array: 1, 0 at the end. */
static int enter_element(sd_bus_message *m, const struct codec_type *type)
{
	char contents[CODEC_SIGNATURE_MAX_LEN + 1];
	int r = codec_signature(type, contents);

	return r < 0 ? r : sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, contents);
}

static int enter_array(sd_bus_message *m, const struct codec_type *type)
{
	char contents[CODEC_SIGNATURE_MAX_LEN + 1];
	char element[CODEC_SIGNATURE_MAX_LEN + 3];
	int r = codec_signature(type, contents);

	if (r < 0)
		return r;
	(void)snprintf(element, sizeof(element), "(%s)", contents);
	return sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, element);
}

/*
 * Makes room for one more element. Heap arrays grow by doubling, by copy so that no secret
 * stays behind in what realloc() gives back. The pointer and the count in the object are valid
 * at any time, so that codec_free() can clean up after an error.
 */
static int grow(const struct codec_field *field, void *object, size_t n, size_t *cap, void **ret)
{
	size_t size = field->type->size;
	size_t new_cap = *cap ? *cap * 2 : 4;
	void *old = pointer_at(object, field->offset);
	void *bigger;

	if (n < *cap) {
		*ret = at(old, n * size);
		return 0;
	}
	if (new_cap > field->max)
		new_cap = field->max;
	bigger = calloc(new_cap, size);
	if (!bigger)
		return -ENOMEM;
	if (n)
		memcpy(bigger, old, n * size);
	(void)wipe_free(old, n * size);
	set_pointer(object, field->offset, bigger);
	*cap = new_cap;
	*ret = at(bigger, n * size);
	return 0;
}

static int read_array(sd_bus_message *m, const struct codec_field *field, void *object)
{
	size_t n = 0, cap = 0;
	int r = enter_array(m, field->type);

	while (r >= 0) {
		void *element = at(object, field->offset + n * field->type->size);

		r = enter_element(m, field->type);
		if (r <= 0)
			break;
		if (n >= field->max)
			return -EBADMSG;
		if (field->kind == CODEC_HEAP_ARRAY) {
			r = grow(field, object, n, &cap, &element);
			if (r < 0)
				return r;
		}
		/* counted first: codec_free() looks into half-read elements, too */
		n++;
		memcpy(at(object, field->len_offset), &n, sizeof(n));
		r = read_struct(m, field->type, element);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_optional(sd_bus_message *m, const struct codec_field *field, void *object)
{
	void *element;
	int r = enter_array(m, field->type);

	if (r >= 0)
		r = enter_element(m, field->type);
	if (r < 0)
		return r;
	if (r > 0) {
		element = calloc(1, field->type->size);
		if (!element)
			return -ENOMEM;
		set_pointer(object, field->offset, element);
		r = read_struct(m, field->type, element);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
		if (!sd_bus_message_at_end(m, false))
			return -EBADMSG;
	}
	return sd_bus_message_exit_container(m);
}

static int read_field(sd_bus_message *m, const struct codec_field *field, void *object)
{
	void *p = at(object, field->offset);
	int boolean, r;

	switch (field->kind) {
	case CODEC_UINT:
		return sd_bus_message_read_basic(m, uint_code(field->width), p);
	case CODEC_BOOL:
		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &boolean);
		if (r > 0)
			*(bool *)p = boolean;
		return r;
	case CODEC_ADDR:
		return read_addr(m, p);
	case CODEC_BYTES:
	case CODEC_HEAP_BYTES:
		return read_bytes(m, field, object);
	case CODEC_TEXT:
	case CODEC_OPTIONAL_TEXT:
		return read_text(m, field, object);
	case CODEC_STRUCT:
		r = enter_element(m, field->type);
		if (r > 0)
			r = read_struct(m, field->type, p);
		return r < 0 ? r : sd_bus_message_exit_container(m);
	case CODEC_ARRAY:
	case CODEC_HEAP_ARRAY:
		return read_array(m, field, object);
	case CODEC_OPTIONAL:
		return read_optional(m, field, object);
	}
	return -EBADMSG;
}

static int read_struct(sd_bus_message *m, const struct codec_type *type, void *object)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		int r = read_field(m, &type->fields[i], object);

		if (r < 0)
			return r;
	}
	return 0;
}

int codec_read(sd_bus_message *m, const struct codec_type *type, void **ret_object)
{
	char signature[CODEC_SIGNATURE_MAX_LEN + 1];
	void *object;
	int r = codec_signature(type, signature);

	if (r < 0)
		return r;
	if (!sd_bus_message_has_signature(m, signature))
		return -EBADMSG;
	object = calloc(1, type->size);
	if (!object)
		return -ENOMEM;
	r = read_struct(m, type, object);
	if (r >= 0)
		r = codec_check(type, object);
	if (r < 0) {
		(void)codec_free(type, object);
		return r == -ENOMEM ? r : -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

/* --- ownership ---------------------------------------------------------------------------- */

static void clear(const struct codec_type *type, void *object);

static void clear_elements(const struct codec_type *type, void *first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		clear(type, at(first, i * type->size));
}

static void clear_field(const struct codec_field *field, void *object)
{
	void *p;

	switch (field->kind) {
	case CODEC_UINT:
	case CODEC_BOOL:
	case CODEC_ADDR:
	case CODEC_BYTES:
		break;
	case CODEC_HEAP_BYTES:
		(void)wipe_free(pointer_at(object, field->offset), length_at(object, field));
		break;
	case CODEC_TEXT:
	case CODEC_OPTIONAL_TEXT:
		free(pointer_at(object, field->offset));
		break;
	case CODEC_STRUCT:
		clear(field->type, at(object, field->offset));
		break;
	case CODEC_ARRAY:
		clear_elements(field->type, at(object, field->offset), length_at(object, field));
		break;
	case CODEC_HEAP_ARRAY:
		p = pointer_at(object, field->offset);
		clear_elements(field->type, p, length_at(object, field));
		free(p);
		break;
	case CODEC_OPTIONAL:
		p = pointer_at(object, field->offset);
		if (p)
			clear(field->type, p);
		free(p);
		break;
	}
}

/* Frees what the object owns and wipes the object. */
static void clear(const struct codec_type *type, void *object)
{
	for (size_t i = 0; i < type->n_fields; i++)
		clear_field(&type->fields[i], object);
	wipe(object, type->size);
}

void *codec_free(const struct codec_type *type, void *object)
{
	if (object) {
		clear(type, object);
		free(object);
	}
	return NULL;
}

static int copy_struct(const struct codec_type *type, void *dst, const void *src);

static int copy_elements(const struct codec_type *type, void *dst, const void *src, size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = copy_struct(type, at(dst, i * type->size), at(src, i * type->size));
	return r;
}

/* What is behind a pointer: @n elements of @size, stored at once so that codec_free() finds it. */
static void *copy_target(const struct codec_field *field, void *dst, size_t n, size_t size)
{
	void *p = calloc(n, size);

	set_pointer(dst, field->offset, p);
	if (p && (field->kind == CODEC_HEAP_BYTES || field->kind == CODEC_HEAP_ARRAY))
		memcpy(at(dst, field->len_offset), &n, sizeof(n));
	return p;
}

static int copy_field(const struct codec_field *field, void *dst, const void *src)
{
	void *to = at(dst, field->offset);
	const void *from = at(src, field->offset);
	size_t n;

	switch (field->kind) {
	case CODEC_UINT:
		memcpy(to, from, field->width);
		return 0;
	case CODEC_BOOL:
		memcpy(to, from, sizeof(bool));
		return 0;
	case CODEC_ADDR:
		memcpy(to, from, sizeof(struct ip_addr));
		return 0;
	case CODEC_BYTES:
		n = length_at(src, field);
		memcpy(at(dst, field->len_offset), &n, sizeof(n));
		memcpy(to, from, n);
		return 0;
	case CODEC_HEAP_BYTES:
		n = length_at(src, field);
		if (n == 0)
			return 0;
		to = copy_target(field, dst, n, 1);
		if (!to)
			return -ENOMEM;
		memcpy(to, pointer_at(src, field->offset), n);
		return 0;
	case CODEC_TEXT:
	case CODEC_OPTIONAL_TEXT:
		from = pointer_at(src, field->offset);
		if (!from)
			return 0;
		n = strlen(from) + 1;
		to = copy_target(field, dst, n, 1);
		if (!to)
			return -ENOMEM;
		memcpy(to, from, n);
		return 0;
	case CODEC_STRUCT:
		return copy_struct(field->type, to, from);
	case CODEC_ARRAY:
		n = length_at(src, field);
		memcpy(at(dst, field->len_offset), &n, sizeof(n));
		return copy_elements(field->type, to, from, n);
	case CODEC_HEAP_ARRAY:
		n = length_at(src, field);
		if (n == 0)
			return 0;
		to = copy_target(field, dst, n, field->type->size);
		if (!to)
			return -ENOMEM;
		return copy_elements(field->type, to, pointer_at(src, field->offset), n);
	case CODEC_OPTIONAL:
		from = pointer_at(src, field->offset);
		if (!from)
			return 0;
		to = copy_target(field, dst, 1, field->type->size);
		return to ? copy_struct(field->type, to, from) : -ENOMEM;
	}
	return -EINVAL;
}

static int copy_struct(const struct codec_type *type, void *dst, const void *src)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		int r = copy_field(&type->fields[i], dst, src);

		if (r < 0)
			return r;
	}
	return 0;
}

void *codec_copy(const struct codec_type *type, const void *object)
{
	void *copy = calloc(1, type->size);

	if (copy && copy_struct(type, copy, object) < 0)
		return codec_free(type, copy);
	return copy;
}
