// SPDX-License-Identifier: MIT
#include "cred/kerberos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/gss_message.h"
#include "cred/gss_process.h"
#include "cred/helper.h"
#include "link/messages.h"

#define CALLS_MAX 256

struct kerberos {
	struct kerberos_config config;
	struct gss_process process; /* of which the other process has a copy */
	struct helper *helper;
	struct gss_names names;
	char own_name[PRINCIPAL_SIZE]; /* one of the names, or "" */
	char wanted_name[PRINCIPAL_SIZE];
	char realms[GSS_REALMS_SIZE];
	uint8_t buf[HELPER_MESSAGE_MAX_LEN];
};

/* A request of ipsec-ike with the other process. */
struct pending {
	struct kerberos *kerberos;
	struct link_request *request;
	enum gss_op op;
	uint64_t context;
};

/* --- own name ----------------------------------------------------------------------------- */

static bool is_chosen(const struct kerberos *kerberos, const char *name)
{
	return *kerberos->wanted_name ? strcmp(name, kerberos->wanted_name) == 0
				      : strstr(name, "$@") != NULL;
}

static const char *choose_name(const struct kerberos *kerberos)
{
	for (size_t i = 0; i < kerberos->names.n_names; i++)
		if (is_chosen(kerberos, kerberos->names.names[i]))
			return kerberos->names.names[i];
	return kerberos->names.n_names && !*kerberos->wanted_name ? kerberos->names.names[0] : "";
}

static bool update_name(struct kerberos *kerberos)
{
	const char *name = choose_name(kerberos);

	if (strcmp(name, kerberos->own_name) == 0)
		return false;
	strcpy(kerberos->own_name, name);
	return true;
}

static void on_notice(void *userdata, const void *data, size_t len)
{
	struct kerberos *kerberos = userdata;

	if (gss_names_read((struct bytes){ data, len }, &kerberos->names) < 0) {
		log_warning("Kerberos: names that cannot be read, ignoring");
		return;
	}
	if (!update_name(kerberos))
		return;
	if (*kerberos->own_name)
		log_info("Kerberos: this machine is %s", kerberos->own_name);
	else
		log_warning("Kerberos: %s has no key of this machine any more",
			    kerberos->config.keytab);
	if (kerberos->config.changed)
		kerberos->config.changed(kerberos->config.userdata);
}

void kerberos_set_policy(struct kerberos *kerberos, const char *name, const char *realms)
{
	(void)strncpy(kerberos->wanted_name, name, sizeof(kerberos->wanted_name) - 1);
	(void)strncpy(kerberos->realms, realms, sizeof(kerberos->realms) - 1);
	(void)update_name(kerberos);
	if (*kerberos->wanted_name && !*kerberos->own_name)
		log_warning("Kerberos: %s has no key of %s", kerberos->config.keytab,
			    kerberos->wanted_name);
}

const char *kerberos_own_name(const struct kerberos *kerberos)
{
	return kerberos->own_name;
}

/* --- answers ------------------------------------------------------------------------------ */

static void reply(const struct pending *pending, const struct gss_answer *answer)
{
	struct ike_gss_token token = {
		.reason = answer->reason,
		.is_complete = answer->is_complete,
		.token = answer->data,
		.peer = (char *)answer->peer,
		.detail = (char *)answer->detail,
	};
	struct ike_gss_result result = { .reason = answer->reason };

	if (pending->op == GSS_STEP) {
		(void)link_reply(pending->request, &token);
		return;
	}
	if (answer->data.len > sizeof(result.bytes)) {
		link_fail(pending->request, -EBADMSG);
		return;
	}
	result.len = answer->data.len;
	if (result.len)
		memcpy(result.bytes, answer->data.data, result.len);
	(void)link_reply(pending->request, &result);
	wipe(&result, sizeof(result));
}

static void refuse(const struct pending *pending, enum ike_reason reason, const char *detail)
{
	struct gss_answer answer = { .reason = reason };

	(void)strncpy(answer.detail, detail, sizeof(answer.detail) - 1);
	reply(pending, &answer);
}

static void tell_end(struct kerberos *kerberos, enum gss_op op, uint64_t context)
{
	struct gss_request request = { .op = op, .context = context };
	size_t len = gss_request_write(&request, kerberos->buf);

	/* if it cannot be told, the context ends by its age */
	(void)helper_tell(kerberos->helper, kerberos->buf, len);
}

