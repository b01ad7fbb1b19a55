// SPDX-License-Identifier: MIT
/*
 * GSS-API with MIT krb5, as draft-ietf-ipsec-isakmp-gss-auth wants it. A context takes part in main
 * mode like this:
 *
 *     initiator                                            responder
 *     HDR, SA with "host-a$@REALM"            -->
 *                                             <--          HDR, SA with "host-b$@REALM"
 *     step(peer "host-b$@REALM")   ticket from the KDC
 *     HDR, KE, Ni, token: AP-REQ              -->          step(token), no KDC: the keytab opens it
 *     step(token)                             <--          HDR, KE, Nr, token: AP-REP
 *     HDR*, IDii, wrap(HASH_I)                -->          unwrap, compare
 *     unwrap, compare                         <--          HDR*, IDir, wrap(HASH_R)
 *
 * The peer chooses the name of whom we ask a ticket for, so that has to be a machine, of a realm of
 * the policy, and it is what the peer is called from then on: with mutual authentication nobody else
 * can answer. There is no replay cache: who sends an AP-REQ again cannot use the key in it, and the
 * hashes are over nonces of this main mode.
 *
 * Tickets are kept in memory, by our own name, for all contexts.
 */
#include "cred/gss_context.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "base/cleanup.h"
#include "cred/gss_keytab.h"

/* Without each of these the context is worth nothing. */
#define FLAGS (GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)

/* One hash each way, and some patience with an engine that asks twice. */
#define MESSAGES_MAX 4

#define CCACHE_SIZE (PRINCIPAL_SIZE + 16)

enum state {
	STATE_NEW,
	STATE_OPEN,
	STATE_COMPLETE,
	STATE_FAILED,
};

struct gss_context {
	struct gss_keytab *keytab;
	uint64_t number;
	bool is_initiator;
	enum state state;
	bool is_proven; /* something was unwrapped */
	unsigned int n_tokens; /* of the peer */
	unsigned int n_messages;
	char own_name[PRINCIPAL_SIZE];
	char peer[PRINCIPAL_SIZE];
	gss_ctx_id_t handle;
	gss_cred_id_t cred;
	gss_name_t target; /* initiator */
	gss_buffer_desc out; /* of the last call */
};

/* One thread at a time gets the machine's own ticket; the others find it then. */
static pthread_mutex_t ticket_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- refusals ----------------------------------------------------------------------------- */

static void release(gss_buffer_t buffer)
{
	OM_uint32 minor;

	(void)gss_release_buffer(&minor, buffer);
}

static void refuse(struct gss_context *context, enum ike_reason reason, const char *what,
		   const char *why, struct gss_answer *answer)
{
	context->state = STATE_FAILED;
	release(&context->out);
	*answer = (struct gss_answer){ .reason = reason };
	(void)snprintf(answer->detail, sizeof(answer->detail), "%s%s%s", what, *why ? ": " : "",
		       why);
	/* names and the library's words come from files and from peers */
	for (char *p = answer->detail; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* The library's own words: "Cannot contact any KDC for realm 'EXAMPLE.TEST'". */
static void refuse_gss(struct gss_context *context, OM_uint32 major, OM_uint32 minor,
		       const char *what, struct gss_answer *answer)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;
	char why[GSS_DETAIL_SIZE];

	if (minor)
		(void)gss_display_status(&ignored, minor, GSS_C_MECH_CODE, gss_mech_krb5, &more,
					 &text);
	else
		(void)gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more,
					 &text);
	(void)snprintf(why, sizeof(why), "%.*s", (int)text.length, (const char *)text.value);
	release(&text);
	refuse(context, IKE_REASON_KERBEROS, what, why, answer);
}

/* --- credentials -------------------------------------------------------------------------- */

static OM_uint32 import_name(const char *text, gss_name_t *ret_name)
{
	gss_buffer_desc buffer = { strlen(text), (void *)text };
	OM_uint32 minor;

	/* not a host-based service: that would be looked up in DNS */
	return gss_import_name(&minor, &buffer, GSS_KRB5_NT_PRINCIPAL_NAME, ret_name);
}

static void write_ccache(const char *own_name, char buf[static CCACHE_SIZE])
{
	(void)snprintf(buf, CCACHE_SIZE, "MEMORY:%s", own_name);
}

