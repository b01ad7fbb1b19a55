// SPDX-License-Identifier: MIT
/*
 * What a captured process could send. The first byte of the input chooses the method, the rest
 * is the body of a call with the right header (so that most inputs get as far as the struct),
 * or, for the byte 255, everything after the authentication as it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/codec.h"
#include "link/link.h"
#include "link/link_internal.h"
#include "link/method.h"

#define BODY_MAX 65536
#define AUTH "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at every byte, so that the sanitizers see what is not there. */
static void handle(const struct link_method *method, struct link_request *request,
		   const void *args)
{
	if (args) {
		void *copy = codec_copy(method->request, args);

		if (!copy || codec_check(method->request, copy) < 0)
			abort();	/* a handler got what it was promised not to get */
		(void)codec_free(method->request, copy);
	}
	if (request)
		link_fail(request, -1);
}

static const struct link_method *current;

static void on_call(void *userdata, struct link_request *request, const void *args)
{
	(void)userdata;
	handle(current, request, args);
}

struct out {
	uint8_t bytes[BODY_MAX + 1024];
	size_t len;
};

static void put(struct out *out, const void *data, size_t len)
{
	memcpy(out->bytes + out->len, data, len);
	out->len += len;
}

static void put_u32(struct out *out, uint32_t value)
{
	put(out, &value, sizeof(value));
}

static void align(struct out *out, size_t start)
{
	while ((out->len - start) % 8)
		out->bytes[out->len++] = 0;
}

static void put_field(struct out *out, size_t start, uint8_t code, char type, const char *value)
{
	uint32_t len = (uint32_t)strlen(value);

	align(out, start);
	put(out, (uint8_t[]){ code, 1, (uint8_t)type, 0 }, 4);
	if (type == 'g')
		put(out, &(uint8_t){ (uint8_t)len }, 1);
	else
		put_u32(out, len);
	put(out, value, len + 1);
}

/* D-Bus specification, "Message format", little endian. */
static void put_call(struct out *out, const struct link_method *method, const uint8_t *body,
		     size_t len)
{
	char signature[CODEC_SIGNATURE_MAX_LEN + 1];
	size_t start = out->len;
	uint32_t fields_len;

	if (codec_signature(method->request, signature) < 0)
		abort();
	put(out, (uint8_t[]){ 'l', 1, method->is_one_way ? 1 : 0, 1 }, 4);
	put_u32(out, (uint32_t)len);
	put_u32(out, 1);
	put_u32(out, 0);
	put_field(out, start, 1, 'o', "/org/ipsec_policy/link");
	put_field(out, start, 2, 's', "org.ipsec_policy.Link1");
	put_field(out, start, 3, 's', method->name);
	if (signature[0])
		put_field(out, start, 8, 'g', signature);
	fields_len = (uint32_t)(out->len - start - 16);
	memcpy(out->bytes + start + 12, &fields_len, sizeof(fields_len));
	align(out, start);
	put(out, body, len);
}

static void run(const struct out *out, const struct link_handler *handlers, size_t n_handlers)
{
	struct link_config config = { .handlers = handlers, .n_handlers = n_handlers };
	struct link *link = NULL;
	sd_event *event = NULL;
	int fds[2];

	if (sd_event_new(&event) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	if (link_new_fd(event, fds[0], true, &config, &link) < 0)
		abort();
	if (write(fds[1], out->bytes, out->len) != (ssize_t)out->len)
		abort();
	(void)shutdown(fds[1], SHUT_WR);
	for (size_t i = 0; i < 100 && sd_bus_is_open(link->bus) > 0; i++)
		if (sd_event_run(event, 0) < 0)
			abort();
	(void)close(fds[1]);
	(void)link_free(link);
	sd_event_unref(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct out out;
	struct link_handler handler = { .handler = on_call };

	if (size < 1 || size - 1 > BODY_MAX)
		return 0;
	out.len = 0;
	put(&out, AUTH, sizeof(AUTH) - 1);
	current = link_methods[data[0] % link_n_methods];
	handler.method = current;
	if (data[0] == 255)
		put(&out, data + 1, size - 1);
	else
		put_call(&out, current, data + 1, size - 1);
	run(&out, &handler, 1);
	return 0;
}
