// SPDX-License-Identifier: MIT
/*
 * Every struct that travels: round trips of random valid ones, and every field out of its
 * range, refused.
 *
 * The messages of the refusals are written by an encoder of their own (put_...), which walks
 * the same tables but can spoil one field on the way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/codec.h"
#include "link/link_internal.h"
#include "link/messages.h"
#include "link/method.h"
#include "link/test_random.h"

#define ROUNDS 100

struct fixture {
	sd_bus *bus;
	int other_end;
	struct test_random random;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(link_bus_new(fds[0], false, &f->bus), 0);
	assert_true(sd_bus_start(f->bus) >= 0);
	f->other_end = fds[1];
	f->random.state = 1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sd_bus_close_unref(f->bus);
	(void)close(f->other_end);
	free(f);
	return 0;
}

static sd_bus_message *new_message(struct fixture *f)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(f->bus, &m, NULL, "/", "a.b", "C") >= 0);
	return m;
}

static int read_back(sd_bus_message *m, const struct codec_type *type, void **ret_object)
{
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
	return codec_read(m, type, ret_object);
}

/* All structs that are a request or a reply. */
static void for_each_type(struct fixture *f,
			  void (*visit)(struct fixture *f, const struct codec_type *type))
{
	for (size_t i = 0; i < link_n_methods; i++) {
		if (link_methods[i]->request)
			visit(f, link_methods[i]->request);
		if (link_methods[i]->reply)
			visit(f, link_methods[i]->reply);
	}
}

/* --- round trip --------------------------------------------------------------------------- */

static void round_trips(struct fixture *f, const struct codec_type *type)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		void *object = test_random_object(&f->random, type);
		void *result = NULL, *copy;
		sd_bus_message *m = new_message(f);

		if (codec_check(type, object) != 0)
			fail_msg("a valid %s is refused", type->name);
		assert_int_equal(codec_append(m, type, object), 0);
		assert_int_equal(read_back(m, type, &result), 0);
		if (!test_object_is_equal(type, object, result))
			fail_msg("%s comes back different", type->name);
		copy = codec_copy(type, object);
		assert_non_null(copy);
		assert_true(test_object_is_equal(type, object, copy));
		object = codec_free(type, object);
		/* the copy shares nothing with the original */
		assert_int_equal(codec_check(type, copy), 0);
		(void)codec_free(type, copy);
		(void)codec_free(type, result);
		sd_bus_message_unref(m);
	}
}

static void test_round_trip(void **state)
{
	for_each_type(*state, round_trips);
}

static void test_signatures(void **state)
{
	char signature[CODEC_SIGNATURE_MAX_LEN + 1];

	(void)state;
	assert_int_equal(codec_signature(link_policy_mm.request, signature), 0);
	assert_string_equal(signature, "(ayayqqu)b" "u");
	assert_int_equal(codec_signature(link_psk_skeyid.request, signature), 0);
	assert_string_equal(signature, "(ayayqqu)buayay");
	assert_int_equal(codec_signature(link_set_credentials.request, signature), 0);
	assert_string_equal(signature, "a(ayayyya(uaybb)u)yss");
	assert_int_equal(codec_signature(NULL, signature), 0);
	assert_string_equal(signature, "");
	for (size_t i = 0; i < link_n_methods; i++) {
		assert_int_equal(codec_signature(link_methods[i]->request, signature), 0);
		assert_int_equal(codec_signature(link_methods[i]->reply, signature), 0);
	}
}

/* What carries keys is marked, so that messages and copies are wiped. */
static void test_secret_messages_are_marked(void **state)
{
	(void)state;
	assert_true(link_add_sa.has_secret_request);
	assert_true(link_keylog.has_secret_request);
	assert_true(link_set_credentials.has_secret_request);
	assert_true(link_psk_skeyid.has_secret_reply);
}

/* --- one field spoilt --------------------------------------------------------------------- */

/* Which field, counted in the order in which fields are written, and how. */
struct spoil {
	size_t field;
	unsigned int way;
	size_t count;		/* fields written so far */
	bool is_done;		/* the field has such a way */
	bool is_over;		/* there is no such field: all have been tried */
};