static OM_uint32 acquire(const char *own_name, gss_cred_usage_t usage,
			 const gss_key_value_set_desc *store, gss_cred_id_t *ret_cred,
			 OM_uint32 *minor)
{
	gss_OID_set_desc mechs = { 1, gss_mech_krb5 };
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major = GSS_S_COMPLETE, ignored;

	if (own_name)
		major = import_name(own_name, &name);
	if (major == GSS_S_COMPLETE)
		major = gss_acquire_cred_from(minor, name, GSS_C_INDEFINITE, &mechs, usage, store,
					      ret_cred, NULL, NULL);
	(void)gss_release_name(&ignored, &name);
	return major;
}

/* The machine's own ticket, from memory or the KDC. */
static OM_uint32 acquire_initiator(struct gss_context *context, uint64_t give_up, OM_uint32 *minor)
{
	char keytab[GSS_KEYTAB_PLACE_SIZE], ccache[CCACHE_SIZE];
	gss_key_value_element_desc elements[] = { { "client_keytab", keytab },
						  { "ccache", ccache } };
	const gss_key_value_set_desc store = { 2, elements };
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, ignored;

	write_ccache(context->own_name, ccache);
	gss_keytab_place(context->keytab, keytab);
	(void)pthread_mutex_lock(&ticket_lock);
	if (now_ms() >= give_up) {
		*minor = KRB5_KDC_UNREACH;
		major = GSS_S_FAILURE;
	} else {
		major = acquire(context->own_name, GSS_C_INITIATE, &store, &context->cred, minor);
	}
	/* asks for the ticket if acquire() put that off */
	if (major == GSS_S_COMPLETE)
		major = gss_inquire_cred(minor, context->cred, &name, NULL, NULL, NULL);
	(void)pthread_mutex_unlock(&ticket_lock);
	(void)gss_release_name(&ignored, &name);
	return major;
}

static OM_uint32 acquire_acceptor(struct gss_context *context, OM_uint32 *minor)
{
	char keytab[GSS_KEYTAB_PLACE_SIZE];
	gss_key_value_element_desc elements[] = { { "keytab", keytab }, { "rcache", "none:" } };
	const gss_key_value_set_desc store = { 2, elements };

	gss_keytab_place(context->keytab, keytab);
	return acquire(NULL, GSS_C_ACCEPT, &store, &context->cred, minor);
}

/* --- steps -------------------------------------------------------------------------------- */

static bool begin_initiator(struct gss_context *context, const struct gss_request *request,
			    uint64_t give_up, struct gss_answer *answer)
{
	OM_uint32 major, minor = 0;

	if (principal_from_utf16(request->peer_name, context->peer) < 0) {
		refuse(context, IKE_REASON_KERBEROS, "the peer's name is not that of a machine", "",
		       answer);
		return false;
	}
	if (!principal_is_in_realms(context->peer, request->realms)) {
		refuse(context, IKE_REASON_KERBEROS, context->peer,
		       "its realm is not one of the policy's", answer);
		return false;
	}
	strcpy(context->own_name, request->own_name);
	major = import_name(context->peer, &context->target);
	if (major == GSS_S_COMPLETE)
		major = acquire_initiator(context, give_up, &minor);
	if (major != GSS_S_COMPLETE)
		refuse_gss(context, major, minor, "no ticket for this machine", answer);
	return major == GSS_S_COMPLETE;
}

static bool begin_acceptor(struct gss_context *context, struct gss_answer *answer)
{
	OM_uint32 minor = 0;
	OM_uint32 major = acquire_acceptor(context, &minor);

	if (major != GSS_S_COMPLETE)
		refuse_gss(context, major, minor, "no key for this machine", answer);
	return major == GSS_S_COMPLETE;
}

/* The name in the ticket. */
static bool read_peer(struct gss_context *context, gss_name_t name,
		      const struct gss_request *request, struct gss_answer *answer)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	char peer[GSS_DETAIL_SIZE];
	OM_uint32 minor;

	if (gss_display_name(&minor, name, &text, NULL) != GSS_S_COMPLETE)
		text.length = 0;
	/* a NUL in it ends it here; what is before has to be a name then, which its check sees */
	(void)snprintf(peer, sizeof(peer), "%.*s", (int)text.length, (const char *)text.value);
	if (strlen(peer) != text.length || !principal_is_host(peer))
		refuse(context, IKE_REASON_KERBEROS, peer, "not the name of a machine", answer);
	else if (!principal_is_in_realms(peer, request->realms))
		refuse(context, IKE_REASON_KERBEROS, peer, "its realm is not one of the policy's",
		       answer);
	else
		strcpy(context->peer, peer);
	release(&text);
	return context->state != STATE_FAILED;
}