static void on_answer(void *userdata, int error, const void *data, size_t len)
{
	_cleanup_free_ struct pending *pending = userdata;
	struct gss_answer answer;

	if (error == 0)
		error = gss_answer_read((struct bytes){ data, len }, &answer);
	if (error == 0) {
		reply(pending, &answer);
	} else if (error == -ETIMEDOUT) {
		refuse(pending, IKE_REASON_KERBEROS, "the KDC has not answered in time");
		tell_end(pending->kerberos, GSS_END, pending->context);
	} else {
		refuse(pending, IKE_REASON_KERBEROS, "the Kerberos process has ended");
	}
}

/* --- requests ----------------------------------------------------------------------------- */

static void ask(struct kerberos *kerberos, struct link_request *link_request,
		const struct gss_request *request)
{
	struct pending now = { kerberos, link_request, request->op, request->context };
	struct pending *pending = malloc(sizeof(*pending));
	size_t len = gss_request_write(request, kerberos->buf);
	int r = -ENOMEM;

	if (pending) {
		*pending = now;
		r = len ? helper_call(kerberos->helper, kerberos->buf, len, on_answer, pending)
			: -EMSGSIZE;
	}
	wipe(kerberos->buf, len);
	if (r == 0)
		return;
	free(pending);
	if (r == -EPIPE)
		refuse(&now, IKE_REASON_KERBEROS, "the Kerberos process has ended");
	else
		link_fail(link_request, r);
}

void kerberos_step(struct kerberos *kerberos, struct link_request *request,
		   const struct ike_gss_step *step)
{
	struct pending now = { kerberos, request, GSS_STEP, step->context };
	struct gss_request ask_for = {
		.op = GSS_STEP,
		.context = step->context,
		.is_initiator = step->is_initiator,
		.peer_name = step->peer_name,
		.data = step->token,
	};

	if (!*kerberos->own_name) {
		refuse(&now, IKE_REASON_NO_KERBEROS, "the keytab has no key of this machine");
		return;
	}
	strcpy(ask_for.own_name, kerberos->own_name);
	strcpy(ask_for.realms, kerberos->realms);
	ask(kerberos, request, &ask_for);
}

void kerberos_wrap(struct kerberos *kerberos, struct link_request *request,
		   const struct ike_gss_message *message)
{
	ask(kerberos, request,
	    &(struct gss_request){
		    .op = GSS_WRAP, .context = message->context, .data = message->data });
}

void kerberos_unwrap(struct kerberos *kerberos, struct link_request *request,
		     const struct ike_gss_message *message)
{
	ask(kerberos, request,
	    &(struct gss_request){
		    .op = GSS_UNWRAP, .context = message->context, .data = message->data });
}

void kerberos_end(struct kerberos *kerberos, const struct ike_gss_end *end)
{
	tell_end(kerberos, GSS_END, end->context);
}

void kerberos_end_all(struct kerberos *kerberos)
{
	tell_end(kerberos, GSS_END_ALL, 0);
}

/* --- life --------------------------------------------------------------------------------- */

struct kerberos *kerberos_free(struct kerberos *kerberos)
{
	if (!kerberos)
		return NULL;
	(void)helper_free(kerberos->helper);
	free(kerberos);
	return NULL;
}

DEFINE_CLEANUP(struct kerberos *, kerberos_free);

int kerberos_new(sd_event *event, const struct kerberos_config *config,
		 struct kerberos **ret_kerberos)
{
	_cleanup_(kerberos_freep) struct kerberos *kerberos = calloc(1, sizeof(*kerberos));
	struct helper_config helper_config = {
		.name = "cred-gss",
		.user = config->user,
		.prepare = gss_process_prepare,
		.run = gss_process_run,
		.notice = on_notice,
		.timeout_usec = config->timeout_usec,
		.calls_max = CALLS_MAX,
	};
	int r;

	if (!kerberos)
		return -ENOMEM;
	kerberos->config = *config;
	kerberos->process.keytab_path = config->keytab;
	kerberos->process.timeout_ms = config->timeout_usec / 1000;
	helper_config.run_userdata = &kerberos->process;
	helper_config.notice_userdata = kerberos;
	r = helper_new(event, &helper_config, &kerberos->helper);
	if (r < 0)
		return r;
	*ret_kerberos = TAKE_PTR(kerberos);
	return 0;
}