static void put_struct(sd_bus_message *m, const struct codec_type *type, const void *object,
		       struct spoil *spoil);

static const void *pointer(const void *object, size_t offset)
{
	const void *p;

	memcpy(&p, (const uint8_t *)object + offset, sizeof(p));
	return p;
}

static void put_uint(sd_bus_message *m, size_t width, uint64_t value)
{
	switch (width) {
	case 1:
		assert_true(sd_bus_message_append(m, "y", (int)value) >= 0);
		break;
	case 2:
		assert_true(sd_bus_message_append(m, "q", (int)value) >= 0);
		break;
	case 4:
		assert_true(sd_bus_message_append(m, "u", (uint32_t)value) >= 0);
		break;
	default:
		assert_true(sd_bus_message_append(m, "t", value) >= 0);
		break;
	}
}

static uint64_t largest(size_t width)
{
	return width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static uint64_t spoilt_uint(const struct codec_field *field, struct spoil *spoil, uint64_t value)
{
	const uint64_t ways[] = { field->max + 1, largest(field->width), field->min - 1, 0 };
	bool can[] = { field->max < largest(field->width), field->max < largest(field->width),
		       field->min > 0, field->min > 0 };

	if (spoil->way >= 4 || !can[spoil->way])
		return value;
	spoil->is_done = true;
	return ways[spoil->way];
}

static size_t spoilt_addr_len(const struct codec_field *field, struct spoil *spoil, size_t len)
{
	static const size_t lengths[] = { 1, 3, 5, 15, 17, 64, 0 };

	if (spoil->way >= 7 || (spoil->way == 6 && !field->min))
		return len;
	spoil->is_done = true;
	return lengths[spoil->way];
}

static size_t spoilt_len(const struct codec_field *field, struct spoil *spoil, size_t len)
{
	if (spoil->way == 0 || spoil->way == 1) {
		spoil->is_done = true;
		return field->max + 1 + 10 * spoil->way;
	}
	if (spoil->way == 2 && field->min) {
		spoil->is_done = true;
		return field->min - 1;
	}
	return len;
}

static void put_bytes(sd_bus_message *m, const void *bytes, size_t len)
{
	/* one more than the longest there may be */
	static const uint8_t zeros[65536];

	assert_true(len <= sizeof(zeros));
	assert_true(sd_bus_message_append_array(m, 'y', bytes ? bytes : zeros, len) >= 0);
}

static void put_text(sd_bus_message *m, const struct codec_field *field, const char *text,
		     struct spoil *spoil)
{
	static const char *const bad[] = { "a\nb", "\x7f", "\x1b[31m", "\r" };
	char longer[2048];

	if (spoil && spoil->way < 4) {
		spoil->is_done = true;
		text = bad[spoil->way];
	} else if (spoil && spoil->way == 4) {
		spoil->is_done = true;
		assert_true(field->max + 1 < sizeof(longer));
		memset(longer, 'x', field->max + 1);
		longer[field->max + 1] = '\0';
		text = longer;
	}
	assert_true(sd_bus_message_append(m, "s", text) >= 0);
}

/* @n elements; the last one again when there are fewer. */
static void put_elements(sd_bus_message *m, const struct codec_type *type, const uint8_t *first,
			 size_t n, size_t n_there, struct spoil *spoil)
{
	static struct test_random random = { 7 };
	char contents[CODEC_SIGNATURE_MAX_LEN + 1], element[CODEC_SIGNATURE_MAX_LEN + 3];
	void *spare = n > n_there ? test_random_object(&random, type) : NULL;
	struct spoil none = { .field = SIZE_MAX };

	assert_int_equal(codec_signature(type, contents), 0);
	(void)snprintf(element, sizeof(element), "(%s)", contents);
	assert_true(sd_bus_message_open_container(m, 'a', element) >= 0);
	for (size_t i = 0; i < n; i++) {
		const void *object = i < n_there ? first + i * type->size : spare;

		assert_true(sd_bus_message_open_container(m, 'r', contents) >= 0);
		put_struct(m, type, object, i < n_there ? spoil : &none);
		assert_true(sd_bus_message_close_container(m) >= 0);
	}
	assert_true(sd_bus_message_close_container(m) >= 0);
	if (spare)
		(void)codec_free(type, spare);
}

static void put_field(sd_bus_message *m, const struct codec_field *field, const void *object,
		      struct spoil *spoil)
{
	const uint8_t *p = (const uint8_t *)object + field->offset;
	bool is_chosen = spoil->count++ == spoil->field;
	char contents[CODEC_SIGNATURE_MAX_LEN + 1];
	const char *text;
	uint64_t value = 0;
	size_t len = 0, n;

	if (field->kind == CODEC_BYTES || field->kind == CODEC_HEAP_BYTES ||
	    field->kind == CODEC_ARRAY || field->kind == CODEC_HEAP_ARRAY)
		memcpy(&len, (const uint8_t *)object + field->len_offset, sizeof(len));
	switch (field->kind) {
	case CODEC_UINT:
		memcpy(&value, p, field->width);
		put_uint(m, field->width, is_chosen ? spoilt_uint(field, spoil, value) : value);
		break;
	case CODEC_BOOL:
		assert_true(sd_bus_message_append(m, "b", (int)*p) >= 0);
		break;
	case CODEC_ADDR:
		len = ip_addr_len((const struct ip_addr *)p);
		n = is_chosen ? spoilt_addr_len(field, spoil, len) : len;
		put_bytes(m, n == len ? ((const struct ip_addr *)p)->bytes : NULL, n);
		break;
	case CODEC_BYTES:
		n = is_chosen ? spoilt_len(field, spoil, len) : len;
		put_bytes(m, n > len ? NULL : p, n);
		break;
	case CODEC_HEAP_BYTES:
		n = is_chosen ? spoilt_len(field, spoil, len) : len;
		put_bytes(m, n > len ? NULL : pointer(object, field->offset), n);
		break;
	case CODEC_TEXT:
		put_text(m, field, pointer(object, field->offset), is_chosen ? spoil : NULL);
		break;
	case CODEC_OPTIONAL_TEXT:
		text = pointer(object, field->offset);
		put_text(m, field, text ? text : "", is_chosen ? spoil : NULL);
		break;
	case CODEC_STRUCT:
		assert_int_equal(codec_signature(field->type, contents), 0);
		assert_true(sd_bus_message_open_container(m, 'r', contents) >= 0);
		put_struct(m, field->type, p, spoil);
		assert_true(sd_bus_message_close_container(m) >= 0);
		break;
	case CODEC_ARRAY:
		n = is_chosen ? spoilt_len(field, spoil, len) : len;
		put_elements(m, field->type, p, n, len, spoil);
		break;
	case CODEC_HEAP_ARRAY:
		n = is_chosen ? spoilt_len(field, spoil, len) : len;
		put_elements(m, field->type, pointer(object, field->offset), n, len, spoil);
		break;
	case CODEC_OPTIONAL:
		p = pointer(object, field->offset);
		if (is_chosen && spoil->way == 0)
			spoil->is_done = true;
		put_elements(m, field->type, p, is_chosen && spoil->way == 0 ? 2 : p ? 1 : 0,
			     p ? 1 : 0, spoil);
		break;
	}
}

static void put_struct(sd_bus_message *m, const struct codec_type *type, const void *object,
		       struct spoil *spoil)
{
	for (size_t i = 0; i < type->n_fields; i++)
		put_field(m, &type->fields[i], object, spoil);
}

#define WAYS 7

/* Returns whether the field could be spoilt that way. */
static bool refuses(struct fixture *f, const struct codec_type *type, const void *object,
		    struct spoil *spoil)
{
	sd_bus_message *m = new_message(f);
	void *result = NULL;
	int r;

	put_struct(m, type, object, spoil);
	r = read_back(m, type, &result);
	if (r != (spoil->is_done ? -EBADMSG : 0))
		fail_msg("%s, field %zu, way %u: %d", type->name, spoil->field, spoil->way, r);
	if (r == 0)
		(void)codec_free(type, result);
	sd_bus_message_unref(m);
	return spoil->is_done;
}

static size_t n_spoilt;

static void spoil_each(struct fixture *f, const struct codec_type *type)
{
	void *object = test_random_object(&f->random, type);
	struct spoil spoil = { .field = 0 };
	size_t before = n_spoilt;

	/* the random number of elements decides how many fields there are; the first 200 show it */
	do {
		for (unsigned int way = 0; way < WAYS; way++) {
			struct spoil s = { .field = spoil.field, .way = way };

			n_spoilt += refuses(f, type, object, &s);
			spoil.is_over = s.count <= spoil.field;
		}
	} while (!spoil.is_over && spoil.field++ < 200);
	(void)codec_free(type, object);
	if (type != link_hello.request && type != link_statistics.reply)
		assert_true(n_spoilt > before);
}

static void test_each_field_out_of_range(void **state)
{
	n_spoilt = 0;
	for_each_type(*state, spoil_each);
	assert_true(n_spoilt > 500);
}

/* One field too few, one too many, one of another type. */
static void refuse_signatures(struct fixture *f, const struct codec_type *type)
{
	static const char *const extra[] = { "y", "u", "s", "v", "ay", "h" };
	void *object = test_random_object(&f->random, type);
	struct codec_type shorter = *type;
	void *result = NULL;
	sd_bus_message *m;

	for (size_t i = 0; i < 5; i++) {
		m = new_message(f);
		assert_int_equal(codec_append(m, type, object), 0);
		if (i < 2)
			assert_true(sd_bus_message_append(m, extra[i], 1) >= 0);
		else if (i == 2)
			assert_true(sd_bus_message_append(m, "s", "x") >= 0);
		else if (i == 3)
			assert_true(sd_bus_message_append(m, "v", "u", 1) >= 0);
		else
			assert_true(sd_bus_message_append(m, "ay", 0) >= 0);
		assert_int_equal(read_back(m, type, &result), -EBADMSG);
		sd_bus_message_unref(m);
	}
	shorter.n_fields--;
	m = new_message(f);
	assert_int_equal(codec_append(m, &shorter, object), 0);
	assert_int_equal(read_back(m, type, &result), -EBADMSG);
	sd_bus_message_unref(m);
	m = new_message(f);
	assert_int_equal(read_back(m, type, &result), -EBADMSG);
	sd_bus_message_unref(m);
	(void)codec_free(type, object);
}

static void test_other_signatures(void **state)
{
	for_each_type(*state, refuse_signatures);
}

/* --- what only several fields together can tell ------------------------------------------- */

static struct ike_path make_path(void)
{
	return (struct ike_path){ .local = ip_addr_v4(0xc0000201),
				  .remote = ip_addr_v4(0xc0000202) };
}

static const struct ip_addr v6 = { .family = AF_INET6, .bytes = { 0x20, 1, 0xd, 0xb8, 1 } };

static int check(const struct link_method *method, const void *object)
{
	return codec_check(method->request, object);
}

static void test_paths(void **state)
{
	struct link_policy_mm_query good = { .path = make_path() };
	struct link_policy_mm_query q;

	(void)state;
	assert_int_equal(check(&link_policy_mm, &good), 0);
	q = good;
	q.path.remote = v6;
	assert_int_equal(check(&link_policy_mm, &q), -EBADMSG);
	q = good;
	q.path.remote = ip_addr_v4(0);
	assert_int_equal(check(&link_policy_mm, &q), -EBADMSG);
	q = good;
	q.path.local = ip_addr_v4(0xe0000001);
	assert_int_equal(check(&link_policy_mm, &q), -EBADMSG);
	q = good;
	q.path.local.bytes[9] = 1;	/* beyond an IPv4 address */
	assert_int_equal(check(&link_policy_mm, &q), -EBADMSG);
	q = good;
	q.path.local.family = AF_UNIX;
	assert_int_equal(check(&link_policy_mm, &q), -EBADMSG);
}

static struct ike_acquire make_acquire(void)
{
	return (struct ike_acquire){
		.id = 1,
		.path = make_path(),
		.selector = { .local = ip_addr_v4(0xc0000201), .remote = ip_addr_v4(0xc0000202),
			      .local_prefix = 32, .remote_prefix = 32 },
		.mm = { .proposals = { { IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256,
					 IKE_GROUP_MODP2048 } },
			.n_proposals = 1, .auth = { IKE_AUTH_PSK }, .n_auth = 1 },
		.qm = { .filter_id = 1,
			.offers = { { .suites = { { IKE_PROTOCOL_ESP, IKE_CIPHER_3DES, 0,
						    IKE_HASH_SHA1 } }, .n_suites = 1 } },
			.n_offers = 1 },
	};
}

#define REFUSED(change)                                                         \
	do {                                                                    \
		struct ike_acquire a = make_acquire();                          \
		struct ike_mm_proposal *p = &a.mm.proposals[0];                 \
		struct ike_suite *s = a.qm.offers[0].suites;                    \
									        \
		(void)p;                                                        \
		(void)s;                                                        \
		change;                                                         \
		assert_int_equal(check(&link_acquire, &a), -EBADMSG);           \
	} while (0)

static void test_policies(void **state)
{
	struct ike_acquire good = make_acquire();

	(void)state;
	assert_int_equal(check(&link_acquire, &good), 0);
	REFUSED(p->key_bits = 100);
	REFUSED(p->key_bits = 0);
	REFUSED(p->cipher = IKE_CIPHER_3DES);	/* with 256 bits */
	REFUSED((p->cipher = IKE_CIPHER_NONE, p->key_bits = 0));
	REFUSED((p->cipher = IKE_CIPHER_NULL, p->key_bits = 0));
	REFUSED(p->cipher = IKE_CIPHER_AES_GCM_16);	/* not in main mode */
	REFUSED(p->hash = IKE_HASH_NONE);
	REFUSED(p->group = IKE_GROUP_NONE);
	REFUSED(p->group = 3);
	REFUSED(p->group = IKE_GROUP_MAIN_MODE);
	REFUSED(a.selector.local_prefix = 33);
	REFUSED(a.selector.remote = v6);
	REFUSED((s->cipher = IKE_CIPHER_NULL, s->hash = IKE_HASH_NONE));
	REFUSED((s->cipher = IKE_CIPHER_AES_GCM_16, s->key_bits = 128));	/* and a hash */
	REFUSED(s->protocol = IKE_PROTOCOL_AH);		/* and a cipher */
	REFUSED((s->protocol = IKE_PROTOCOL_AH, s->cipher = IKE_CIPHER_NONE,
		 s->hash = IKE_HASH_NONE));
	REFUSED(s->cipher = IKE_CIPHER_NONE);
	REFUSED((s[1] = s[0], a.qm.offers[0].n_suites = 2));	/* ESP twice */
	REFUSED(a.qm.offers[0].pfs_group = 3);
}

static struct ike_sa_install make_install(void)
{
	struct ike_sa_install i = {
		.directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.path = make_path(),
		.selector = make_acquire().selector,
		.suites = { { .suite = { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 128,
					 IKE_HASH_SHA1 }, .spi_in = 1000, .spi_out = 2000 } },
		.n_suites = 1,
		.life_seconds = 3600,
		.soft_seconds = 3000,
	};

	i.suites[0].in.cipher_key_len = i.suites[0].out.cipher_key_len = 16;
	i.suites[0].in.hash_key_len = i.suites[0].out.hash_key_len = 20;
	return i;
}

#undef REFUSED
#define REFUSED(method, change)                                                 \
	do {                                                                    \
		struct ike_sa_install i = make_install();                       \
		struct ike_sa_suite *s = i.suites;                              \
									        \
		(void)s;                                                        \
		change;                                                         \
		assert_int_equal(check(&method, &i), -EBADMSG);                 \
	} while (0)

static void test_installs(void **state)
{
	struct ike_sa_install i = make_install();

	(void)state;
	assert_int_equal(check(&link_add_sa, &i), 0);
	assert_int_equal(check(&link_adopt_sa, &i), -EBADMSG);	/* has keys */
	REFUSED(link_add_sa, s->in.cipher_key_len = 15);
	REFUSED(link_add_sa, s->in.hash_key_len = 0);
	REFUSED(link_add_sa, s->out.hash_key_len = 32);
	REFUSED(link_add_sa, (s->out.cipher_key_len = 0, s->out.hash_key_len = 0));
	REFUSED(link_add_sa, s->spi_out = 0);
	REFUSED(link_add_sa, s->spi_out = 255);
	REFUSED(link_add_sa, s->spi_in = 255);
	REFUSED(link_add_sa, i.soft_seconds = 3601);
	REFUSED(link_add_sa, (i.life_bytes = 1, i.soft_bytes = 2));
	REFUSED(link_add_sa, (i.life_bytes = 1, i.soft_bytes_in = 2));
	REFUSED(link_add_sa, i.pfs_group = 3);
	REFUSED(link_add_sa, (s[1] = s[0], i.n_suites = 2));

	/* a responder's first half has no outbound key yet */
	i.directions = IKE_DIRECTION_IN;
	memset(&i.suites[0].out, 0, sizeof(i.suites[0].out));
	assert_int_equal(check(&link_add_sa, &i), 0);
	memset(&i.suites[0].in, 0, sizeof(i.suites[0].in));
	assert_int_equal(check(&link_adopt_sa, &i), 0);
}

static void test_small_structs(void **state)
{
	struct ike_sa_ref ref = { .path = make_path(), .protocol = IKE_PROTOCOL_ESP };
	struct link_flush flush = { .reason = 1 };
	struct ike_keylog log = { .kind = IKE_KEYLOG_QM };
	struct link_credential psk = { .value = (uint8_t *)"x", .value_len = 1 };
	struct link_credential_rule rule = { .methods = &psk, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1, .gss_name = (char *)"",
					 .gss_realms = (char *)"" };

	(void)state;
	assert_int_equal(check(&link_del_sa, &ref), -EBADMSG);	/* names nothing */
	ref.spi_in = 300;
	assert_int_equal(check(&link_del_sa, &ref), 0);
	ref.spi_out = 1;
	assert_int_equal(check(&link_del_sa, &ref), -EBADMSG);
	assert_int_equal(check(&link_flush, &flush), -EBADMSG);
	flush.reason = IKE_REASON_SHUTTING_DOWN;
	assert_int_equal(check(&link_flush, &flush), 0);
	assert_int_equal(check(&link_keylog, &log), -EBADMSG);	/* no keys in it */
	log.kind = IKE_KEYLOG_MM;
	assert_int_equal(check(&link_keylog, &log), -EBADMSG);
	assert_int_equal(check(&link_set_credentials, &list), 0);
	psk.value_len = 0;
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	psk.kind = LINK_CREDENTIAL_KERBEROS;
	assert_int_equal(check(&link_set_credentials, &list), 0);
	rule.local_prefix = 1;	/* of no address */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rule.local = ip_addr_v4(1);
	rule.remote = v6;
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rule.remote = ip_addr_v4(1);
	assert_int_equal(check(&link_set_credentials, &list), 0);
	rule.remote_prefix = 33;
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
}

/* A rule has methods of its own or those of an earlier rule that has. */
static void test_shared_methods(void **state)
{
	struct link_credential psk = { .value = (uint8_t *)"x", .value_len = 1 };
	struct link_credential_rule rules[] = {
		{ .methods = &psk, .n_methods = 1 }, { .same_as = 1 }, { .same_as = 1 },
	};
	struct link_credentials list = { .rules = rules, .n_rules = 3, .gss_name = (char *)"",
					 .gss_realms = (char *)"" };

	(void)state;
	assert_int_equal(check(&link_set_credentials, &list), 0);
	assert_int_equal(link_credentials_source(&list, 0), 0);
	assert_int_equal(link_credentials_source(&list, 2), 0);
	rules[2].same_as = 2;	/* which has none itself */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[2].same_as = 3;	/* itself */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[1].same_as = 3;	/* a later one */
	rules[2] = rules[0];
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[1].same_as = 4;	/* none that there is */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[1].same_as = 0;	/* neither */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[1] = rules[0];
	rules[1].same_as = 1;	/* both */
	assert_int_equal(check(&link_set_credentials, &list), -EBADMSG);
	rules[1].same_as = 0;
	assert_int_equal(check(&link_set_credentials, &list), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_secret_messages_are_marked),
		cmocka_unit_test_setup_teardown(test_each_field_out_of_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_signatures, set_up, tear_down),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_installs),
		cmocka_unit_test(test_small_structs),
		cmocka_unit_test(test_shared_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