static void finish_step(struct gss_context *context, OM_uint32 major, OM_uint32 flags,
			struct gss_answer *answer)
{
	context->state = STATE_OPEN;
	if (major == GSS_S_COMPLETE && (flags & FLAGS) != FLAGS) {
		refuse(context, IKE_REASON_KERBEROS,
		       "the context is without mutual authentication, "
		       "order, integrity or confidentiality",
		       "", answer);
		return;
	}
	if (context->out.length > IKE_TOKEN_MAX_LEN) {
		refuse(context, IKE_REASON_KERBEROS, "our own token is too long", "", answer);
		return;
	}
	if (major == GSS_S_COMPLETE) {
		context->state = STATE_COMPLETE;
		answer->is_complete = true;
		strcpy(answer->peer, context->peer);
	}
	answer->data = (struct bytes){ context->out.value, context->out.length };
}

static void step_initiator(struct gss_context *context, const struct gss_request *request,
			   uint64_t give_up, struct gss_answer *answer)
{
	gss_buffer_desc in = { request->data.len, (void *)request->data.data };
	OM_uint32 major, minor = 0, flags = 0;
	char what[PRINCIPAL_SIZE + 32];

	if (context->state == STATE_NEW && !begin_initiator(context, request, give_up, answer))
		return;
	major = gss_init_sec_context(&minor, context->cred, &context->handle, context->target,
				     gss_mech_krb5, FLAGS, 0, GSS_C_NO_CHANNEL_BINDINGS, &in, NULL,
				     &context->out, &flags, NULL);
	if (major == GSS_S_COMPLETE || major == GSS_S_CONTINUE_NEEDED) {
		finish_step(context, major, flags, answer);
		return;
	}
	(void)snprintf(what, sizeof(what), "%s %s",
		       context->state == STATE_NEW ? "no ticket for" : "wrong answer of",
		       context->peer);
	refuse_gss(context, major, minor, what, answer);
}

static void step_acceptor(struct gss_context *context, const struct gss_request *request,
			  struct gss_answer *answer)
{
	gss_buffer_desc in = { request->data.len, (void *)request->data.data };
	OM_uint32 major, minor = 0, ignored, flags = 0;
	gss_name_t name = GSS_C_NO_NAME;

	if (context->state == STATE_NEW && !begin_acceptor(context, answer))
		return;
	major = gss_accept_sec_context(&minor, &context->handle, context->cred, &in,
				       GSS_C_NO_CHANNEL_BINDINGS, &name, NULL, &context->out,
				       &flags, NULL, NULL);
	/* to go on with a minor code means an error token for the peer, and nothing to go on with */
	if (major != GSS_S_COMPLETE && (major != GSS_S_CONTINUE_NEEDED || minor))
		refuse_gss(context, major, minor, "the peer's ticket", answer);
	else if (major != GSS_S_COMPLETE || read_peer(context, name, request, answer))
		finish_step(context, major, flags, answer);
	(void)gss_release_name(&ignored, &name);
}

static void step(struct gss_context *context, const struct gss_request *request, uint64_t give_up,
		 struct gss_answer *answer)
{
	bool is_first = context->state == STATE_NEW;

	/* only an initiator speaks first, and nobody speaks after the end */
	if ((!is_first && context->state != STATE_OPEN) ||
	    (request->data.len == 0) != (is_first && context->is_initiator)) {
		refuse(context, IKE_REASON_KERBEROS, "a token out of turn", "", answer);
		return;
	}
	if (request->data.len && ++context->n_tokens > IKE_TOKENS_MAX) {
		refuse(context, IKE_REASON_KERBEROS, "too many tokens", "", answer);
		return;
	}
	if (context->is_initiator)
		step_initiator(context, request, give_up, answer);
	else
		step_acceptor(context, request, answer);
}

/* --- messages ----------------------------------------------------------------------------- */

static void wrap(struct gss_context *context, struct bytes hash, struct gss_answer *answer)
{
	gss_buffer_desc in = { hash.len, (void *)hash.data };
	OM_uint32 major, minor = 0;
	int is_confidential = 0;

	major = gss_wrap(&minor, context->handle, 1, GSS_C_QOP_DEFAULT, &in, &is_confidential,
			 &context->out);
	if (major != GSS_S_COMPLETE)
		refuse_gss(context, major, minor, "cannot wrap", answer);
	else if (!is_confidential || context->out.length > IKE_WRAPPED_MAX_LEN)
		refuse(context, IKE_REASON_KERBEROS, "cannot wrap confidentially", "", answer);
	else
		answer->data = (struct bytes){ context->out.value, context->out.length };
}

static void unwrap(struct gss_context *context, struct bytes wrapped, struct gss_answer *answer)
{
	gss_buffer_desc in = { wrapped.len, (void *)wrapped.data };
	OM_uint32 major, minor = 0;
	gss_qop_t qop = GSS_C_QOP_DEFAULT;
	int is_confidential = 0;

	/* a message again or out of order is a failure too: the major code is more than COMPLETE then */
	major = gss_unwrap(&minor, context->handle, &in, &context->out, &is_confidential, &qop);
	if (major != GSS_S_COMPLETE) {
		refuse_gss(context, major, minor, "the peer's wrapped hash", answer);
	} else if (!is_confidential || qop != GSS_C_QOP_DEFAULT) {
		refuse(context, IKE_REASON_KERBEROS, "the peer's hash is not confidential", "",
		       answer);
	} else if (context->out.length == 0 || context->out.length > IKE_HASH_MAX_LEN) {
		refuse(context, IKE_REASON_KERBEROS, "what the peer has wrapped is no hash", "",
		       answer);
	} else {
		context->is_proven = true;
		answer->data = (struct bytes){ context->out.value, context->out.length };
	}
}

static void message(struct gss_context *context, const struct gss_request *request,
		    struct gss_answer *answer)
{
	if (context->state != STATE_COMPLETE)
		refuse(context, IKE_REASON_KERBEROS, "the context is not complete", "", answer);
	else if (++context->n_messages > MESSAGES_MAX)
		refuse(context, IKE_REASON_KERBEROS, "too many messages", "", answer);
	else if (request->op == GSS_WRAP && request->data.len <= IKE_HASH_MAX_LEN)
		wrap(context, request->data, answer);
	else if (request->op == GSS_UNWRAP && request->data.len <= IKE_WRAPPED_MAX_LEN)
		unwrap(context, request->data, answer);
	else
		refuse(context, IKE_REASON_KERBEROS, "too long a message", "", answer);
}

/* --- context ------------------------------------------------------------------------------ */

uint64_t gss_context_number(const struct gss_context *context)
{
	return context->number;
}

bool gss_context_is_initiator(const struct gss_context *context)
{
	return context->is_initiator;
}

bool gss_context_may_block(const struct gss_context *context)
{
	return context->is_initiator && context->state == STATE_NEW;
}

void gss_context_answer(struct gss_context *context, const struct gss_request *request,
			uint64_t give_up, struct gss_answer *ret_answer)
{
	release(&context->out);
	*ret_answer = (struct gss_answer){ 0 };
	if (request->op == GSS_STEP)
		step(context, request, give_up, ret_answer);
	else
		message(context, request, ret_answer);
}

static krb5_error_code remove_ticket(krb5_context krb5, krb5_ccache ccache, const char *own_name,
				     const char *peer)
{
	krb5_creds which = { 0 };
	krb5_error_code code = krb5_parse_name(krb5, own_name, &which.client);

	if (code == 0)
		code = krb5_parse_name(krb5, peer, &which.server);
	if (code == 0)
		code = krb5_cc_remove_cred(krb5, ccache, 0, &which);
	krb5_free_cred_contents(krb5, &which);
	return code;
}

static void forget_ticket(const struct gss_context *context)
{
	char name[CCACHE_SIZE];
	krb5_context krb5;
	krb5_ccache ccache;

	if (krb5_init_context(&krb5) != 0)
		return;
	write_ccache(context->own_name, name);
	if (krb5_cc_resolve(krb5, name, &ccache) == 0) {
		(void)remove_ticket(krb5, ccache, context->own_name, context->peer);
		(void)krb5_cc_close(krb5, ccache);
	}
	krb5_free_context(krb5);
}

struct gss_context *gss_context_new(struct gss_keytab *keytab, uint64_t number, bool is_initiator)
{
	struct gss_context *context = calloc(1, sizeof(*context));

	if (context)
		*context = (struct gss_context){ .keytab = keytab,
						 .number = number,
						 .is_initiator = is_initiator };
	return context;
}

struct gss_context *gss_context_free(struct gss_context *context)
{
	OM_uint32 minor;

	if (!context)
		return NULL;
	if (context->target && !context->is_proven)
		forget_ticket(context);
	release(&context->out);
	(void)gss_delete_sec_context(&minor, &context->handle, GSS_C_NO_BUFFER);
	(void)gss_release_cred(&minor, &context->cred);
	(void)gss_release_name(&minor, &context->target);
	free(context);
	return NULL;
}
